from __future__ import annotations

import json
import platform
import re
import sys
from importlib import metadata

import pytest
from modelyard.training.environment import environment
from modelyard.training.layout import ENVIRONMENT

NAME = "flight_delays"


@pytest.fixture(scope="module")
def packages():
    return environment(NAME)["packages"]


@pytest.mark.parametrize(
    "name", ["scikit-learn", "numpy", "onnx", "onnxruntime", "pyarrow", "pandas", "scipy", "joblib"]
)
def test_versions_are_those_that_run(packages, name):
    assert packages[name] == metadata.version(name)


@pytest.mark.parametrize("name", ["aiohttp", "pydantic-core"])
def test_what_the_needed_need_is_there_too(packages, name):
    assert packages[name] == metadata.version(name)


@pytest.mark.parametrize("name", ["ruff", "pytest", "mypy", "dvc", "optuna", "matplotlib", "s3fs", "jupytext"])
def test_tools_that_cannot_change_a_model_are_left_out(packages, name):
    assert name not in packages


def test_neither_the_project_nor_the_library_is_among_what_it_needs(packages):
    assert not {"flight-delays", "modelyard"} & packages.keys()
    assert list(packages) == sorted(packages)


def distribution(folder, name, *requires):
    made = folder / f"{re.sub('[-.]', '_', name)}-1.0.dist-info"
    made.mkdir()
    lines = [f"Name: {name}", "Version: 1.0", *(f"Requires-Dist: {one}" for one in requires)]
    (made / "METADATA").write_text("\n".join(lines))


def test_what_is_needed_is_followed_through_extras_and_circles(tmp_path, monkeypatch):
    distribution(tmp_path, "a-shop", 'a-till[card]; extra == "train"', 'a-poster; extra == "dev"', "a.door")
    distribution(tmp_path, "a-till", 'a_till[cash]; extra == "card"', 'a-coin; extra == "cash"', "a-door")
    distribution(tmp_path, "a-coin", "a-till")
    distribution(tmp_path, "a.door", 'a-window; sys_platform == "none"', "a-hinge-that-is-not-installed")
    for name in ("a-poster", "a-window"):
        distribution(tmp_path, name)
    monkeypatch.syspath_prepend(tmp_path)
    assert environment("a_shop")["packages"] == {"a-coin": "1.0", "a-door": "1.0", "a-till": "1.0"}


def test_the_packages_of_the_librarys_extra_are_followed_and_the_library_is_left_out(tmp_path, monkeypatch):
    distribution(tmp_path, "a-shop", 'modelyard[train]; extra == "train"')
    distribution(tmp_path, "modelyard", 'a-loom; extra == "train"', 'a-poster; extra == "dev"')
    for name in ("a-loom", "a-poster"):
        distribution(tmp_path, name)
    monkeypatch.syspath_prepend(tmp_path)
    assert environment("a_shop")["packages"] == {"a-loom": "1.0"}


def test_python_and_the_kind_of_machine_are_told():
    found = environment(NAME)
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["machine"] == f"{platform.system()} {platform.machine()}"


def test_training_keeps_it_in_a_file(made):
    assert json.loads((made.root / ENVIRONMENT).read_text()) == environment(NAME)
