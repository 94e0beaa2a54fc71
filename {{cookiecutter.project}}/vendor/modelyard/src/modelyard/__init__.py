"""Machinery of a machine-learning project on GitHub: one commit drives the model's whole life.

The names that a project's own modules import are here. Each is loaded when it is first used, because jobs without an
environment import this package with the standard library alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .cli import run
    from .runtime.contract import Contract
    from .runtime.matrix import Columns
    from .runtime.names import clock_names
    from .runtime.project import Project
    from .training.estimators import Inputs

__all__ = ["Columns", "Contract", "Inputs", "Project", "clock_names", "run"]
__version__ = "1.0.120"

_PLACES = {
    "Columns": "runtime.matrix",
    "Contract": "runtime.contract",
    "Inputs": "training.estimators",
    "Project": "runtime.project",
    "clock_names": "runtime.names",
    "run": "cli",
}


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_PLACES[name]}", __name__), name)
