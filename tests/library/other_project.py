"""A second project, which has nothing of the sample: another name, other data without a time, other features in two
modules, another estimator and three classes. What holds for it holds for more than the sample.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sample
from modelyard.training.data.sources.files import FileSource
from modelyard.training.draft.draft import draft
from modelyard.training.draft.roles import Roles
from modelyard.training.edit import edit_yaml, round_trip

NAME = "penguin-species"
PACKAGE = "penguin_species"
TARGET = "species"
MODULES = {
    "__init__.py": '''"""Tells penguins of three species apart."""

from modelyard import Project

from .features import features

project = Project(__name__, features)
Predictor = project.predictor
''',
    "__main__.py": '''"""The command line."""

from modelyard import run

from . import project


def entry() -> None:
    run(project)


if __name__ == "__main__":
    entry()
''',
    "features.py": '''"""The shape of a penguin rather than its measures."""

from __future__ import annotations

from modelyard import Columns, Contract
from numpy.typing import NDArray

from .shapes import logarithm, ratio


def features(columns: Columns, contract: Contract) -> dict[str, NDArray]:
    """Two ratios and a logarithm, and where the penguin lives."""
    return {
        "bill_shape": ratio(columns["bill_length_mm"], columns["bill_depth_mm"]),
        "stature": ratio(columns["flipper_length_mm"], columns["bill_length_mm"]),
        "log_mass": logarithm(columns["body_mass_g"]),
        "home": columns["island"],
        "is_male": columns["sex"],
    }
''',
    "shapes.py": '''"""Arithmetic that leaves what is missing missing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def ratio(above: NDArray, below: NDArray) -> NDArray[np.float64]:
    """One measure by another; missing where there is no such number."""
    return np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)


def logarithm(values: NDArray) -> NDArray[np.float64]:
    """The natural logarithm; missing where there is none."""
    return np.log(values, out=np.full(len(values), np.nan), where=values > 0)
''',
    "model.py": '''"""One estimator."""

from __future__ import annotations

from typing import Any

from modelyard import Inputs
from sklearn.base import BaseEstimator
from sklearn.ensemble import ExtraTreesClassifier


def extra_trees(inputs: Inputs, **settings: Any) -> BaseEstimator:
    """Extremely randomised trees (Geurts et al., 2006)."""
    return ExtraTreesClassifier(random_state=inputs.seed, n_jobs=inputs.threads, **settings)


ESTIMATORS = {"extra_trees": extra_trees}
''',
}
PYPROJECT = f"""\
[project]
name = "{NAME}"
dependencies = ["modelyard"]

[project.optional-dependencies]
train = ["modelyard[train]"]
"""
SETTINGS = ("contract.yaml", "params.yaml", "policy.yaml", "dvc.yaml", "docs/model-card.md")
MODEL = {"estimator": "extra_trees", "extra_trees": {"n_estimators": 20, "max_depth": 8}}
SPACE = {"extra_trees": {"max_depth": {"low": 2, "high": 12}}}
SMALL = {"bootstrap": 100, "slice_rows": 10, "importance_rows": 50, "importance_repeats": 2}


def write_other_project(root: Path, installed: Path) -> None:
    """Write the project to `root`, its contract drafted from its data, and what it needs to `installed`."""
    for name, text in MODULES.items():
        (root / PACKAGE / name).parent.mkdir(parents=True, exist_ok=True)
        (root / PACKAGE / name).write_text(text, encoding="utf-8")
    (root / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    sample.list_requirements(root / "pyproject.toml", installed)
    for name in SETTINGS:
        (root / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(sample.SAMPLE / name, root / name)
    data = root / "source/penguins.csv"
    data.parent.mkdir()
    shutil.copyfile(penguins_csv(), data)
    draft(root, FileSource(str(data)).read(str(data)), {"kind": "files", "path": str(data)}, Roles(TARGET))
    _replace(root / "params.yaml", model=MODEL)
    _replace(root / "params.yaml", tune={"trials": 2, "batch": 2, "space": SPACE})
    edit_yaml(root / "params.yaml", {"evaluate": SMALL})
    _replace(root / "dvc.yaml", vars=[{"package": PACKAGE}])
    _replace(root / "contract.yaml", description="Penguins of the Palmer Archipelago", owner="Biology")


@contextmanager
def importable(folder: Path) -> Iterator[Path]:
    """The project, written into a folder; its package can be imported here and in processes that start meanwhile."""
    root, installed = folder / NAME, folder / "installed"
    write_other_project(root, installed)
    with pytest.MonkeyPatch.context() as patch:
        for path in (installed, root):
            patch.syspath_prepend(path)
        patch.setenv("PYTHONPATH", os.pathsep.join([str(root), str(installed), sample.PYTHON_PATH]))
        yield root


def _replace(path: Path, **values: object) -> None:
    """Set these keys as a whole."""
    yaml = round_trip()
    yaml.dump({**yaml.load(path), **values}, path)


def penguins_csv() -> Path:
    """Measures of 344 penguins (Horst, Hill and Gorman, 2020; CC0), from the package palmerpenguins."""
    spec = importlib.util.find_spec("palmerpenguins")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the package palmerpenguins is not installed; run `make setup`")
    return Path(spec.origin).parent / "data/penguins.csv"
