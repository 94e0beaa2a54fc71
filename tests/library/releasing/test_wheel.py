from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest

from modelyard.runtime import contract
from modelyard.training.lineage import environment

PACKAGE = Path(contract.__file__).parent
ROOT = Path(__file__).parent.parent


def lay_out(root, bundle):
    """What a wheel is built from, and nothing else of the project."""
    root.mkdir()
    shutil.copytree(PACKAGE, root / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("hatch_build.py", "pyproject.toml", "README.md", "LICENSE"):
        if (ROOT / name).is_file():
            shutil.copyfile(ROOT / name, root / name)
    if bundle:
        shutil.copytree(bundle, root / "bundle")
    return root


def build(root):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def wheel(made, tmp_path_factory):
    root = lay_out(tmp_path_factory.mktemp("wheel") / "project", made.root / "bundle")
    told = build(root)
    assert told.returncode == 0, told.stderr
    (path,) = (root / "dist").glob("*.whl")
    return path


@dataclass(frozen=True)
class Installed:
    """The wheel unpacked, beside what it says it needs."""

    folder: Path

    def python(self, *arguments):
        path = os.pathsep.join(str(self.folder / part) for part in ("wheel", "needed"))
        command = [sys.executable, "-S", *arguments]
        surroundings = os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(command, cwd=self.folder, env=surroundings, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "wheel")
    (folder / "needed").mkdir()
    for name in ["numpy", "onnxruntime", *environment("onnxruntime")["packages"]]:
        for top in {path.parts[0] for path in metadata.files(name)} - {"..", "__pycache__"}:
            link = folder / "needed" / top
            if not link.exists():
                link.symlink_to(metadata.distribution(name).locate_file(top))
    return Installed(folder)


def test_with_numpy_and_onnxruntime_alone_it_answers_its_probe_rows_exactly(made, installed):
    probe = json.loads((made.root / "bundle/probe.json").read_text())
    (installed.folder / "rows.json").write_text(json.dumps(probe["rows"]))
    told = installed.python("-m", PACKAGE.name, "predict", "rows.json")
    assert told.returncode == 0, told.stderr
    assert [json.loads(line)["prediction"] for line in told.stdout.splitlines()] == probe["answers"]


@pytest.mark.parametrize("module", ["pandas", "sklearn", "onnx", "pyarrow", "pydantic"])
def test_what_made_the_bundle_is_not_there(module, installed):
    told = installed.python("-c", f"import {module}")
    assert f"No module named '{module}'" in told.stderr


@pytest.mark.parametrize("verb", ["train", "ingest", "draft"])
def test_a_verb_that_needs_more_says_what_to_install(verb, installed):
    told = installed.python("-m", PACKAGE.name, verb)
    assert told.returncode == 1
    assert told.stderr.startswith(f"error: `{verb}` needs ")
    assert told.stderr.endswith(f"; install {PACKAGE.name}[train]\n")


def test_it_carries_the_bundle_as_it_is(made, wheel):
    with zipfile.ZipFile(wheel) as archive:
        carried = {
            Path(name).name: archive.read(name)
            for name in archive.namelist()
            if name.startswith(f"{PACKAGE.name}/bundle/")
        }
    assert carried == {path.name: path.read_bytes() for path in (made.root / "bundle").iterdir()}


def test_it_holds_the_package_and_its_metadata_alone(wheel):
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}
    assert tops == {PACKAGE.name, f"{PACKAGE.name}-{metadata.version(PACKAGE.name)}.dist-info"}


def test_two_builds_give_the_same_bytes(made, wheel, tmp_path):
    root = lay_out(tmp_path / "elsewhere", made.root / "bundle")
    build(root)
    assert (root / "dist" / wheel.name).read_bytes() == wheel.read_bytes()


def test_without_a_bundle_the_build_fails_and_says_so(tmp_path):
    root = lay_out(tmp_path / "project", bundle=None)
    told = build(root)
    assert told.returncode != 0
    assert "bundle/manifest.json: the wheel carries the bundle, and there is none; run `dvc repro`" in told.stderr
    assert not list(root.glob("dist/*.whl"))
