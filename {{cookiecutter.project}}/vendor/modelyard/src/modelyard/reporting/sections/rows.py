"""What changed in the data: rows added, removed and changed, and the columns."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from ...judging.main_rows import FOLDER
from ...markdown import code, prose
from ...training.data.periods import WHOLE
from ...training.layout import PERIODS
from ..document import Section, Table
from ..evidence import Evidence
from ..rows.by_id import MASK, Example, RowDifference, compare_by_id
from ..rows.found import Differing, Held, find_differing
from ..rows.profiles import QUANTILES, ColumnDifference, compare_profiles
from ..rows.sides import Sides

TITLE = "What changed in the data"
LISTED = 12
LONG = 40  # characters of a value
Blocks = list[str | Table]


def changed_rows(evidence: Evidence) -> Section | None:
    """The section of a report; None without main's bundle, or if main has the same rows."""
    if evidence.main is None:
        return None
    main = Held(evidence.main.contract, evidence.main.manifest["data"], evidence.main.folder.parent / FOLDER)
    this = Held(evidence.this.contract, evidence.this.manifest["data"], evidence.root / PERIODS)
    return compare_held(main, this, ", or the data here changed after `make champion`, which then is to be run again")


def compare_held(main: Held, this: Held, again: str = "") -> Section | None:
    """The differences between two sides of the data; None if both have the same rows.

    If they cannot be compared, the section says why. again: another reason for which main's rows may not be here.
    """
    differing = find_differing(main, this)
    if differing is None:
        return None
    blocks: Blocks = []
    renamed: Mapping[str, str] = {}
    lost_main, lost_here = differing.lost
    if lost_main:
        blocks.append(
            f"The rows cannot be compared: main's{_periods('of', lost_main)} are not here. They are in neither DVC's "
            f"cache nor its remote{again}."
        )
    elif lost_here:
        blocks.append(
            f"The rows cannot be compared: those here{_periods('of', lost_here)} are not as the ledger lists them; "
            "get them with `make pull`, or make them with `make pipeline`."
        )
    else:
        try:
            if differing.sides.ids:
                found = compare_by_id(differing.sides)
                blocks, renamed = _by_id(differing, found), found.renamed
            else:
                blocks = _by_profile(differing)
        except (duckdb.Error, pa.ArrowInvalid, OSError) as error:
            blocks.append(f"The rows could not be compared: {prose(str(error))}")
    return Section(TITLE, [*_schema(differing.sides, renamed), *blocks])


def _schema(sides: Sides, renamed: Mapping[str, str]) -> Blocks:
    main, this = sides.main.contract.columns, sides.this.contract.columns
    new, old = set(renamed.values()), renamed.keys()
    lines = [f"{code(name)} was added: {this[name].type}" for name in sides.added if name not in new]
    lines += [f"{code(name)} was removed: {main[name].type}" for name in sides.removed if name not in old]
    lines += [f"{code(before)} is now {code(after)}: every row has the same value" for before, after in renamed.items()]
    lines += [
        f"{code(name)} was {before} and is {after}{'' if name in sides.common else '; its values are not compared'}"
        for name, (before, after) in sides.retyped.items()
    ]
    more = [f"and {len(lines) - LISTED} more: see the settings of the contract"] if len(lines) > LISTED else []
    return ["**Columns**\n\n" + "\n".join(f"- {line}" for line in [*lines[:LISTED], *more])] if lines else []


def _by_id(differing: Differing, found: RowDifference) -> Blocks:
    sides = differing.sides
    ids = ", ".join(code(name) for name in sides.ids)
    counts = f"{_count(found.added, 'row')} added, {found.removed:,} removed, {found.changed:,} changed"
    where = f"Paired by {ids}{_periods('in', differing.periods)}{'; the others are the same' * differing.some_same}"
    blocks: Blocks = [f"**{counts}**; {found.same:,} as on main. {where}.", *_left_out(found)]
    if found.columns:
        both = found.changed + found.same
        lines = [[code(name), f"{rows:,}", _percent(rows / both)] for name, rows in found.columns.items()]
        blocks.append(Table(["column", "rows with another value", "of those in both"], lines, shown=LISTED))
    if found.examples:
        head = [*(code(name) for name in sides.ids), "what", "main", "this"]
        lines = [_example(example) for example in found.examples]
        masked = f" Personal data is shown as {MASK}." if sides.masked else ""
        blocks += [f"{'One example' if len(lines) == 1 else f'{len(lines)} examples'}.{masked}", Table(head, lines)]
    return blocks


