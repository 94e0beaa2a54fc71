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
PINNED = {"random_state", "n_jobs", "early_stopping", "categorical_features"}


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
        return builders[estimator](inputs, **settings)
    except TypeError as error:
        allowed = ", ".join(_settings(builders[estimator], inputs))
        raise ContractError(f"params.yaml: model.{estimator}: {error}; its settings are: {allowed}") from None


def _settings(builder: Builder, inputs: Inputs) -> list[str]:
    own = inspect.signature(builder).parameters
    named = [
        name
        for name, parameter in own.items()
        if name != "inputs" and parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    return named or sorted(builder(inputs).get_params().keys() - PINNED)
