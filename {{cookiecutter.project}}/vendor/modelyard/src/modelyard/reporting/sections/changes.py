"""What is different from main: data, parameters, contract, code and environment."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from ..charts import Chart
from ..document import Section, Table
from ..evidence import Evidence, reference
from ...markdown import code
from . import profile

Change = tuple[str, Any, Any]  # what, main's value, this one's; ABSENT where there is none
ABSENT = object()
LISTED = 12  # files and packages that are named


def changes(evidence: Evidence) -> Section | None:
    """A part for each kind of change, and one line for the kinds that did not change; None without main's bundle."""
    if evidence.main is None:
        return None
    main, this = evidence.main.manifest, evidence.this.manifest
    parts: dict[str, list[str | Table | Chart]] = {
        "parameters": _valued("Parameters", main["params"], this["params"]),
        "data": _data(main["data"], this["data"]),
        "columns": _valued("Contract", asdict(evidence.main.contract), asdict(evidence.this.contract)),
        "code": _code(main["code"], this["code"]),
        "environment": _valued("Environment", main["environment"], this["environment"]),
        "profile": _profile(evidence),
    }
    same = [name for name, blocks in parts.items() if not blocks]
    if len(same) == len(parts):
        return Section("What changed", ["Nothing: parameters, data, columns, code and environment are main's."])
    blocks = [block for part in parts.values() for block in part]
    named = [name for name in same if name != "profile"]
    return Section("What changed", [*blocks, *([f"As on main: {', '.join(named)}."] if named else [])])


def differences(main: Any, this: Any, place: str = "") -> Iterator[Change]:
    """Where two nested mappings differ; a list differs as a whole."""
    if not (isinstance(main, Mapping) and isinstance(this, Mapping)):
        if main != this:
            yield place, main, this
        return
    for key in [*main, *(key for key in this if key not in main)]:
        inner = f"{place}.{key}" if place else str(key)
        yield from differences(main.get(key, ABSENT), this.get(key, ABSENT), inner)


def _valued(title: str, main: Mapping[str, Any], this: Mapping[str, Any]) -> list[str | Table | Chart]:
    found = list(differences(main, this))
    if not found:
        return []
    lines = [[code(what), *_values(before, after)] for what, before, after in found]
    return [f"**{title}**", Table([_count(len(found), "setting"), "main", "this"], lines, shown=LISTED, size=3_000)]


def _values(main: Any, this: Any) -> tuple[str, str]:
    if isinstance(main, list) and isinstance(this, list):
        gone, new = [one for one in main if one not in this], [one for one in this if one not in main]
        if gone or new:
            return _listed(gone, len(main)), _listed(new, len(this))
    return _value(main), _value(this)


def _listed(only: list[Any], count: int) -> str:
    shown = code(", ".join(map(str, only)), 40) if only else "-"
    return f"{count:,} values, only here: {shown}" if only else f"{count:,} values"


def _value(value: Any) -> str:
    if value is ABSENT:
        return "-"
    if isinstance(value, Mapping):  # a whole column: what it is says enough
        return code(" ".join(str(value[key]) for key in ("role", "type") if key in value) or json.dumps(value), 40)
    return code(value if isinstance(value, str) else json.dumps(value), 40)


def _data(main: Mapping[str, Any], this: Mapping[str, Any]) -> list[str | Table | Chart]:
    """Rows by period, where they are not those of main."""
    if main == this:
        return []
    before, after = main["periods"], this["periods"]
    totals = [sum(entry["rows"] for entry in periods.values()) for periods in (before, after)]
    lines, counts = [], dict.fromkeys(("added", "removed", "changed"), 0)
    for period in sorted(before.keys() | after.keys()):
        old, new = before.get(period), after.get(period)
        if old == new:
            continue
        what = "added" if old is None else "removed" if new is None else "changed"
        counts[what] += 1
        lines.append([code(period, 30), f"{old['rows']:,}" if old else "-", f"{new['rows']:,}" if new else "-", what])
    told = ", ".join(f"{_count(count, 'period')} {what}" for what, count in counts.items() if count)
    source = "" if main["source"] == this["source"] else "It comes from another source. "
    rows = f"{totals[1]:,} rows in all" + (f", main has {totals[0]:,}" if totals[0] != totals[1] else "")
    table = [Table(["period", "rows, main", "this", ""], lines, shown=LISTED, size=2_500)] if lines else []
    return [f"**Data.** {source}{told + '; ' if told else ''}{rows}.", *table]


def _code(main: Mapping[str, str], this: Mapping[str, str]) -> list[str | Table | Chart]:
    """The files that the stages run, where they are not main's."""
    told = [
        f"{code(path, 80)}{' added' if before is ABSENT else ' removed' if after is ABSENT else ''}"
        for path, before, after in differences(main, this)
    ]
    if not told:
        return []
    more = f" and {len(told) - LISTED} more" if len(told) > LISTED else ""
    return [f"**Code.** {_count(len(told), 'file')}: {', '.join(told[:LISTED])}{more}."]


def _profile(evidence: Evidence) -> list[str | Table | Chart]:
    if evidence.main is None:
        return []
    moved = profile.moves(reference(evidence.main), reference(evidence.this), evidence.this.contract)
    return profile.blocks(moved)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
