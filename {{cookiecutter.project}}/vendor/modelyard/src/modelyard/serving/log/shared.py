"""Numbers that all processes of the service share: each process writes its own, and any process can sum them.

They are in one memory map, created before the processes are forked, with a region for each process. Only its owner
writes to a region, so no lock is needed; a restarted process resumes its predecessor's numbers.

A region consists of the number of bytes in use (u64) and of entries: a text (its length in bytes and the number of its
cells, two u32, then the text, padded to 8 bytes) and its cells (float64).
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator

REGION = 256 * 1024  # bytes, enough for some thousand series; unused pages take no memory
_HEAD = struct.Struct("<II")
_USED = struct.Struct("<Q")


class Shared:
    """The memory for a number of processes. Create it before they are forked."""

    def __init__(self, processes: int, region: int = REGION) -> None:
        self._size = region
        self._memory = mmap.mmap(-1, processes * region)
        self._processes = processes

    def region(self, process: int) -> Region:
        """The region of one process, to write into."""
        return Region(self._view(process))

    def sums(self) -> dict[str, list[float]]:
        """For each text the sum of its cells over all processes."""
        summed: dict[str, list[float]] = {}
        for process in range(self._processes):
            for text, cells in _entries(self._view(process)):
                before = summed.get(text)
                values = list(map(float, cells))
                summed[text] = values if before is None else [a + b for a, b in zip(before, values, strict=True)]
        return summed

    def _view(self, process: int) -> memoryview:
        return memoryview(self._memory)[process * self._size : (process + 1) * self._size]


class Region:
    """The part of one process."""

    def __init__(self, memory: memoryview) -> None:
        self._memory = memory
        self._cells = dict(_entries(memory))

    def cells(self, text: str, count: int = 1) -> memoryview[float]:
        """The cells with this text, as float64 to count with; they start at 0.

        If the region is full, they are private to this process: nothing fails, but they are not in the sums.
        """
        cells = self._cells.get(text)
        if cells is None:
            cells = self._cells[text] = self._add(text, count)
        return cells

    def _add(self, text: str, count: int) -> memoryview[float]:
        name = text.encode()
        start = max(_USED.unpack_from(self._memory)[0], _USED.size)
        cells = start + _HEAD.size + -(-len(name) // 8) * 8
        end = cells + 8 * count
        if end > len(self._memory):
            return memoryview(bytearray(8 * count)).cast("d")
        _HEAD.pack_into(self._memory, start, len(name), count)
        self._memory[start + _HEAD.size : start + _HEAD.size + len(name)] = name
        _USED.pack_into(self._memory, 0, end)  # last, because other processes may be reading
        return self._memory[cells:end].cast("d")


def _entries(memory: memoryview) -> Iterator[tuple[str, memoryview[float]]]:
    start, used = _USED.size, _USED.unpack_from(memory)[0]
    while start < used:
        length, count = _HEAD.unpack_from(memory, start)
        text = bytes(memory[start + _HEAD.size : start + _HEAD.size + length]).decode()
        cells = start + _HEAD.size + -(-length // 8) * 8
        start = cells + 8 * count
        yield text, memory[cells:start].cast("d")
