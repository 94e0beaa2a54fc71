"""How the distributions of the training inputs moved, from main's bundle to this one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...markdown import code
from ...runtime.contract import Contract
from ..charts import MAIN, THIS, Chart, ColumnDistribution
from ..document import Table

COARSE = 0.2  # a part of a distribution with a larger share consists of a few values that repeat
NOTED = 0.005  # smaller shares of moved rows are not listed
SHOWN = 5
DRAWN = 4


@dataclass(frozen=True)
class Move:
    """The move of one column: the share of rows that would have to change to restore main's distribution, and how."""

    column: str
    share: float
    how: str
    chart: ColumnDistribution


def moves(main: Mapping[str, Any], this: Mapping[str, Any], contract: Contract) -> list[Move]:
    """The moves of the columns that both have, the largest first."""
    moved = []
    for name, column in contract.inputs.items():
        if name not in main or name not in this or main[name] == this[name]:
            continue
        before, after = main[name], this[name]
        share, how = _categories(before, after) if "values" in after else _quantity(before, after, column.type)
        lost = after["missing"] - before["missing"]
        if abs(lost) > share:
            share, how = abs(lost), f"missing {_percent(before['missing'])} → {_percent(after['missing'])}"
        chart = ColumnDistribution(name, {MAIN: before, THIS: after}, column.type == "timestamp")
        moved.append(Move(name, share, how, chart))
    return sorted(moved, key=lambda move: -move.share)


def blocks(moved: Sequence[Move]) -> list[str | Table | Chart]:
    """A table of noticeable moves, with the plots of the first few."""
    noted = [move for move in moved if move.share >= NOTED]
    if not noted:
        return []
    lines = [[code(move.column), _percent(move.share), move.how] for move in noted]
    table = Table(["input", "rows that moved", "how"], lines, shown=SHOWN, size=2_000)
    count = f"{len(noted):,} input{' is' if len(noted) == 1 else 's are'}"
    return [
        f"**Training rows.** {count} distributed otherwise than in main's.",
        table,
        *(move.chart for move in noted[:DRAWN]),
    ]


def _categories(main: Mapping[str, Any], this: Mapping[str, Any]) -> tuple[float, str]:
    """Total variation distance, and the category that moved most."""
    if "values" not in main:
        return 1.0, "now a category"
    before, after = main["values"], this["values"]
    moved = {value: after.get(value, 0.0) - before.get(value, 0.0) for value in before | after}
    if not moved:
        return 0.0, ""
    most = max(moved, key=lambda value: abs(moved[value]))
    how = f"{code(most, 30)} {_percent(before.get(most, 0.0))} → {_percent(after.get(most, 0.0))}"
    return sum(map(abs, moved.values())) / 2, how


def _quantity(main: Mapping[str, Any], this: Mapping[str, Any], kind: str) -> tuple[float, str]:
    """A lower bound of the Kolmogorov-Smirnov distance, and the median."""
    if "edges" not in main:
        return 1.0, "now a quantity"
    if not (main["edges"] and this["edges"]):
        return 0.0, ""
    grid = np.union1d(main["edges"], this["edges"])
    (least, most), (other_least, other_most) = _below(main, grid), _below(this, grid)
    share = float(np.maximum(least - other_most, other_least - most).max())
    return max(share, 0.0), f"median {_arrow(_median(main), _median(this), kind)}"


def _below(distribution: Mapping[str, Any], at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper bounds of the share of rows below each value in `at`, each of the shape of `at`.

    They differ only inside a coarse part, in which the position of the rows is unknown.
    """
    edges, shares = np.array(distribution["edges"]), np.array(distribution["shares"])
    if len(edges) == 1:
        share = (at > edges[0]).astype(np.float64)
        return share, share
    sums = np.append(0, np.cumsum(shares))
    share = np.interp(at, edges, sums)
    part = np.clip(np.searchsorted(edges, at, side="right") - 1, 0, len(shares) - 1)
    inside = (at > edges[part]) & (at <= edges[-1]) & (shares[part] > COARSE)
    return np.where(inside, sums[part], share), np.where(inside, sums[part + 1], share)


def _median(distribution: Mapping[str, Any]) -> tuple[float, ...]:
    """The median, or the ends of the coarse part that contains it."""
    edges, sums = distribution["edges"], np.append(0, np.cumsum(distribution["shares"]))
    if len(edges) == 1:
        return (edges[0],)
    part = min(int(np.searchsorted(sums, 0.5)) - 1, len(edges) - 2)
    if distribution["shares"][part] > COARSE:
        return edges[part], edges[part + 1]
    return (float(np.interp(0.5, sums, edges)),)


def _arrow(before: tuple[float, ...], after: tuple[float, ...], kind: str) -> str:
    """Both values, with enough digits to distinguish them."""
    for digits in (4, 6, 8):
        shown = [" to ".join(_shown(value, kind, digits) for value in values) for values in (before, after)]
        if shown[0] != shown[1]:
            break
    return " → ".join(shown)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _shown(value: float, kind: str, digits: int) -> str:
    if kind == "timestamp":
        return np.datetime_as_string(np.datetime64(int(value), "s"), unit="D")
    return f"{value:,.{digits}g}" if abs(value) < 10**digits or abs(value) >= 1e15 else f"{value:,.0f}"
