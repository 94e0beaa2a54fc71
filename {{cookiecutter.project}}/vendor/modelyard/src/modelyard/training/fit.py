"""Fit the estimator that params.yaml names, and ask what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, is_regressor
from sklearn.utils._param_validation import InvalidParameterError
from threadpoolctl import threadpool_limits

from ..errors import ContractError
from ..runtime.contract import Contract
from ..runtime.matrix import Columns, matrix
from ..runtime.project import Project
from .data.dataset import Rows
from .data.matrices import FeatureBlocks, Matrix, matrix_of
from .estimators import Inputs, build
from .export.check import check_exportable
from .settings import Params
from .unfit import unfit


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
    """The estimator that `params.yaml` names, fitted on rows that are in memory; see `fit_matrix`."""
    held = matrix_of(rows, features_of(project, contract)(rows.columns))
    return fit_matrix(built(project, held, contract, params), held, contract, params)


def built(project: Project, rows: Matrix | FeatureBlocks, contract: Contract, params: Params) -> BaseEstimator:
    """The estimator that `params.yaml` names, with seed and threads pinned, for these features.

    Raises ContractError if the estimator has no such setting or cannot be exported.
    """
    quantities = [place for place in range(len(rows.features)) if place not in rows.categories]
    inputs = Inputs(contract.kind == "regression", quantities, rows.categories, params.seed, params.threads)
    settings = params.model.settings.get(params.model.estimator) or {}
    estimator = build(project.estimators, params.model.estimator, inputs, settings)
    check_exportable(estimator)
    return estimator


def fit_matrix(
    estimator: BaseEstimator,
    rows: Matrix | FeatureBlocks,
    contract: Contract,
    params: Params,
    elsewhere: Callable[[BaseEstimator], None] | None = None,
) -> Trained:
    """The estimator fitted on the rows.

    elsewhere: fits it on these rows where they are, as on the workers of a cluster.

    A feature that has no value in any of them, as that of a column which began later, teaches nothing; where the
    estimator refuses it, it is 0 in all of these rows, as if it were constant.

    Raises ContractError if there is no row at all or none of a class, or the estimator does not accept the features.
    """
    _check_classes(rows.target, contract, params)
    try:
        with threadpool_limits(params.threads):
            if elsewhere:
                elsewhere(estimator)
            elif isinstance(rows, FeatureBlocks):
                estimator.fit_blocks(rows)
            else:
                estimator.fit(rows.table, rows.target)
    except InvalidParameterError as error:
        raise ContractError(f"params.yaml: model.{params.model.estimator}: {error}") from None
    except ContractError:  # which says what is wrong
        raise
    except ValueError as error:
        if isinstance(rows, Matrix) and (filled := _fill_empty(rows)):
            print(f"without a value in these rows, so nothing is learned from it: {', '.join(filled)}")
            return fit_matrix(estimator, rows, contract, params)
        first, _, _rest = str(error).strip().partition("\n")  # XGBoost adds a stack trace
        why = _why_unfit(rows) or f"{params.model.estimator} cannot be fitted on these features"
        raise ContractError(f"{why}: {first}") from None
    return Trained(estimator, rows.features, _baseline(rows.target, contract))


def _fill_empty(rows: Matrix) -> list[str]:
    """Make 0 of the features that have no value in any row; their names, which are none the second time."""
    empty = [place for place in range(len(rows.features)) if np.isnan(rows.table[:, place]).all()]
    rows.table[:, empty] = 0.0
    return [rows.features[place] for place in empty]


def _why_unfit(rows: Matrix | FeatureBlocks) -> str | None:
    for table, _target in rows:
        features = dict(zip(rows.features, table.T, strict=True))
        if isinstance(rows, FeatureBlocks):  # one block without a value says nothing of the others
            features = {name: values for name, values in features.items() if not np.isnan(values).all()}
        if why := unfit(features):
            return why
    return None


def features_of(project: Project, contract: Contract) -> Callable[[Columns], dict[str, NDArray]]:
    """The project's features. They raise ContractError if they ask for a column that is no input."""

    def computed(columns: Columns) -> dict[str, NDArray]:
        try:
            return project.features(columns, contract)
        except KeyError as error:
            raise ContractError(
                f"features.py asks for column {error}, which is no input in contract.yaml; the inputs are "
                f"{', '.join(contract.inputs)}"
            ) from None

    return computed


def answers_of(trained: Trained, features: dict[str, NDArray]) -> NDArray[np.float64]:
    """The estimator's answers. Raises ContractError if it refuses the features, as many do infinite ones."""
    try:
        return trained.predict(matrix(features))
    except ValueError as error:
        raise ContractError(f"{unfit(features) or 'the estimator cannot answer these features'}: {error}") from None


def _baseline(target: NDArray, contract: Contract) -> list[float]:
    """The mean of the target, or the share of each class: the best answer without the features."""
    if contract.kind == "regression":
        return [float(target.mean())]
    shares = np.bincount(target, minlength=len(contract.classes)) / len(target)
    return [float(share) for share in (shares[1:] if contract.kind == "binary" else shares)]


def _check_classes(target: NDArray, contract: Contract, params: Params) -> None:
    if not len(target):
        raise ContractError(f"there is no training row whose {contract.target} is known")
    absent = [value for place, value in enumerate(contract.classes) if not (target == place).any()]
    if absent:
        window = "split.window longer, or " if params.split.window else ""
        raise ContractError(
            f"no training row has {contract.target} = {absent[0]!r}: if validation or holdout have such rows, "
            f"make {window}split.validation or split.holdout smaller in params.yaml; else leave the class out of "
            "`values` in contract.yaml, and its rows out at the source, or give them the name of another class there"
        )
