"""Fit the model and export it as ONNX, which must give scikit-learn's answers.

A first fit, on the training rows, answers the validation rows: these answers choose the threshold. With `split.refit`
the model that ships is then fitted again, on both.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from ..errors import ContractError
from ..runtime.contract import Contract
from ..runtime.matrix import Columns, matrix
from ..runtime.predictor import MANY, OnnxModel
from ..runtime.project import Project
from .contributions import contributions
from .data.dataset import Rows, read_rows, require_rows
from .data.matrices import Matrix, StoredColumns, read_matrix
from .data.periods import WHOLE
from .environment import environment
from .export import to_onnx
from .fit import Trained, answers_of, features_of, fit_matrix
from .layout import ENVIRONMENT, MODEL, REFERENCE, TRAINING, VALIDATION
from .predictions import write_predictions
from .reference import reference
from .settings import Params, read_contract, read_params

# How far the exported model may be from the estimator, on every row: absolute, or for numbers above 1 relative to them,
# because the last digit of a large number is worth more
TOLERANCE = 1e-9


def export(project: Project, trained: Trained, path: Path, contract: Contract, checked: list[Rows]) -> float:
    """Write the model as ONNX to `path`; return the largest difference from the estimator over all checked rows.

    Raises ContractError, and removes the file, if a difference is above TOLERANCE, or if the answer to a row depends on
    the number of rows in the call.
    """
    model = to_onnx(trained.estimator, len(trained.features))
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    try:
        return _checked(project, OnnxModel(path, contract, project.features), trained, contract, checked)
    except ContractError:
        path.unlink()
        raise


def _checked(project: Project, exported: OnnxModel, trained: Trained, contract: Contract, checked: list[Rows]) -> float:
    worst, same = 0.0, True
    for rows in checked:
        features = project.features(rows.columns, contract)
        table = matrix(features)
        expected, many = answers_of(trained, features), exported.answer(table)
        few = [exported.answer(table[start : start + MANY - 1]) for start in range(0, len(table), MANY - 1)]
        for answers in (many, np.concatenate(few)):
            away = np.abs(answers - expected) / np.maximum(1.0, np.abs(expected))
            worst = float(np.maximum(worst, away.max()))  # propagates NaN, unlike max()
            same &= np.array_equal(answers, many)
    if not worst <= TOLERANCE:
        raise ContractError(f"the exported model is up to {worst:g} away from the estimator, more than {TOLERANCE:g}")
    if not same:
        raise ContractError(f"the exported model answers a row in another way among {MANY} rows than among fewer")
    return worst


def single_precision(project: Project, trained: Trained, contract: Contract, checked: list[Rows]) -> dict[str, float]:
    """Of an estimator that adds up in float64 what its library adds up in float32: its name, and how far it is away."""
    before, last = None, trained.estimator
    if isinstance(last, Pipeline):
        before, last = last[:-1], last[-1]
    if not hasattr(last, "single_precision"):
        return {}
    worst = 0.0
    for rows in checked:
        table = matrix(project.features(rows.columns, contract))
        own = last.single_precision(table if before is None else before.transform(table))
        worst = max(worst, float(np.abs(own - trained.predict(table)).max()))
    return {type(last).__name__: worst}


def train(project: Project, root: Path, contract: Contract, params: Params) -> dict[str, Any]:
    """Fit and export under `root`; return the facts about the training."""
    for part in ("validation", "holdout"):
        require_rows(root, contract, params, part)
    features = features_of(project, contract)
    rows = read_matrix(root, contract, params, "train", features)
    print(f"fitting {params.model.estimator} on {_told(rows)}")
    trained = fit_matrix(project, rows, contract, params)
    first_fit = {"rows": len(rows.target), "first_period": rows.periods[0], "last_period": _last(rows)}
    if params.split.refit:
        del rows  # before the next are read
    _answer_validation(root, trained, features, contract, params)
    if params.split.refit:
        rows = read_matrix(root, contract, params, "shipped", features)
        print(f"fitting it again, with the validation rows: on {_told(rows)}")
        trained = fit_matrix(project, rows, contract, params)
    facts = {
        "rows": len(rows.target),
        "unlabelled_rows": rows.unlabelled,
        "first_period": rows.periods[0],
        "last_period": _last(rows),
    }
    fitted_days = rows.days
    del rows
    validation, holdout = (read_rows(root, contract, params, part) for part in ("validation", "holdout"))
    worst = export(project, trained, root / MODEL, contract, [validation, holdout])
    judged = project.features(holdout.columns, contract)
    training = {
        "estimator": params.model.estimator,
        "features": trained.features,
        "baseline": trained.baseline,
        **facts,
        "refit": params.split.refit,
        "first_fit": first_fit,
        "validation_rows": len(validation.target),
        "validation_periods": validation.periods,
        "holdout_periods": holdout.periods,
        "contributions": contributions(trained.estimator, judged, answers_of(trained, judged)),
    }
    days = {"train": fitted_days, "validation": validation.days, "holdout": holdout.days}
    training |= {f"{part}_days": list(ends) for part, ends in days.items() if ends}
    contents = {
        TRAINING: training,
        REFERENCE: reference(StoredColumns(root, contract, params, "shipped"), contract),
        ENVIRONMENT: environment(project.name),
    }
    for place, content in contents.items():
        (root / place).write_text(json.dumps(content, indent=1) + "\n")
    checked = [validation, holdout]
    print(f"exported: at most {worst:.1e} from the estimator on {sum(len(rows.target) for rows in checked):,} rows")
    for name, gap in single_precision(project, trained, contract, checked).items():
        print(f"the estimator adds up in float64; {name}'s own answers, in float32, are at most {gap:.1e} away")
    return training


def _answer_validation(
    root: Path, trained: Trained, features: Callable[[Columns], dict[str, NDArray]], contract: Contract, params: Params
) -> None:
    """Write the first fit's answers to the validation rows, which are not in memory while the second one is made."""
    rows = read_rows(root, contract, params, "validation")
    write_predictions(root / VALIDATION, rows, answers_of(trained, features(rows.columns)), contract)


def _told(rows: Matrix) -> str:
    first, count = rows.days[0] if rows.days else rows.periods[0], f"{len(rows.target):,} rows"
    return count if first == WHOLE else f"{count} of {first} to {_last(rows)}"


def _last(rows: Matrix) -> str:
    """The last day of the rows, or the last period, if they have all of it."""
    return rows.days[1] if rows.days else rows.periods[-1]


def main(arguments: Sequence[str], project: Project) -> None:
    """The stage `train`."""
    argparse.ArgumentParser(prog="train", description=__doc__).parse_args(arguments)
    contract, params = read_contract(), read_params()
    with threadpool_limits(params.threads):  # not of the fit alone: what it answers is kept too
        train(project, Path(), contract, params)
