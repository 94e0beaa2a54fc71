"""Fit the model and export it as ONNX, which must give scikit-learn's answers.

A first fit, on the training rows, answers the validation rows: these answers choose the threshold. With `split.refit`
the model that ships is then fitted again, on both.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, is_regressor
from sklearn.pipeline import Pipeline
from sklearn.utils._param_validation import InvalidParameterError
from threadpoolctl import threadpool_limits

from ..errors import ContractError
from ..runtime.contract import Contract
from ..runtime.matrix import categorical, matrix
from ..runtime.predictor import MANY, OnnxModel
from ..runtime.project import Project
from .contributions import contributions
from .data.dataset import Rows, read_rows
from .data.periods import WHOLE
from .environment import environment
from .estimators import Inputs, build
from .export import to_onnx
from .export.check import check_exportable
from .layout import ENVIRONMENT, MODEL, REFERENCE, TRAINING, VALIDATION
from .predictions import write_predictions
from .reference import reference
from .settings import Params, read_contract, read_params
from .unfit import unfit

# How far the exported model may be from the estimator, on every row: absolute, or for numbers above 1 relative to them,
# because the last digit of a large number is worth more
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Trained:
    """A fitted estimator, the names of its features and the baseline: the same answer for every row."""

    estimator: BaseEstimator
    features: list[str]
    baseline: list[float]

    def predict(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        """What scikit-learn answers, in the shape that `OnnxModel.predict` gives."""
        if is_regressor(self.estimator):
            return self.estimator.predict(table)
        probabilities = self.estimator.predict_proba(table)
        return probabilities[:, 1] if probabilities.shape[1] == 2 else probabilities


def fit(project: Project, rows: Rows, contract: Contract, params: Params) -> Trained:
    """The estimator that `params.yaml` names, fitted on the rows with seed and threads pinned.

    Raises ContractError if the estimator has no such setting or cannot be exported, a class has no row, or the
    estimator does not accept the features.
    """
    try:
        features = project.features(rows.columns, contract)
    except KeyError as error:
        raise ContractError(f"features.py asks for column {error}, which is no input in contract.yaml; the inputs are "
                            f"{', '.join(contract.inputs)}") from None  # fmt: skip
    categories = categorical(features)
    quantities = [place for place in range(len(features)) if place not in categories]
    inputs = Inputs(contract.kind == "regression", quantities, categories, params.seed, params.threads)
    settings = params.model.settings.get(params.model.estimator) or {}
    estimator = build(project.estimators, params.model.estimator, inputs, settings)
    check_exportable(estimator)
    _check_classes(rows, contract)
    table = matrix(features)
    try:
        with threadpool_limits(params.threads):
            estimator.fit(table, rows.target)
    except InvalidParameterError as error:
        raise ContractError(f"params.yaml: model.{params.model.estimator}: {error}") from None
    except ValueError as error:
        why = unfit(features) or f"{params.model.estimator} cannot be fitted on these features"
        raise ContractError(f"{why}: {error}") from None
    return Trained(estimator, list(features), _baseline(rows, contract))


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
        expected, many = _answers(trained, features), exported.answer(table)
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


def _answers(trained: Trained, features: dict[str, NDArray]) -> NDArray[np.float64]:
    """The estimator's answers. Raises ContractError if it refuses the features, as many do infinite ones."""
    try:
        return trained.predict(matrix(features))
    except ValueError as error:
        raise ContractError(f"{unfit(features) or 'the estimator cannot answer these features'}: {error}") from None


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


def _baseline(rows: Rows, contract: Contract) -> list[float]:
    """The mean of the target, or the share of each class: the best answer without the features."""
    if contract.kind == "regression":
        return [float(rows.target.mean())]
    shares = np.bincount(rows.target, minlength=len(contract.classes)) / len(rows.target)
    return [float(share) for share in (shares[1:] if contract.kind == "binary" else shares)]


def _check_classes(rows: Rows, contract: Contract) -> None:
    absent = [value for place, value in enumerate(contract.classes) if not (rows.target == place).any()]
    if absent:
        raise ContractError(
            f"no training row has {contract.target} = {absent[0]!r}; train on more periods (split.window)"
        )


def train(project: Project, root: Path, contract: Contract, params: Params) -> dict[str, Any]:
    """Fit and export under `root`; return the facts about the training."""
    validation, holdout = (read_rows(root, contract, params, part) for part in ("validation", "holdout"))
    rows = read_rows(root, contract, params, "train")
    print(f"fitting {params.model.estimator} on {_told(rows)}")
    trained = fit(project, rows, contract, params)
    answers = _answers(trained, project.features(validation.columns, contract))
    write_predictions(root / VALIDATION, validation, answers, contract)
    first_fit = {"rows": len(rows.target), "first_period": rows.periods[0], "last_period": _last(rows)}
    if params.split.refit:
        rows = read_rows(root, contract, params, "shipped")
        print(f"fitting it again, with the validation rows: on {_told(rows)}")
        trained = fit(project, rows, contract, params)
    worst = export(project, trained, root / MODEL, contract, [validation, holdout])
    judged = project.features(holdout.columns, contract)
    training = {
        "estimator": params.model.estimator,
        "features": trained.features,
        "baseline": trained.baseline,
        "rows": len(rows.target),
        "unlabelled_rows": rows.unlabelled,
        "first_period": rows.periods[0],
        "last_period": _last(rows),
        "refit": params.split.refit,
        "first_fit": first_fit,
        "validation_rows": len(validation.target),
        "validation_periods": validation.periods,
        "holdout_periods": holdout.periods,
        "contributions": contributions(trained.estimator, judged, _answers(trained, judged)),
    }
    parts = {"train": rows, "validation": validation, "holdout": holdout}
    training |= {f"{name}_days": list(part.days) for name, part in parts.items() if part.days}
    contents = {
        TRAINING: training,
        REFERENCE: reference(rows.columns, contract),
        ENVIRONMENT: environment(project.name),
    }
    for place, content in contents.items():
        (root / place).write_text(json.dumps(content, indent=1) + "\n")
    checked = [validation, holdout]
    print(f"exported: at most {worst:.1e} from the estimator on {sum(len(rows.target) for rows in checked):,} rows")
    for name, gap in single_precision(project, trained, contract, checked).items():
        print(f"the estimator adds up in float64; {name}'s own answers, in float32, are at most {gap:.1e} away")
    return training


def _told(rows: Rows) -> str:
    first, count = rows.days[0] if rows.days else rows.periods[0], f"{len(rows.target):,} rows"
    return count if first == WHOLE else f"{count} of {first} to {_last(rows)}"


def _last(rows: Rows) -> str:
    """The last day of the rows, or the last period, if they have all of it."""
    return rows.days[1] if rows.days else rows.periods[-1]


def main(arguments: Sequence[str], project: Project) -> None:
    """The stage `train`."""
    argparse.ArgumentParser(prog="train", description=__doc__).parse_args(arguments)
    contract, params = read_contract(), read_params()
    with threadpool_limits(params.threads):  # not of the fit alone: what it answers is kept too
        train(project, Path(), contract, params)
