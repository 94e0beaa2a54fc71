"""The wheel of a model: it answers with numpy and onnxruntime alone, and needs no index that has `modelyard`."""

from __future__ import annotations

import email
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
from modelyard.training.environment import environment
from modelyard.vendoring.inline import ROOMS
from sample import LIBRARY, SAMPLE

PACKAGE = "flight_delays"
BUILT_FROM = ("hatch_build.py", "pyproject.toml", "README.md", "LICENSE")


def lay_out(root, bundle, package=PACKAGE):
    """What a wheel is built from, and nothing else of the project."""
    root.mkdir(parents=True)
    shutil.copytree(SAMPLE / PACKAGE, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in BUILT_FROM:
        shutil.copyfile(SAMPLE / name, root / name)
    if package != PACKAGE:
        text = (root / "pyproject.toml").read_text().replace(PACKAGE, package)
        (root / "pyproject.toml").write_text(text.replace(PACKAGE.replace("_", "-"), package.replace("_", "-")))
    if bundle:
        shutil.copytree(bundle, root / "bundle")
    return root


def build(root, library=LIBRARY.parent):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel"]
    surroundings = os.environ | {"PYTHONPATH": str(library)}
    return subprocess.run(command, cwd=root, env=surroundings, capture_output=True, text=True, check=False)


def built(root, library=LIBRARY.parent):
    done = build(root, library)
    assert done.returncode == 0, done.stderr
    (path,) = (root / "dist").glob("*.whl")
    return path


@pytest.fixture(scope="module")
def wheel(made, tmp_path_factory):
    return built(lay_out(tmp_path_factory.mktemp("wheel") / "project", made.root / "bundle"))


@dataclass(frozen=True)
class Installed:
    """Wheels unpacked, beside what they need."""

    folder: Path

    def python(self, *arguments):
        path = os.pathsep.join(str(self.folder / part) for part in ("wheel", "needed"))
        command = [sys.executable, "-S", *arguments]
        surroundings = os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(command, cwd=self.folder, env=surroundings, capture_output=True, text=True, check=False)


def install(folder, *wheels):
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder / "wheel")
    (folder / "needed").mkdir()
    for name in ["numpy", "onnxruntime", *environment("onnxruntime")["packages"]]:
        for top in {path.parts[0] for path in metadata.files(name)} - {"..", "__pycache__"}:
            link = folder / "needed" / top
            if not link.exists():
                link.symlink_to(metadata.distribution(name).locate_file(top))
    return Installed(folder)


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    return install(tmp_path_factory.mktemp("installed"), wheel)


def test_with_numpy_and_onnxruntime_alone_it_answers_its_probe_rows_exactly(made, installed):
    probe = json.loads((made.root / "bundle/probe.json").read_text())
    (installed.folder / "rows.json").write_text(json.dumps(probe["rows"]))
    done = installed.python("-m", PACKAGE, "predict", "rows.json")
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["prediction"] for line in done.stdout.splitlines()] == probe["answers"]


def test_the_predictor_of_its_package_answers_too(made, installed):
    probe = json.loads((made.root / "bundle/probe.json").read_text())
    (installed.folder / "rows.json").write_text(json.dumps(probe["rows"]))
    code = (
        f"import json; from {PACKAGE} import Predictor\n"
        "print(Predictor().predict(json.load(open('rows.json'))).tolist())"
    )
    done = installed.python("-c", code)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == probe["answers"]


@pytest.mark.parametrize("module", ["modelyard", "pandas", "sklearn", "onnx", "pyarrow", "pydantic"])
def test_what_made_the_bundle_is_not_there(module, installed):
    done = installed.python("-c", f"import {module}")
    assert f"No module named '{module}'" in done.stderr


@pytest.mark.parametrize("verb", ["train", "ingest", "draft"])
def test_a_verb_that_needs_more_says_what_to_install(verb, installed):
    done = installed.python("-m", PACKAGE, verb)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: `{verb}` needs ")
    assert done.stderr.endswith(f"; install {PACKAGE}[train]\n")


@pytest.mark.parametrize("verb", ["gate", "package", "deploy", "doctor", "upgrade"])
def test_it_has_no_verb_of_what_judges_and_releases(verb, installed):
    done = installed.python("-m", PACKAGE, verb)
    assert done.returncode == 2
    assert f"invalid choice: '{verb}'" in done.stderr


