"""Logged rows answered again by the bundle and the project's own features: both must give the same score.

Where they differ, the service computed other features than the project does. The feature is the one of which another
value alone gives the logged scores.
"""

# ruff: noqa: S608 - names and texts are quoted before they come into SQL

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..reporting.engine import columns, connection, parquet, quoted, text
from ..runtime.bundle import read_bundle
from ..runtime.contract import Contract
from ..runtime.matrix import matrix
from ..runtime.predictor import Predictor
from ..runtime.project import Project
from ..training.data.conform import ARROW
from ..training.data.dataset import encode_table
from ..training.lineage import code
from .counts import SERVED
from .known import DIGITS, bundle_folders
from .layout import input_column, score_columns

Floats = NDArray[np.float64]

ROWS = 1000  # that are answered again
TRIED = 50  # of those that differ, in which the feature is looked for
CANDIDATES = 40
TOLERANCE = 1e-9
SHOWN = 5


def skew(project: Project, root: Path, bundle: str, paths: Sequence[Path]) -> dict[str, Any] | None:
    """What differs in a sample of one bundle's rows in some files; None if the bundle is not in this project."""
    folder = next((one for one in bundle_folders(root) if read_bundle(one).digest[:DIGITS] == bundle), None)
    if folder is None:
        return None
    predictor = Predictor(folder, project.features, check=False)
    contract = predictor.contract
    if masked := [name for name, column in contract.inputs.items() if column.pii]:
        return {"rows": 0, "different": 0, "note": f"no row can be answered again: the log masks {', '.join(masked)}"}
    logged = _sample(contract, bundle, paths)
    if logged is None or not logged.num_rows:
        return {"rows": 0, "different": 0, "note": "the log has no rows that can be answered again"}
    features = project.features(encode_table(logged, contract), contract)
    table = matrix(features)
    answered = predictor.model.answer(table).reshape(len(table), -1)
    scores = np.column_stack([logged[name].to_numpy() for name in score_columns(contract)])
    gap = np.abs(answered - scores).max(axis=1)
    different = np.flatnonzero(~(gap <= TOLERANCE * np.maximum(1, np.abs(scores).max(axis=1))))
    found: dict[str, Any] = {"rows": len(table), "different": len(different)}
    if not len(different):
        return found
    worst = different[np.argsort(-gap[different], kind="stable")]
    explained = _explained(predictor, table, scores, worst[:TRIED])
    names = list(features)
    best = int(np.argmax(explained))
    changed = [name for name, digest in predictor.manifest["code"].items() if code(project.folder).get(name) != digest]
    return found | {
        "largest": float(gap[worst[0]]),
        "feature": names[best] if explained[best] else None,
        "explained": int(explained[best]),
        "tried": min(len(different), TRIED),
        "changed_code": changed,
        "examples": [
            {
                "request": logged["request"][int(place)].as_py(),
                "row": logged["row"][int(place)].as_py(),
                "logged": scores[place].tolist(),
                "answered": answered[place].tolist(),
                "features": {name: _plain(table[place, number]) for number, name in enumerate(names)},
            }
            for place in worst[:SHOWN]
        ],
    }


def _sample(contract: Contract, bundle: str, paths: Sequence[Path]) -> pa.Table | None:
    """Rows of a bundle, drawn by a hash of their request, in the contract's types."""
    names = {input_column(name): name for name in contract.inputs}
    with connection() as connected:
        table = parquet(paths)
        there = set(columns(connected, table))
        if not there.issuperset([*names, *score_columns(contract)]):
            return None
        listed = ", ".join(quoted(name) for name in ("request", "row", *score_columns(contract), *names))
        query = f"""SELECT {listed} FROM {table} WHERE bundle = {text(bundle)} AND {SERVED}
            ORDER BY md5(request || row::VARCHAR), request, row LIMIT {ROWS}"""
        found: pa.Table = connected.sql(query).to_arrow_table()
    plain = {name: found[name] for name in found.column_names if name not in names}
    inputs = {name: found[column].cast(ARROW[contract.columns[name].type]) for column, name in names.items()}
    fixed = {name: values for name, values in plain.items() if name not in inputs}
    return pa.table(inputs | fixed)


def _explained(predictor: Predictor, table: Floats, scores: Floats, places: NDArray[np.intp]) -> list[int]:
    """For each feature, of how many rows another value of it alone gives the logged score."""
    counts = []
    for number in range(table.shape[1]):
        tried = _candidates(table[:, number])
        rows = np.repeat(table[places], len(tried), axis=0)
        rows[:, number] = np.tile(tried, len(places))
        answers = predictor.model.answer(rows).reshape(len(places), len(tried), -1)
        same = np.abs(answers - scores[places][:, None, :]).max(axis=2) <= 1e-6
        counts.append(int(same.any(axis=1).sum()))
    return counts


def _candidates(values: Floats) -> Floats:
    """Values that a feature may have had: some that others have, some around them, none at all."""
    present = values[np.isfinite(values)]
    if not len(present):
        return np.array([np.nan, 0.0, 1.0])
    low, high = present.min(), present.max()
    around = np.linspace(low - (high - low), high + (high - low), CANDIDATES)
    return np.unique(np.concatenate([np.quantile(present, np.linspace(0, 1, CANDIDATES)), around, [0.0, np.nan]]))


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
