"""How a classifier decides: which classes it takes for which, and what another threshold would bring."""

from __future__ import annotations

import numpy as np

from ...markdown import code
from ..answered import HoldoutAnswers
from ..charts import CHANCE, MAIN, THIS, Curves, Heat, Points, points
from ..document import Section, Table
from ..evidence import Evidence

MOST = 12  # classes in a drawn matrix
SHOWN = 20  # classes in the comment's table
POINTS = 120  # of a curve


def decisions(evidence: Evidence, found: HoldoutAnswers | None) -> list[Section]:
    """The confusion matrix with the metrics of each class, and of two classes the ROC and precision-recall curves."""
    if evidence.this.contract.kind == "regression":
        return []
    sections = [] if found is None else [_confusion(evidence, found)]
    curves = [_roc(evidence, found), _precision_recall(evidence, found)]
    drawn = [curve for curve in curves if curve]
    return [*sections, *([Section("ROC and precision-recall", drawn, folded=True)] if drawn else [])]


def confusion(target: np.ndarray, called: np.ndarray, classes: int) -> np.ndarray:
    """How many rows of each class (a line each) the model takes for which (a column each)."""
    return np.bincount(target * classes + called, minlength=classes**2).reshape(classes, classes)


def _confusion(evidence: Evidence, found: HoldoutAnswers) -> Section:
    contract = evidence.this.contract
    names = [str(value).lower() if isinstance(value, bool) else str(value) for value in contract.classes]
    assert found.called is not None  # noqa: S101 - it is a classifier
    counts = confusion(found.target, found.called, len(names))
    table = Table(
        ["class", "rows", "called so", "right", "precision", "recall", "F1"],
        [[code(name, 40), *_of_class(counts, place)] for place, name in enumerate(names)],
        shown=SHOWN,
    )
    chart = Heat("Confusion matrix", f"called {contract.target}", f"{contract.target} is", names, counts.tolist())
    right = 100 * np.trace(counts) / counts.sum()
    blocks: list[str | Table | Heat] = [f"{_how(evidence)} {right:.1f} % of {counts.sum():,} holdout rows are right."]
    if len(names) == 2:
        blocks.append(Table(["", *(f"called {code(name, 30)}" for name in names)],
                            [[f"is {code(name, 30)}", *(f"{count:,}" for count in line)]
                             for name, line in zip(names, counts.tolist(), strict=True)]))  # fmt: skip
    return Section("Decisions", [*blocks, table, *([chart] if len(names) <= MOST else [])], folded=True)


def _how(evidence: Evidence) -> str:
    threshold = evidence.this.manifest["threshold"]
    if threshold is None:
        return "Each row gets its likeliest class."
    positive = evidence.this.contract.classes[1]
    shown = str(positive).lower() if isinstance(positive, bool) else positive
    return f"A row is called {code(shown, 30)} from a score of {threshold:.4f} on, the cheapest on validation rows."


def _of_class(counts: np.ndarray, place: int) -> list[str]:
    rows, called, right = counts[place].sum(), counts[:, place].sum(), counts[place, place]
    shares = ((right, called), (right, rows), (2 * right, rows + called))
    return [
        *(f"{count:,}" for count in (rows, called, right)),
        *(f"{part / whole:.4f}" if whole else "-" for part, whole in shares),
    ]


def _roc(evidence: Evidence, found: HoldoutAnswers | None) -> Curves | None:
    roc = ((evidence.comparison or {}).get("curves") or {}).get("roc")
    drawn: dict[str, Points] = {}
    marks = {}
    if found is not None and evidence.this.contract.kind == "binary" and (steps := _steps(found)):
        hits, alarms, threshold = steps
        at = int(np.count_nonzero(threshold >= evidence.this.manifest["threshold"]))
        drawn[THIS] = _thinned(alarms / alarms[-1], hits / hits[-1])
        marks[THIS] = (float(alarms[at] / alarms[-1]), float(hits[at] / hits[-1]))
    if roc:
        named = {THIS: roc["challenger"], MAIN: roc["champion"]}
        compared = {name: points(roc["x"], ys) for name, ys in named.items() if len(ys) == len(roc["x"])}
        drawn = compared | drawn
    if THIS not in drawn:
        return None
    return Curves(
        "ROC",
        "false positives, of all negatives",
        "true positives, of all positives",
        drawn,
        diagonal=True,
        marks=marks,
        ideal=CHANCE,
    )


def _precision_recall(evidence: Evidence, found: HoldoutAnswers | None) -> Curves | None:
    if found is None or evidence.this.contract.kind != "binary" or not (steps := _steps(found)):
        return None
    hits, alarms, threshold = steps
    precision = hits[1:] / (hits[1:] + alarms[1:])
    recall = hits[1:] / hits[-1]
    at = int(np.count_nonzero(threshold >= evidence.this.manifest["threshold"]))
    marks = {THIS: (float(recall[at - 1]), float(precision[at - 1]))} if at else {}
    return Curves("Precision and recall", "recall", "precision", {THIS: _thinned(recall, precision)}, marks=marks)


def _steps(found: HoldoutAnswers) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """True and false positives down to each different score, from none on, and these scores; None with one class."""
    order = np.argsort(-found.scores, kind="stable")
    last = np.append(np.diff(found.scores[order]) != 0, True)
    hits, alarms = (np.append(0, np.cumsum(found.target[order] == value)[last]) for value in (1, 0))
    return (hits, alarms, found.scores[order][last]) if hits[-1] and alarms[-1] else None


def _thinned(xs: np.ndarray, ys: np.ndarray) -> Points:
    """Points evenly along the line, both ends among them."""
    along = np.append(0, np.cumsum(np.abs(np.diff(xs)) + np.abs(np.diff(ys))))
    places = np.unique(np.searchsorted(along, np.linspace(0, along[-1], POINTS)))
    return xs[places].tolist(), ys[places].tolist()
