"""Inputs and scores of a window against the bundle's reference.

A difference is drift if it is significant, after correction for all inputs that are tested, and so large that it
matters. Where there are fewer rows than it takes to find such a difference, and none was found, nobody can tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..judging.monitoring import Monitor
from . import comparing
from .cells import ABOVE, BELOW, MISSING, VALUE, bin_name, cell_words, numeric_cells, reference_shares
from .counts import BundleDay
from .known import KnownBundle

Floats = NDArray[np.float64]

DRIFT, NONE, UNKNOWN = "drift", "none", "cannot tell"
HISTORY = 13  # windows, the last of which is compared: the others tell how much days differ
SHOWN = 5  # cells and unknown categories that are named


@dataclass(frozen=True)
class Subject:
    """An input, or the score, of some windows, the last of which is compared.

    cells: all that occur. windows: rows by day and cell, shape (days, cells) each. shares: those of the reference.
    edges: of the bins of a quantity, in `unit`; none of a category.
    """

    cells: list[str]
    windows: list[Floats]
    shares: Floats
    reference_rows: int
    edges: Sequence[float]
    unit: str | None

    @property
    def ordered(self) -> bool:
        """Whether the cells have an order."""
        return bool(self.edges)

    @property
    def rows(self) -> Floats:
        """The rows of the last window by cell."""
        return self.windows[-1].sum(axis=0)


def drift(windows: Sequence[Sequence[BundleDay]], known: KnownBundle, monitor: Monitor) -> dict[str, Any]:
    """What moved in the last of some windows of one bundle, each given by its days.

    The windows before the last only tell how alike the rows of a day are. `independent`: rows were taken as such, as
    no window has two days that could be compared.
    """
    subjects = {name: _input(name, windows, known) for name in known.contract.inputs}
    subjects[""] = _score(windows, known)
    tested = {name: subject for name, subject in subjects.items() if subject is not None}
    measured = {name: measure(subject) for name, subject in tested.items()}
    corrected = (
        dict(zip(measured, comparing.holm([p for p, _, _ in measured.values()]), strict=True)) if measured else {}
    )
    found = {
        name: _judge(tested[name], corrected[name], spread, cells, len(tested), monitor)
        for name, (_, spread, cells) in measured.items()
    }
    score = found.pop("", None) or _untested("the bundle does not say how its predictions are distributed")
    needed = [one["needed_rows"] for one in (*found.values(), score) if one.get("needed_rows") is not None]
    inputs = {name: found.get(name) or _not_compared(name, windows, known) for name in known.contract.inputs}
    return {
        "rows": sum(day.rows for day in windows[-1]),
        "needed_rows": max(needed, default=None),
        "independent": all(sum(day.rows > 0 for day in window) < 2 for window in windows),
        "inputs": inputs,
        "score": score,
    }


def _input(name: str, windows: Sequence[Sequence[BundleDay]], known: KnownBundle) -> Subject | None:
    column = known.contract.inputs[name]
    shares = reference_shares(column, known.reference.get(name, {}))
    if shares is None or column.pii:
        return None
    held = [[day.inputs.get(name, {}) for day in window] for window in windows]
    edges = [] if column.values is not None else known.reference[name]["edges"]
    return _subject(held, shares, known.rows, edges, column.unit)


def _score(windows: Sequence[Sequence[BundleDay]], known: KnownBundle) -> Subject | None:
    if not known.score_edges:
        return None
    shares = {bin_name(place + 1): share for place, share in enumerate(known.score_shares)}
    held = [[day.score for day in window] for window in windows]
    contract = known.contract
    unit = contract.columns[contract.target].unit if contract.kind == "regression" else None
    return _subject(held, shares, known.holdout_rows, known.score_edges, unit)


def _subject(
    held: list[list[dict[str, int]]],
    shares: dict[str, float],
    rows: int,
    edges: Sequence[float],
    unit: str | None,
) -> Subject | None:
    occur = {cell for window in held for day in window for cell in day} | shares.keys()
    cells = numeric_cells(edges) if edges else sorted(occur)
    windows = [np.array([[day.get(cell, 0) for cell in cells] for day in window], dtype=np.float64) for window in held]
    if not windows[-1].sum():
        return None
    reference = np.array([shares.get(cell, 0.0) for cell in cells])
    return Subject(cells, windows, reference / reference.sum(), rows, edges, unit)


def measure(subject: Subject) -> tuple[float, comparing.Spread, int]:
    """The p value of a subject by itself, how alike the rows of its days are, and the number of cells."""
    groups, spread = comparing.prepare(subject.windows, subject.shares, subject.ordered)
    cells = int(groups.max()) + 1
    if cells == 1:
        days = int(np.count_nonzero(subject.windows[-1].sum(axis=1)))
        return comparing.unmixed_p_value(subject.rows, subject.shares, days, subject.ordered), spread, cells
    window, shares = comparing.gather(subject.rows, groups), comparing.gather(subject.shares, groups)
    return comparing.p_value(window, shares, subject.reference_rows, spread), spread, cells


def _judge(
    subject: Subject, p: float, spread: comparing.Spread, cells: int, tests: int, monitor: Monitor
) -> dict[str, Any]:
    rows = subject.rows
    distance = comparing.distance(rows, subject.shares, subject.ordered)
    needed = comparing.needed_rows(monitor.effect, monitor.alpha / tests, cells, subject.reference_rows, spread)
    if distance >= monitor.effect:
        state = DRIFT if p < monitor.alpha else UNKNOWN
    else:
        state = UNKNOWN if needed is None or rows.sum() < needed else NONE
    named = dict(zip(subject.cells, rows, strict=True))
    total = float(rows.sum())
    unknown = {
        cell.removeprefix(VALUE): int(count)
        for cell, count, share in zip(subject.cells, rows, subject.shares, strict=True)
        if cell.startswith(VALUE) and count and not share
    }
    return {
        "distance": distance,
        "p": p,
        "state": state,
        "missing": named.get(MISSING, 0.0) / total,
        "reference_missing": float(dict(zip(subject.cells, subject.shares, strict=True)).get(MISSING, 0.0)),
        "outside": (named.get(BELOW, 0.0) + named.get(ABOVE, 0.0)) / total,
        "unknown": dict(sorted(unknown.items(), key=lambda one: -one[1])[:SHOWN]),
        "needed_rows": needed,
        "moved": _moved(subject),
    }


def _moved(subject: Subject) -> dict[str, list[float]]:
    """The cells whose share changed most: what it was in training, and what it is."""
    now = subject.rows / subject.rows.sum()
    order = np.argsort(-np.abs(now - subject.shares), kind="stable")[:SHOWN]
    return {
        cell_words(subject.cells[place], subject.edges, subject.unit): [float(subject.shares[place]), float(now[place])]
        for place in order
    }


def _not_compared(name: str, windows: Sequence[Sequence[BundleDay]], known: KnownBundle) -> dict[str, Any]:
    column = known.contract.inputs[name]
    if column.pii:
        return _untested("the log masks it")
    counted = [day.inputs.get(name, {}) for day in windows[-1]]
    rows = sum(sum(day.values()) for day in counted)
    if not rows:
        return _untested("the log has no such column")
    reason = "a time moves on by itself" if column.type == "timestamp" else "it has no value in training"
    return _untested(reason, sum(day.get(MISSING, 0) for day in counted) / rows)


def _untested(reason: str, missing: float | None = None) -> dict[str, Any]:
    return {"distance": None, "p": None, "state": UNKNOWN, "missing": missing, "reason": reason}