def _left_out(found: RowDifference) -> list[str]:
    sides = zip(("on main", "here"), found.left_out, strict=True)
    told = [f"{side} {_count(one.rows, 'row')} of {_count(one.ids, 'id')}" for side, one in sides if one.ids]
    if not told:
        return []
    return [f"Rows whose id occurs more than once, or is missing, are left out: {' and '.join(told)}."]


def _example(example: Example) -> list[str]:
    ids = [_value(value) for value in example.ids]
    if not example.column:
        return [*ids, f"row {example.what}", "-", "-"]
    return [*ids, code(example.column), *_pair(example.main, example.this)]


def _pair(main: Any, this: Any) -> tuple[str, str]:
    """Both values as they are shown, so that one sees in what they differ."""
    shown = _value(main), _value(this)
    if shown[0] != shown[1] or not (isinstance(main, str) and isinstance(this, str)) or main == this:
        return shown
    differ = (at for at, (one, other) in enumerate(zip(main, this, strict=False)) if one != other)
    start = max(next(differ, min(len(main), len(this))) - LONG // 4, 0)
    return _ascii(main[start:]), _ascii(this[start:])


def _ascii(text: str) -> str:
    """Text whose spaces and unprintable characters are seen."""
    return code(ascii(text[:LONG]).replace(" ", "␣"), 2 * LONG)


def _by_profile(differing: Differing) -> Blocks:
    sides = differing.sides
    found = compare_profiles(sides)
    named = any(contract.named("id") for contract in (sides.main.contract, sides.this.contract))
    why = "both do not have the same ids" if named else "the contract has no id"
    where = "all rows" if differing.whole else f"the rows{_periods('of', sorted(sides.this.files))}"
    rows = f"{sides.this.rows:,} rows, {sides.main.rows:,} on main"
    blocks: Blocks = [
        f"Rows cannot be paired, because {why}: the profiles of the columns are compared, over {where} ({rows}).",
        f"**{_count(found.only_this, 'row')} without an equal on main, {found.only_main:,} of main's without one here"
        "** by the columns that both have.",
    ]
    if not found.columns:
        return [*blocks, "Each of these columns has the same profile."]
    quantiles = ", ".join(f"{100 * share:g} %" for share in QUANTILES)
    head = ["column", "missing", "values", "from, to; or what moved most", "mean", quantiles]
    lines = [_profile(one) for one in found.columns]
    return [*blocks, Table(head, lines, shown=LISTED, size=6_000)]


def _profile(one: ColumnDifference) -> list[str]:
    main, this = one.main, one.this
    ends = _arrow(_spread(main.ends), _spread(this.ends), " to ")
    if one.moved:
        ends = "; ".join(f"{code(move.value, 20)} {_arrow([move.main], [move.this], '', True)}" for move in one.moved)
    return [
        code(one.column),
        _arrow([main.missing], [this.missing], "", True),
        _arrow([main.distinct], [this.distinct], ""),
        ends,
        _arrow(_spread(main.mean), _spread(this.mean), ""),
        _arrow(_spread(main.quantiles), _spread(this.quantiles), ", "),
    ]


def _spread(values: Any) -> Sequence[Any]:
    return () if values is None else values if isinstance(values, tuple) else (values,)


def _arrow(main: Sequence[Any], this: Sequence[Any], between: str, share: bool = False) -> str:
    """Main's values and those here, with as many digits as it takes to tell them apart; once if they are the same."""
    texts = ["", ""]
    for digits in (3, 6, 9, 17):
        texts = [between.join(_short(value, digits, share) for value in values) or "-" for values in (main, this)]
        if texts[0] != texts[1] or tuple(main) == tuple(this):
            break
    return texts[0] if texts[0] == texts[1] else " → ".join(texts)


def _short(value: Any, digits: int, share: bool) -> str:
    if share:
        return f"{100 * value:.{digits}g} %"
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ")[: {3: 10, 6: 16}.get(digits)]
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10_000 else str(value)  # smaller ones may be years
    return f"{value:,.0f}" if 10**digits <= abs(value) < 1e15 else f"{value:,.{digits}g}"


def _value(value: Any) -> str:
    if value is None:
        return "missing"
    if value == MASK:
        return MASK
    return code("true" if value is True else "false" if value is False else value, LONG)


def _periods(before: str, periods: Sequence[str]) -> str:
    """The periods after a word; nothing for data without time."""
    if list(periods) == [WHOLE]:
        return ""
    named = ", ".join(code(period, 20) for period in periods[:3])
    if len(periods) > 3:
        return f" {before} {len(periods):,} periods ({named}, ...)"
    return f" {before} period{'s' * (len(periods) > 1)} {named}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
