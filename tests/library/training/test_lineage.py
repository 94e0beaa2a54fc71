from __future__ import annotations

import hashlib
import json
import platform
import re
import shutil
import sys
from importlib import metadata
from pathlib import Path

import pytest

from modelyard.runtime import contract
from modelyard.training.lineage import code, environment, lineage

PACKAGE = Path(contract.__file__).parent


@pytest.fixture(scope="module")
def packages():
    return environment(PACKAGE.name)["packages"]


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


def test_the_project_is_not_among_what_it_needs(packages):
    assert PACKAGE.name.replace("_", "-") not in packages
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


def test_python_and_the_kind_of_machine_are_told():
    found = environment(PACKAGE.name)
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["machine"] == f"{platform.system()} {platform.machine()}"


def test_each_file_that_training_runs_has_its_hash():
    found = code(PACKAGE)
    assert {"contract.py", "features.py", "predictor.py", "rows.py"} <= found.keys()
    assert {"pipeline/model.py", "pipeline/export/trees.py", "pipeline/sources/files.py"} <= found.keys()
    for path, sha256 in found.items():
        assert sha256 == hashlib.sha256((PACKAGE / path).read_bytes()).hexdigest()


def test_what_only_serves_is_not_code_of_the_model():
    assert not {"predict.py", "__main__.py", "command.py"} & code(PACKAGE).keys()


def test_a_changed_line_changes_the_hash_of_its_file_alone(tmp_path):
    copy = shutil.copytree(PACKAGE, tmp_path / "package")
    with (copy / "features.py").open("a") as opened:
        opened.write("\n")
    before, after = code(PACKAGE), code(copy)
    assert [path for path in before if before[path] != after[path]] == ["features.py"]


def test_the_manifest_holds_both(made):
    manifest = json.loads((made.root / "bundle/manifest.json").read_text())
    assert lineage().items() <= manifest.items()
