"""A project as it is handed to the library: its package, its features and, for training, its estimators."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ContractError
from .matrix import Features

if TYPE_CHECKING:
    from .predictor import Predictor


@dataclass(frozen=True)
class Project:
    """One project.

    name: the import name of its package. features: its function `features`, see `features.py` of a project.

    Example of a project's `__init__.py`:

        from modelyard import Project
        from .features import features

        project = Project(__name__, features)
        Predictor = project.predictor
    """

    name: str
    features: Features

    @property
    def folder(self) -> Path:
        """The folder of its package."""
        return Path(str(sys.modules[self.name].__file__)).parent

    @property
    def packaged_bundle(self) -> Path:
        """The folder of the bundle inside the installed wheel; a checkout has no such folder."""
        return self.folder / "bundle"

    @property
    def estimators(self) -> Mapping[str, Callable[..., Any]]:
        """The builders of its `model.py`, by name. Raises ContractError if that module has none."""
        try:
            builders = importlib.import_module(f"{self.name}.model").ESTIMATORS
        except AttributeError:
            raise ContractError(f"{self.name}/model.py has no ESTIMATORS: a dictionary of builders by name") from None
        return builders

    def predictor(self, bundle: str | Path | None = None, threads: int = 1) -> Predictor:
        """A predictor for a bundle; without `bundle`, for the one inside the installed wheel.

        Raises ContractError as `Predictor` does.
        """
        from .predictor import Predictor

        return Predictor(self.packaged_bundle if bundle is None else bundle, self.features, threads)

    def __reduce__(self) -> tuple[Callable[[str], Project], tuple[str]]:
        """Pickle by name, so that another process gets the project that it imports itself."""
        return load_project, (self.name,)


def load_project(name: str) -> Project:
    """The project of an importable package. Raises ContractError if the package defines none."""
    project = getattr(importlib.import_module(name), "project", None)
    if not isinstance(project, Project):
        raise ContractError(f"{name}/__init__.py has no `project = Project(__name__, features)`")
    return project
