"""Machinery of a machine-learning project on GitHub: one commit drives the model's whole life.

The names that a project's own modules import are here. Each is loaded when it is first used, because jobs without an
environment import this package with the standard library alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .cli import run
    from .runtime.calendar import calendar_features
    from .runtime.contract import Contract
    from .runtime.matrix import Columns
    from .runtime.names import clock_names
    from .runtime.project import Project
    from .training.estimators import Inputs
    from .training.lightgbm import lightgbm
    from .training.neighbours import KNeighborsClassifier, KNeighborsRegressor
    from .training.xgboost import XGBClassifier, XGBRegressor, xgboost

__all__ = [
    "Columns",
    "Contract",
    "Inputs",
    "KNeighborsClassifier",
    "KNeighborsRegressor",
    "Project",
    "XGBClassifier",
    "XGBRegressor",
    "calendar_features",
    "clock_names",
    "lightgbm",
    "run",
    "xgboost",
]
__version__ = "1.0.296"

_PLACES = {
    "Columns": "runtime.matrix",
    "Contract": "runtime.contract",
    "Inputs": "training.estimators",
    "KNeighborsClassifier": "training.neighbours",
    "KNeighborsRegressor": "training.neighbours",
    "Project": "runtime.project",
    "XGBClassifier": "training.xgboost",
    "XGBRegressor": "training.xgboost",
    "calendar_features": "runtime.calendar",
    "clock_names": "runtime.names",
    "lightgbm": "training.lightgbm",
    "run": "cli",
    "xgboost": "training.xgboost",
}


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_PLACES[name]}", __name__), name)
