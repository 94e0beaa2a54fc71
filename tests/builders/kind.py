"""A builder as a project's model.py has one, and the tasks that it is for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from modelyard.training.estimators import Inputs

from .data import TASKS


@dataclass(frozen=True)
class Kind:
    """A builder, and the tasks that it is for."""

    build: Callable[[Inputs], Any]
    tasks: tuple[str, ...] = TASKS
