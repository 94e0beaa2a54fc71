"""How far a regression is off, and where."""

from __future__ import annotations

import numpy as np

from ...markdown import code, number
from ..answered import HoldoutAnswers
from ..charts import RowCounts, Scatter
from ..document import Section, Table
from ..evidence import Evidence

POINTS = 600
PARTS = 10
BINS = 40
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def residuals(evidence: Evidence, found: HoldoutAnswers | None) -> list[Section]:
    """What happened less what was predicted: its spread in each tenth of the predictions, and its histogram."""
    contract = evidence.this.contract
    if contract.kind != "regression" or found is None:
        return []
    off = found.target - found.scores
    unit = contract.columns[contract.target].unit
    label = f"{contract.target} less its prediction{f' ({unit})' if unit else ''}"
    spread = np.quantile(off, QUANTILES)
    table = Table(
        ["mean", *(f"{100 * share:g} % are below" for share in QUANTILES), "largest"],
        [[number(value) for value in (off.mean(), *spread, off[np.abs(off).argmax()])]],
    )
    chosen = np.unique(np.linspace(0, len(off) - 1, POINTS).astype(np.int64))
    low, high = np.quantile(off, [0.005, 0.995])
    scatter = Scatter(
        "Residuals against the prediction", "predicted", label,
        (found.scores[chosen].tolist(), np.clip(off[chosen], low, high).tolist()), *_bands(found.scores, off),
    )  # fmt: skip
    edges = np.linspace(low, high, BINS + 1) if low < high else np.array([low - 0.5, low + 0.5])
    counts = np.histogram(np.clip(off, low, high), edges)[0]
    histogram = RowCounts("Residuals", f"{label}; the ends hold what is beyond", edges.tolist(), counts.tolist())
    words = f"What happened less what was predicted, of {code(contract.target)} on {len(off):,} holdout rows."
    return [Section("Residuals: where the model is off", [words, table, scatter, histogram], folded=True)]


def _bands(scores: np.ndarray, off: np.ndarray) -> tuple[list[float], list[list[float]]]:
    """The mean prediction of each tenth of the rows, and the residuals' 5 %, 50 % and 95 % quantiles in it."""
    parts = np.array_split(np.argsort(scores, kind="stable"), min(PARTS, len(scores)))
    middles = [float(scores[part].mean()) for part in parts]
    return middles, [[float(np.quantile(off[part], share)) for part in parts] for share in (0.05, 0.5, 0.95)]
