"""Whether two files with different bytes have the same content: the same words, and numbers within a tolerance."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOLERANCE = 1e-6  # how far a number may be from the committed one
NUMBER = re.compile(r"(\d+(?:\.\d+)?(?:e[+-]?\d+)?)")

Compare = Callable[[str, Path, Path, "Tolerance"], Iterator["Difference"]]


@dataclass(frozen=True)
class Difference:
    """A place at which the commit and the retraining differ, and the value of each (None: absent)."""

    where: str
    committed: Any
    retrained: Any


@dataclass(frozen=True)
class Tolerance:
    """How far two numbers may be apart.

    The tolerance is absolute for numbers up to 1, such as probabilities, and relative for larger ones. With `relative`,
    for answers that have a unit as in regression, it is relative for all numbers.
    """

    relative: bool = False
    amount: float = TOLERANCE

    def same(self, committed: Any, retrained: Any) -> bool:
        """Whether two numbers are equal within the tolerance, or other values are equal."""
        if _is_number(committed) and _is_number(retrained):
            if math.isnan(committed) or math.isnan(retrained):
                return math.isnan(committed) and math.isnan(retrained)
            floor = 0 if self.relative else self.amount
            return math.isclose(committed, retrained, rel_tol=self.amount, abs_tol=floor)
        return type(committed) is type(retrained) and committed == retrained


def compare_files(where: str, committed: Path, retrained: Path, tolerance: Tolerance) -> Iterator[Difference]:
    """The differences between two files. Files of an unknown kind must have the same bytes."""
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (committed, retrained)]
    if hashes[0] == hashes[1]:
        return
    try:
        yield from KINDS.get(committed.suffix, _compare_bytes)(where, committed, retrained, tolerance)
    except (ValueError, csv.Error) as error:
        yield Difference(where, f"sha256 {hashes[0][:12]}, not to be read: {error}", f"sha256 {hashes[1][:12]}")


def leaves(content: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """The values in nested mappings and lists, each with the keys that lead to it."""
    if isinstance(content, dict | list) and content:
        inside = content.items() if isinstance(content, dict) else enumerate(content)
        for step, value in inside:
            yield from leaves(value, f"{key}.{step}" if key else str(step))
    else:
        yield key, content


def compare_values(where: str, committed: Any, retrained: Any, tolerance: Tolerance) -> Iterator[Difference]:
    """The differences between two nested mappings or lists, value by value."""
    before, now = dict(leaves(committed)), dict(leaves(retrained))
    for key in {**before, **now}:
        present = key in before and key in now
        if not present or not tolerance.same(before[key], now[key]):
            yield Difference(f"{where}: {key}" if key else where, before.get(key), now.get(key))


def compare_words(where: str, committed: str, retrained: str, tolerance: Tolerance) -> Iterator[Difference]:
    """The first difference between the words of two texts; line breaks are ignored."""
    words = [text.split() for text in (committed, retrained)]
    for place in range(max(map(len, words))):
        before, now = (" ".join(side[place : place + 1]) for side in words)
        if not _same_word(before, now, tolerance):
            yield Difference(where, *(" ".join(side[max(place - 3, 0) : place + 4]) for side in words))
            return


def _same_word(before: str, now: str, tolerance: Tolerance) -> bool:
    old_parts, new_parts = NUMBER.split(before), NUMBER.split(now)
    if len(old_parts) != len(new_parts) or old_parts[::2] != new_parts[::2]:
        return False
    return all(
        tolerance.same(float(old), float(new)) for old, new in zip(old_parts[1::2], new_parts[1::2], strict=True)
    )


def _compare_json(where: str, committed: Path, retrained: Path, tolerance: Tolerance) -> Iterator[Difference]:
    yield from compare_values(where, json.loads(committed.read_bytes()), json.loads(retrained.read_bytes()), tolerance)


def _compare_csv(where: str, committed: Path, retrained: Path, tolerance: Tolerance) -> Iterator[Difference]:
    yield from compare_values(where, _lines(committed), _lines(retrained), tolerance)


def _lines(path: Path) -> dict[str, dict[str, Any]]:
    """The lines of a CSV file, by their words if these are unique, else by their number."""
    with path.open(encoding="utf-8", newline="") as opened:
        lines = [{name: _cell(text) for name, text in line.items()} for line in csv.DictReader(opened, restval="")]
    labels = [", ".join(str(cell) for cell in line.values() if not _is_number(cell) and cell) for line in lines]
    if len(set(labels)) < len(lines):
        labels = [f"line {number}" for number in range(2, len(lines) + 2)]
    return dict(zip(labels, lines, strict=True))


def _cell(text: Any) -> Any:
    return float(text) if isinstance(text, str) and NUMBER.fullmatch(text.removeprefix("-")) else text


def _compare_text(where: str, committed: Path, retrained: Path, tolerance: Tolerance) -> Iterator[Difference]:
    before, now = (path.read_text(encoding="utf-8") for path in (committed, retrained))
    yield from compare_words(where, before, now, tolerance)


def _compare_tables(where: str, committed: Path, retrained: Path, tolerance: Tolerance) -> Iterator[Difference]:
    import pyarrow.parquet  # of all kinds, this one alone needs it

    before, now = (pyarrow.parquet.read_table(path) for path in (committed, retrained))
    if not before.schema.equals(now.schema):
        shapes = [", ".join(f"{cell.name} {cell.type}" for cell in table.schema) for table in (before, now)]
        yield Difference(f"{where}: columns", *shapes)
    elif before.num_rows != now.num_rows:
        yield Difference(f"{where}: rows", before.num_rows, now.num_rows)
    else:
        for name in before.column_names:
            if not before[name].equals(now[name]):
                pairs = zip(before[name].to_pylist(), now[name].to_pylist(), strict=True)
                apart = [pair for pair in pairs if not tolerance.same(*pair)]
                if apart:
                    yield Difference(f"{where}: {name} of {len(apart):,} rows, such as", *apart[0])


def _compare_bytes(where: str, committed: Path, retrained: Path, _: Tolerance) -> Iterator[Difference]:
    hashes = (hashlib.sha256(path.read_bytes()).hexdigest()[:12] for path in (committed, retrained))
    yield Difference(where, *(f"sha256 {digest}" for digest in hashes))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


KINDS: dict[str, Compare] = {
    ".json": _compare_json,
    ".csv": _compare_csv,
    ".md": _compare_text,
    ".parquet": _compare_tables,
}
