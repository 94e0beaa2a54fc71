"""Takes out of a damaged log file what can be read."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from pathlib import Path

BLOCK = 1 << 20


def whole_lines(path: Path, folder: Path) -> tuple[Path, int]:
    """A new file in a folder with the lines that are JSON objects, and how many others there are.

    A compressed file that is cut off or damaged gives what comes before the damage.
    """
    target = folder / f"{path.name.partition('.')[0]}-{path.stat().st_ino}.jsonl"
    lost = 0
    with target.open("wb") as opened:
        for line in all_lines(path):
            if _is_object(line):
                opened.write(line + b"\n")
            else:
                lost += 1
    return target, lost


def all_lines(path: Path) -> Iterator[bytes]:
    """The lines of a compressed file, torn ones too, without their newlines: those before the first damage."""
    rest = b""
    for block in _blocks(path):
        *lines, rest = (rest + block).split(b"\n")
        yield from filter(bytes.strip, lines)
    yield from filter(bytes.strip, [rest])


def _blocks(path: Path) -> Iterator[bytes]:
    """The content up to the first damage; a file may consist of several compressed parts."""
    unpacker = zlib.decompressobj(wbits=31)
    with path.open("rb") as opened:
        while data := opened.read(BLOCK):
            while data:
                try:
                    yield unpacker.decompress(data)
                except zlib.error:
                    return
                data = unpacker.unused_data
                if unpacker.eof:
                    unpacker = zlib.decompressobj(wbits=31)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False
