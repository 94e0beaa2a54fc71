"""Whether each id occurs once over all periods, without holding the ids of more than one of them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...runtime.contract import Contract
from .refusal import BrokenRule, DataRefused

Read = Callable[[list[str]], pa.Table]  # some columns of one period
Hashes = NDArray[np.uint64]
Hash = Callable[[pa.Table], Hashes]

BLOCK = 65_536  # rows whose ids are objects of Python's at once
COMPARED = 1 << 21  # about so many hashes at once
RANGES = 256  # of hashes, by their first byte
STARTS = np.arange(RANGES, dtype=np.uint64) << np.uint64(56)
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


def hash_rows(ids: pa.Table) -> Hashes:
    """A hash of each row, which may be that of another one too."""
    blocks = [_hash_block(ids.slice(start, BLOCK)) for start in range(0, ids.num_rows, BLOCK)]
    return np.concatenate([np.empty(0, np.uint64), *blocks])


def _hash_block(ids: pa.Table) -> Hashes:
    from pandas.util import hash_array  # so only if there is something new

    hashes = np.zeros(ids.num_rows, np.uint64)
    for cells in ids.columns:
        hashes = hashes * MULTIPLIER + hash_array(cells.to_numpy(), categorize=False)
    return hashes


def check_ids(
    contract: Contract,
    new: Mapping[str, Read],
    old: Mapping[str, Read],
    folder: Path | None = None,
    hashed: Hash = hash_rows,
) -> None:
    """Check that each id occurs once over all periods; the schema has checked it within each object.

    Hashes are compared first, and then the ids of those that occur twice. folder: where the hashes lie meanwhile, eight
    bytes a row, in a file without a name.

    Raises DataRefused if an id occurs twice.
    """
    ids = list(contract.named("id"))
    if not ids or not new:
        return
    reads = [*new.values(), *old.values()]
    with tempfile.TemporaryFile(dir=folder) as file:
        places = [_write(file, hashed(read(ids))) for read in reads]
        twice = _twice(file, places)
    if not len(twice):
        return
    suspects = [_suspects(read(ids), twice, hashed) for read in reads]
    # by position, because Arrow looks a name up as a path, and the count has a name of its own
    keys = [f"id {place}" for place in range(len(ids))]
    rows = pa.concat_tables(suspects, promote_options="default").rename_columns(keys)
    counts = rows.group_by(keys, use_threads=False).aggregate([([], "count_all")])
    repeated = counts.filter(pc.greater(counts["count_all"], 1))
    if repeated.num_rows:
        examples = tuple(repeated[keys[0]].slice(0, 3).to_pylist())
        where = f"the data of {', '.join(new)} beside what was there"
        raise DataRefused(where, [BrokenRule(", ".join(ids), "the same id twice", repeated.num_rows, examples)])


def _suspects(ids: pa.Table, twice: Hashes, hashed: Hash) -> pa.Table:
    return ids.filter(pa.array(np.isin(hashed(ids), twice)))


def _write(file: IO[bytes], hashes: Hashes) -> NDArray[np.int64]:
    """Append the hashes in order; the places in the file at which each range of them begins, and the end."""
    start = file.tell() // hashes.itemsize
    hashes.sort()
    file.write(hashes.tobytes())
    return start + np.append(np.searchsorted(hashes, STARTS), len(hashes))


def _twice(file: IO[bytes], places: Sequence[NDArray[np.int64]]) -> Hashes:
    """The hashes that are in the file more than once, in order."""
    total = sum(int(place[-1] - place[0]) for place in places)
    steps = np.linspace(0, RANGES, min(RANGES, total // COMPARED + 1) + 1).astype(int)
    found = []
    for low, high in pairwise(steps):
        hashes = np.sort(np.concatenate([_read(file, place[low], place[high]) for place in places]))
        found.append(np.unique(hashes[1:][hashes[1:] == hashes[:-1]]))
    return np.concatenate(found)


def _read(file: IO[bytes], start: int, end: int) -> Hashes:
    width = np.dtype(np.uint64).itemsize
    file.seek(int(start) * width)
    return np.frombuffer(file.read(int(end - start) * width), np.uint64)
