"""Whether each estimator of `model.py` can be fitted, exported and fitted again to the same bytes."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from ..errors import YardError
from ..runtime.contract import Contract
from ..runtime.project import Project
from ..training.data.dataset import Rows, encode_table, encode_target
from ..training.export import to_onnx
from ..training.fit import Trained, fit
from ..training.settings import Params
from ..training.train import export
from .passed import noted


def labelled_rows(table: pa.Table, contract: Contract) -> Rows:
    """The rows of a table that have a target, as training has them."""
    labelled = table.filter(table[contract.target].is_valid())
    unlabelled = table.num_rows - labelled.num_rows
    return Rows(labelled, encode_table(labelled, contract), encode_target(labelled, contract), unlabelled, ["made"])


@noted
def check_chosen(project: Project, params: Params) -> None:
    """`params.yaml` names an estimator that `model.py` has."""
    __tracebackhide__ = True
    assert project.estimators, "model.py: ESTIMATORS is empty; it needs at least one builder"
    assert params.model.estimator in project.estimators, (
        f"params.yaml: model.estimator is {params.model.estimator!r}, and model.py has: {', '.join(project.estimators)}"
    )


@noted
def check_export(project: Project, estimator: str, rows: Rows, contract: Contract, params: Params, path: Path) -> None:
    """The estimator is exported as ONNX and answers as scikit-learn does on every row, one by one and many at once."""
    __tracebackhide__ = True
    trained = _fit(project, estimator, rows, contract, params)
    try:
        export(project, trained, path, contract, [rows])
    except YardError as error:
        raise AssertionError(f"estimator {estimator!r}: {error}") from None


@noted
def check_reproducible(project: Project, estimator: str, rows: Rows, contract: Contract, params: Params) -> None:
    """Fitted twice on the same rows, the estimator gives the same bytes."""
    __tracebackhide__ = True
    first, second = (
        to_onnx(trained.estimator, len(trained.features)).SerializeToString(deterministic=True)
        for trained in (_fit(project, estimator, rows, contract, params) for _ in range(2))
    )
    assert first == second, (
        f"estimator {estimator!r} gives another model each time it is fitted; hand inputs.seed to everything that "
        "draws random numbers (random_state=inputs.seed)"
    )


@noted
def check_tuned(project: Project, estimator: str, rows: Rows, contract: Contract, params: Params) -> None:
    """Both ends of each range that `tune.space` has for the estimator are settings that it takes."""
    __tracebackhide__ = True
    space = params.tune.space.get(estimator) or {}
    ends: tuple[Literal["low", "high"], ...] = ("low", "high")
    for end in ends if space else ():
        tried = {name: getattr(values, end) for name, values in space.items()}
        try:
            _fit(project, estimator, rows, contract, params, tried)
        except AssertionError as error:
            raise AssertionError(f"params.yaml: tune.space.{estimator}, at the {end} ends: {error}") from None


def _fit(
    project: Project,
    estimator: str,
    rows: Rows,
    contract: Contract,
    params: Params,
    tried: dict[str, Any] | None = None,
) -> Trained:
    """The estimator fitted with its settings in `params.yaml`, but for those that are tried."""
    __tracebackhide__ = True
    settings = {**(params.model.settings.get(estimator) or {}), **(tried or {})}
    model = dataclasses.replace(params.model, estimator=estimator, settings={estimator: settings})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # so few rows make scikit-learn warn
        try:
            return fit(project, rows, contract, dataclasses.replace(params, model=model))
        except YardError as error:
            raise AssertionError(f"estimator {estimator!r}: {error}") from None
