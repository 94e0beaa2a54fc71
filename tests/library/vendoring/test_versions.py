"""An update of a package makes the stages run again that it can change, and no others."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib import metadata

import pytest
from library.vendoring.conftest import SOURCE
from modelyard.code import STAGES, code_files
from modelyard.errors import YardError
from modelyard.training.environment import environment
from modelyard.vendoring.guard import check_stage
from modelyard.vendoring.versions import NONE, UNUSED, VERSIONS, locked_versions, text, write_versions
from packaging.utils import canonicalize_name
from sample import SAMPLE

INDEX = 'source = { registry = "https://index.example/simple" }'
OTHERS = "sys_platform == 'emscripten' or sys_platform == 'win32'"
LOCK = f"""
version = 1
[[package]]
name = "wine-prices"
source = {{ editable = "." }}
dependencies = [{{ name = "numpy" }}, {{ name = "onnxruntime" }}]
[package.optional-dependencies]
train = [
  {{ name = "scikit-learn" }}, {{ name = "pandera", extra = ["pandas"] }}, {{ name = "grapes" }},
  {{ name = "modelyard", extra = ["train"] }},
]
[package.dev-dependencies]
dev = [{{ name = "ruff" }}]
[[package]]
name = "modelyard"
version = "1.0.0"
source = {{ path = "vendor/modelyard-1.0.0-py3-none-any.whl" }}
[package.optional-dependencies]
train = [{{ name = "threadpoolctl" }}, {{ name = "pyarrow" }}]
[[package]]
name = "numpy"
version = "2.4.6"
{INDEX}
[[package]]
name = "numpy"
version = "2.5.5"
{INDEX}
[[package]]
name = "scikit-learn"
version = "1.9.1"
{INDEX}
dependencies = [
  {{ name = "scipy", marker = "sys_platform != 'win32'" }}, {{ name = "tzdata", marker = "{OTHERS}" }},
  {{ name = "scikit-learn" }},
]
[[package]]
name = "pandera"
version = "0.35.0"
{INDEX}
[package.optional-dependencies]
pandas = [{{ name = "pandas" }}]
[[package]]
name = "grapes"
version = "0.1"
source = {{ git = "https://token@git.example/grapes?rev=main#0123abcd" }}
""" + "".join(
    f'[[package]]\nname = "{name}"\nversion = "1"\n{INDEX}\n'
    for name in ("onnxruntime", "scipy", "pandas", "threadpoolctl", "pyarrow", "ruff")
)
NUMPY = "2.4.6, 2.5.5"
GRAPES = "0.1 (https://git.example/grapes?rev=main#0123abcd)"
COMMON = {"grapes": GRAPES, "numpy": NUMPY, "pyarrow": "1"}
EXPECTED = {
    "ingest": {**COMMON, "pandas": "1", "pandera": "0.35.0"},
    "train": {**COMMON, "onnxruntime": "1", "scikit-learn": "1.9.1", "scipy": "1", "threadpoolctl": "1"},
    "evaluate": {**COMMON, "onnxruntime": "1"},
    "bundle": {**COMMON, "onnxruntime": "1"},
}


def test_each_stage_has_the_versions_of_what_it_runs():
    assert locked_versions(LOCK) == EXPECTED


def test_what_the_service_needs_too_may_be_imported_by_features():
    answered = LOCK.replace('[{ name = "numpy" }, ', '[{ name = "scikit-learn" }, { name = "numpy" }, ')
    stages = {stage for stage, found in locked_versions(answered).items() if "scipy" in found}
    assert stages == {"train", "evaluate", "bundle"}


@pytest.mark.parametrize("lock", ["", "package = 1", "<<<<<<< ours\n", 'package = [{name = "a", source = {}}]'])
def test_what_is_no_lock_is_named_and_the_file_stays(tmp_path, lock):
    (tmp_path / "uv.lock").write_text(lock)
    (tmp_path / VERSIONS).write_text("as it was")
    with pytest.raises(YardError, match=r"uv\.lock cannot be read as a lock of uv .* run `make lock APPLY=1`"):
        write_versions(tmp_path)
    assert (tmp_path / VERSIONS).read_text() == "as it was"


def test_the_changes_are_told_with_their_stages(tmp_path):
    (tmp_path / VERSIONS).write_text(text(EXPECTED))
    (tmp_path / "uv.lock").write_text(LOCK.replace("1.9.1", "1.8.0").replace("2.5.5", "2.6.0"))
    assert write_versions(tmp_path) == [
        "numpy 2.4.6, 2.5.5 -> 2.4.6, 2.6.0 (ingest, train, evaluate, bundle)",
        "scikit-learn 1.9.1 -> 1.8.0 (train)",
    ]
    assert json.loads((tmp_path / VERSIONS).read_text())["train"]["scikit-learn"] == "1.8.0"
    assert write_versions(tmp_path) == []


def test_a_fresh_project_without_a_lock_names_none(tmp_path):
    assert json.loads((SAMPLE / VERSIONS).read_text()) == NONE
    assert write_versions(tmp_path) == []
    assert not (tmp_path / VERSIONS).exists()


@pytest.mark.parametrize("stage", STAGES)
def test_no_stage_imports_what_is_said_to_be_unused(stage):
    modules = [ast.parse((SOURCE / "src/modelyard" / name).read_text()) for name in code_files(stage)]
    nodes = [node for module in modules for node in ast.walk(module)]
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    names = {name.partition(".")[0] for name in imported}
    distributions = metadata.packages_distributions()
    packages = {canonicalize_name(one) for name in names for one in distributions.get(name, [])}
    assert "numpy" in packages
    assert not packages & UNUSED[stage]


def set_up(root):
    """A pipeline whose stages depend on their versions alone, run once with real DVC."""
    stages = "".join(f"  {name}: {{cmd: 'true', params: [versions.json: [{name}]]}}\n" for name in STAGES)
    (root / "dvc.yaml").write_text(f"stages:\n{stages}")
    dvc(root, "repro", "--quiet")


def dvc(root, *arguments):
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout


def test_updates_that_uv_makes_run_the_stages_again_that_dvc_finds_changed(locked):
    """scikit-learn, numpy and ruff, in a lock that uv made."""
    recorded = environment("flight_delays")["packages"].keys()
    locked.yard("versions")
    named = json.loads((locked.root / VERSIONS).read_text())
    assert recorded <= set().union(*named.values())  # each version that a manifest records
    set_up(locked.root)
    found = {}
    for package in ("ruff==0.14.14", "scikit-learn==1.8.0", "numpy==2.4.6"):
        done = locked.uv("lock", "--quiet", "--upgrade-package", package)
        assert done.returncode == 0, done.stderr
        done = locked.yard("versions")
        assert done.returncode == 0, done.stderr
        found[package.partition("=")[0]] = set(json.loads(dvc(locked.root, "status", "--json")))
    assert found == {"ruff": set(), "scikit-learn": {"train"}, "numpy": set(STAGES)}


def test_a_stage_refuses_to_run_with_other_versions_than_dvc_lock_would_name(locked, monkeypatch):
    named = {
        **NONE,
        "train": {"numpy": "0.1, 0.2", "scikit-learn": metadata.version("scikit-learn"), "winetricks": "1"},
    }
    (locked.root / VERSIONS).write_text(text(named))
    installed = metadata.version("numpy")
    check_stage("evaluate", locked.root)
    with pytest.raises(YardError, match=rf"numpy {installed} is installed, and versions\.json has 0\.1, 0\.2, so"):
        check_stage("train", locked.root)
    monkeypatch.setenv("MODELYARD_ANY_VERSIONS", "1")  # as a proof of another commit does
    check_stage("train", locked.root)
