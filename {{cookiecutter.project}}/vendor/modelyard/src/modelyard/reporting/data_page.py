"""The page of a drafted source: each column with its type, what is missing, and how its values are distributed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..markdown import code, prose
from ..training.draft.profile import PROFILE
from .charts import THIS, ColumnDistribution
from .document import Section, Table
from .page import page

PAGE = Path("reports/data.html")
DRAWN = 100  # columns


def write_data_page(root: Path) -> Path | None:
    """Write the page beside the profile that a draft left; None if there is none."""
    if not (root / PROFILE).is_file():
        return None
    profile = json.loads((root / PROFILE).read_text(encoding="utf-8"))
    (root / PAGE).write_text(page(sections(profile), f"{profile['name']}: the data"), encoding="utf-8")
    return PAGE


def sections(profile: Mapping[str, Any]) -> list[Section]:
    """A headline, the table of columns, and their histograms, the target's first."""
    columns, target = profile["columns"], profile["target"]
    ordered = {name: columns[name] for name in sorted(columns, key=lambda name: name != target)}
    lines = [
        [
            code(name, 60), column["role"], column["type"] + (f", {prose(column['unit'])}" if column["unit"] else ""),
            f"{100 * column['missing']:.1f} %", f"{column['different']:,}", _values(column),
        ]
        for name, column in ordered.items()
    ]  # fmt: skip
    empty = sum(column["missing"] > 0 for column in columns.values())
    words = (
        f"{profile['rows']:,} rows of {len(columns)} columns, of which {empty} have missing values. Predicted is "
        f"{code(target)}. Values of ids and of personal data are not shown."
    )
    drawn = [
        ColumnDistribution(name, {THIS: column["distribution"]}, column["type"] == "timestamp")
        for name, column in ordered.items()
        if "distribution" in column
    ]
    table = Table(["column", "role", "type", "missing", "different", "values"], lines)
    parts = [Section(f"{prose(profile['name'], 80)}: the data", [words], level=2), Section("Columns", [table])]
    return [*parts, *([Section("Distributions", drawn[:DRAWN])] if drawn else [])]


def _values(column: Mapping[str, Any]) -> str:
    if quartiles := column.get("quartiles"):
        low, median, high = (_shown(quartiles[place], column["type"]) for place in (0, 2, 4))
        return f"always {low}" if low == high else f"{low} to {high}, median {median}"
    if values := column.get("distribution", {}).get("values"):
        shown = [f"{code(value, 30)} {100 * share:.1f} %" for value, share in list(values.items())[:4]]
        more = column["different"] - len(shown)
        return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")
    return "-"


def _shown(value: float, kind: str) -> str:
    if kind == "timestamp":
        return np.datetime_as_string(np.datetime64(int(value), "s"), unit="D")
    return f"{value:,.0f}" if value == round(value) and abs(value) < 1e15 else f"{value:,.4g}"