def test_two_models_of_two_library_versions_answer_in_one_process(made, made_regression, wheel, tmp_path):
    newer = shutil.copytree(LIBRARY.parent.parent, tmp_path / "newer", ignore=shutil.ignore_patterns("__pycache__"))
    init, predictor = newer / "src/modelyard/__init__.py", newer / "src/modelyard/runtime/predictor.py"
    init.write_text(init.read_text().replace('__version__ = "', '__version__ = "9.'))
    predictor.write_text(predictor.read_text() + "\nNEWER = True\n")
    other = built(lay_out(tmp_path / "other", made_regression.root / "bundle", "late_trains"), newer / "src")
    both = install(tmp_path / "both", wheel, other)
    wanted = []
    for name, workspace in ((PACKAGE, made), ("late_trains", made_regression)):
        probe = json.loads((workspace.root / "bundle/probe.json").read_text())
        (both.folder / f"{name}.json").write_text(json.dumps(probe["rows"]))
        wanted.append(probe["answers"])
    code = (
        f"import json, {PACKAGE} as one, late_trains as two\n"
        f"import {PACKAGE}._modelyard as old, late_trains._modelyard as new\n"
        "import late_trains._modelyard.runtime.predictor as newer\n"
        "first, second = one.Predictor(), two.Predictor()\n"
        f"answers = [first.predict(json.load(open('{PACKAGE}.json'))).tolist()]\n"
        "answers.append(second.predict(json.load(open('late_trains.json'))).tolist())\n"
        "print(json.dumps([answers, new.__version__ == f'9.{old.__version__}', newer.NEWER]))\n"
    )
    done = both.python("-c", code)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [wanted, True, True]


def test_it_carries_the_bundle_as_it_is(made, wheel):
    with zipfile.ZipFile(wheel) as archive:
        carried = {
            Path(name).name: archive.read(name) for name in archive.namelist() if name.startswith(f"{PACKAGE}/bundle/")
        }
    assert carried == {path.name: path.read_bytes() for path in (made.root / "bundle").iterdir()}


def test_it_holds_the_package_and_its_metadata_alone(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (info,) = {name.partition("/")[0] for name in names} - {PACKAGE}
        told = email.message_from_bytes(archive.read(f"{info}/METADATA"))
    assert info == f"{PACKAGE}-{told['Version']}.dist-info"
    assert len(names) == len(set(names))
    inside = {name.split("/")[2] for name in names if name.startswith(f"{PACKAGE}/_modelyard/") and name.count("/") > 2}
    assert inside == {*ROOMS, "production"}
    assert not [line for line in told.get_all("Requires-Dist") if line.startswith("modelyard")]


def test_it_carries_the_librarys_licence_and_version(wheel):
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read(f"{PACKAGE}/_modelyard/LICENSE") == (LIBRARY.parent.parent / "LICENSE").read_bytes()
        assert archive.read(f"{PACKAGE}/_modelyard/VERSION").startswith(b"modelyard ")


def test_two_builds_give_the_same_bytes(made, wheel, tmp_path):
    root = lay_out(tmp_path / "elsewhere", made.root / "bundle")
    assert built(root).read_bytes() == wheel.read_bytes()


def test_without_a_bundle_the_build_fails_and_says_so(tmp_path):
    root = lay_out(tmp_path / "project", bundle=None)
    done = build(root)
    assert done.returncode != 0
    assert done.stderr == "error: bundle/manifest.json: the wheel carries the bundle; make it with `make pipeline`\n"
    assert not list(root.glob("dist/*.whl"))


def test_without_the_library_the_build_fails_and_says_so(made, tmp_path):
    root = lay_out(tmp_path / "project", made.root / "bundle")
    without = tmp_path / "without/modelyard"
    without.mkdir(parents=True)
    (without / "__init__.py").write_text("raise ImportError('the library')\n")
    done = build(root, without.parent)
    assert done.returncode != 0
    assert done.stderr == "error: the build needs the environment of `make setup`: use `make wheel`\n"


def test_the_build_is_short():
    assert len((SAMPLE / "hatch_build.py").read_text().splitlines()) <= 45
