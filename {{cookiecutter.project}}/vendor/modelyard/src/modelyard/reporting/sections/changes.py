"""The differences from main: data, parameters, contract, code and environment."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from ...markdown import code
from ...training.lineage import LIBRARY
from ..charts import Chart
from ..document import Section, Table
from ..evidence import Evidence, reference
from . import profile

Change = tuple[str, Any, Any]  # key, main's value, this model's value; ABSENT if there is none
ABSENT = object()
LISTED = 12  # files and packages in a list


def changes(evidence: Evidence) -> Section | None:
    """A part for each kind of change, and a line that lists the kinds without changes; None without main's bundle."""
    if evidence.main is None:
        return None
    main, this = evidence.main.manifest, evidence.this.manifest
    parts: dict[str, list[str | Table | Chart]] = {
        "parameters": _valued("Parameters", main["params"], this["params"]),
        "data": _data(main, this),
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
    """The differences between two nested mappings; lists are compared as a whole."""
    if not (isinstance(main, Mapping) and isinstance(this, Mapping)):
        if main != this:
            yield place, main, this
        return
    for key in [*main, *(key for key in this if key not in main)]:
        inner = f"{place}.{key}" if place else str(key)
        yield from differences(main.get(key, ABSENT), this.get(key, ABSENT), inner)


def _valued(title: str, main: Mapping[str, Any], this: Mapping[str, Any]) -> list[str | Table | Chart]:
    changed = list(differences(main, this))
    if not changed:
        return []
    lines = [[code(key), *_values(before, after)] for key, before, after in changed]
    return [f"**{title}**", Table([_count(len(changed), "setting"), "main", "this"], lines, shown=LISTED, size=3_000)]


def _values(main: Any, this: Any) -> tuple[str, str]:
    if isinstance(main, list) and isinstance(this, list):
        only_main, only_this = [item for item in main if item not in this], [item for item in this if item not in main]
        if only_main or only_this:
            return _listed(only_main, len(main)), _listed(only_this, len(this))
    return _value(main), _value(this)


def _listed(only: list[Any], count: int) -> str:
    shown = code(", ".join(map(str, only)), 40) if only else "-"
    return f"{count:,} values, only here: {shown}" if only else f"{count:,} values"


def _value(value: Any) -> str:
    if value is ABSENT:
        return "-"
    if isinstance(value, Mapping):  # a whole column: role and type are enough
        return code(" ".join(str(value[key]) for key in ("role", "type") if key in value) or json.dumps(value), 40)
    return code(value if isinstance(value, str) else json.dumps(value), 40)


def _data(main: Mapping[str, Any], this: Mapping[str, Any]) -> list[str | Table | Chart]:
    """The periods whose rows differ from main's, as the two manifests list them.

    The ledger's `source` is a hash of source, period and the columns' types; the parameters tell which of them changed.
    """
    if main["data"] == this["data"]:
        return []
    before, after = main["data"]["periods"], this["data"]["periods"]
    totals = [sum(entry["rows"] for entry in periods.values()) for periods in (before, after)]
    lines, counts = [], dict.fromkeys(("added", "removed", "changed"), 0)
    for period in sorted(before.keys() | after.keys()):
        old, new = before.get(period), after.get(period)
        if old == new:
            continue
        change = "added" if old is None else "removed" if new is None else "changed"
        counts[change] += 1
        lines.append([code(period, 30), f"{old['rows']:,}" if old else "-", f"{new['rows']:,}" if new else "-", change])
    counted = ", ".join(f"{_count(count, 'period')} {change}" for change, count in counts.items() if count)
    source = ""
    if main["data"]["source"] != this["data"]["source"]:
        told = ("source", "period")
        moved = any(main["params"].get(name) != this["params"].get(name) for name in told)
        source = "It comes from another source. " if moved else "The contract has other columns or types of them. "
    rows = f"{totals[1]:,} rows in all" + (f", main has {totals[0]:,}" if totals[0] != totals[1] else "")
    table = [Table(["period", "rows, main", "this", ""], lines, shown=LISTED, size=2_500)] if lines else []
    return [f"**Data.** {source}{counted + '; ' if counted else ''}{rows}.", *table]


def _code(main: Mapping[str, str], this: Mapping[str, str]) -> list[str | Table | Chart]:
    """The project's files and the library's code that differ from main's."""
    changed = list(differences(main, this))
    files = [
        f"{code(path, 80)}{' added' if before is ABSENT else ' removed' if after is ABSENT else ''}"
        for path, before, after in changed
        if not path.startswith(LIBRARY)
    ]
    library = [code(path.removeprefix(LIBRARY), 80) for path, _, _ in changed if path.startswith(LIBRARY)]
    parts = []
    if files:
        more = f" and {len(files) - LISTED} more" if len(files) > LISTED else ""
        parts.append(f"{_count(len(files), 'file')}: {', '.join(files[:LISTED])}{more}.")
    if library:
        parts.append(f"The library's code of {', '.join(library)}.")
    return [f"**Code.** {' '.join(parts)}"] if parts else []


def _profile(evidence: Evidence) -> list[str | Table | Chart]:
    if evidence.main is None:
        return []
    moved = profile.moves(reference(evidence.main), reference(evidence.this), evidence.this.contract)
    return profile.blocks(moved)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
