"""The estimators of a project's `model.py`: functions that build them, by their names in params.yaml."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import ContractError

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

Builder = Callable[..., "BaseEstimator"]

# Set by the builders, so not settings
PINNED = {
    *("random_state", "n_jobs", "early_stopping", "categorical_features"),
    *("deterministic", "force_row_wise", "categorical_column", "enable_categorical", "feature_types"),
}


@dataclass(frozen=True)
class Inputs:
    """What a builder may need to know: the task, which features are categories, and what must be pinned."""

    regression: bool
    quantities: list[int]
    categories: list[int]
    seed: int
    threads: int


def build(
    builders: Mapping[str, Builder], estimator: str, inputs: Inputs, settings: Mapping[str, Any]
) -> BaseEstimator:
    """Build the estimator of that name. Raises ContractError if there is none, or it has no such setting."""
    if estimator not in builders:
        raise ContractError(f"params.yaml: model.estimator is {estimator!r}; there are: {', '.join(builders)}")
    try:
        built = builders[estimator](inputs, **settings)
    except TypeError as error:
        allowed = ", ".join(_settings(builders[estimator], inputs))
        raise ContractError(f"params.yaml: model.{estimator}: {error}; its settings are: {allowed}") from None
    from sklearn.base import is_regressor

    if is_regressor(built) != inputs.regression:
        wanted = "a regressor: the target is a number" if inputs.regression else "a classifier: the target has classes"
        raise ContractError(f"model.py: {estimator} builds a {type(built).__name__}, and must build {wanted}")
    return built


def _settings(builder: Builder, inputs: Inputs) -> list[str]:
    own = inspect.signature(builder).parameters
    named = [
        name
        for name, parameter in own.items()
        if name != "inputs" and parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    return named or sorted(builder(inputs).get_params().keys() - PINNED)
