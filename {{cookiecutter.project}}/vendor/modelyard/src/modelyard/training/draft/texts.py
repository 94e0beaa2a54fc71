"""What a draft says of a column of text: its odd values, and why it is none of numbers."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from ...runtime.csv_form import COMMA_NUMBER, MISSING, POINT_NUMBER, WHOLE_NUMBER
from .times import FIRST_DAY, named_periods

GROUPED = r"\s*[+-]?[0-9]{1,3}(?:[., '\x{a0}\x{202f}][0-9]{3})+(?:[.,][0-9]+)?\s*"  # 1.234,5
NUMBER = f"^(?:{WHOLE_NUMBER}|{COMMA_NUMBER}|{POINT_NUMBER}|{GROUPED})$"
LIKE_MISSING = MISSING | {"?", "-", "--", ".", "none", "None", "NONE", "missing", "unknown", "Unknown", "n.a.", "N.A."}
MARKERS = 2  # texts in a column of numbers that are taken to stand for a missing one
EMPTIED = ": if it means missing, leave these cells empty at the source, and the column is one of numbers"
LISTED = 5


def told_texts(texts: list[str], given: pa.ChunkedArray) -> Iterator[str]:
    """What is odd in a category's values, and what to do if they mean something else."""
    mostly = mostly_numbers(given)
    if not (mostly or "").endswith(EMPTIED) and (odd := [text for text in texts if text.strip() in LIKE_MISSING]):
        yield f"{listed(odd)} is a value: if it means missing, leave these cells empty at the source"
    if blanks := [text for text in texts if text != text.strip()]:
        yield f"blanks at an end of {listed(blanks)} belong to the value"
    alike: dict[str, list[str]] = {}
    for text in texts:
        alike.setdefault(" ".join(text.split()).casefold(), []).append(text)
    for same in [same for same in alike.values() if len(same) > 1][:LISTED]:
        yield f"{listed(same)} differ in case or blanks only: if they mean the same, write one of them at the source"
    if mostly:
        yield f"text, as {mostly}"
    if named := named_periods(given):
        yield f"{named}: {FIRST_DAY}"


def mostly_numbers(given: pa.ChunkedArray) -> str | None:
    """Why a column of text is none of numbers, if at least half of its cells are."""
    if not pa.types.is_string(given.type):
        return None
    present = given.drop_null()
    numbers = pc.match_substring_regex(present, NUMBER)
    count = pc.sum(numbers).as_py() or 0
    if 2 * count < len(present) or not count:
        return None
    others = present.filter(pc.invert(numbers))
    if not len(others):
        return f"numbers in another form than a plain one, such as {present[0].as_py()!r}"
    unique = pc.unique(others).slice(0, LISTED + 1).to_pylist()
    next_step = EMPTIED if len(unique) <= MARKERS else ""
    return f"{listed(unique)} in {len(others):,} of {len(present):,} cells; all others are numbers{next_step}"


def listed(texts: list[str]) -> str:
    """The first of some texts, for a line."""
    first = ", ".join(repr(text[:30]) for text in texts[:LISTED])
    return first + (", …" if len(texts) > LISTED else "")
