"""dvc.yaml of a fresh project keeps every rule; each thing that is taken out of it is named."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
from modelyard.runtime.project import load_project
from modelyard.testing import stages
from sample import SAMPLE

from flight_delays import project as flights_project

CHECKS = ["commands", "params", "deps", "outs"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with the sample's dvc.yaml and params.yaml, to be changed."""
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copyfile(SAMPLE / name, tmp_path / name)
    shutil.copytree(SAMPLE / "flight_delays", tmp_path / "flight_delays")
    return tmp_path


def change(root, old, new):
    path = root / "dvc.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


def named(root, name, project=flights_project):
    with pytest.raises(AssertionError) as caught:
        getattr(stages, f"check_{name}")(root, project)
    return str(caught.value)


@pytest.mark.parametrize("name", CHECKS)
def test_a_fresh_project_keeps_every_rule(root, name):
    getattr(stages, f"check_{name}")(root, flights_project)


@pytest.mark.parametrize(
    ("check", "old", "new", "message"),
    [
        ("commands", "flight_delays train", "flight_delays ingest", "must run python -m flight_delays train"),
        ("commands", "  evaluate:\n", "  judge:\n", "the stage evaluate is missing; the stages are: ingest, train"),
        ("params", "[seed, threads, split, model,", "[seed, threads, model,", "stages.train.params must name split"),
        ("params", "[seed, threads, split, model,", "[seed, threads, split, model, colour,", "names colour, "),
        ("params", "[train]", "[ingest]", "stages.train.params must name vendor/yard.json: [train]"),
        ("params", ", versions.json: [train]", "", "stages.train.params must name versions.json: [train]"),
        ("deps", "      - data/ledger.json\n", "", "stages.train.deps must name data/ledger.json"),
        ("deps", "      - docs/model-card.md\n", "", "stages.bundle.deps must name docs/model-card.md"),
        ("deps", "      - flight_delays\n", "", "stages.train.deps must name flight_delays/features.py"),
        ("deps", "- flight_delays\n", "- flight_delays\n      - flight_delays/old.py\n", "names flight_delays/old.py,"),
        ("outs", "      - evaluation/slices.csv: {cache: false}\n", "", "evaluation/slices.csv is written by a stage"),
    ],
)  # fmt: skip
def test_what_is_taken_out_is_named(root, check, old, new, message):
    change(root, old, new)
    assert message in named(root, check)


def test_stages_and_deps_of_one_s_own_are_allowed(root):
    change(root, "      - flight_delays\n", "      - flight_delays\n      - geo/stations.csv\n")
    change(root, "  bundle:\n", "  plots:\n    cmd: python plots.py\n  bundle:\n")
    for name in CHECKS:
        getattr(stages, f"check_{name}")(root, flights_project)


@pytest.fixture
def split_up(root, monkeypatch):
    """A project whose features.py imports modules of its own, and whose dvc.yaml names modules one by one."""
    package = root / "split_up"
    (package / "geo").mkdir(parents=True)
    (package / "__init__.py").write_text(
        "from modelyard import Project\nfrom .features import features\nproject = Project(__name__, features)\n"
    )
    (package / "features.py").write_text(
        "from .geo import stations\n\ndef features(columns, contract):\n    import split_up.units\n    return {}\n"
    )
    (package / "model.py").write_text("from split_up import trees\n\nESTIMATORS = {}\n")
    for name in ("geo/__init__.py", "geo/stations.py", "units.py", "trees.py", "unused.py"):
        (package / name).write_text("")
    monkeypatch.syspath_prepend(str(root))
    yield load_project("split_up")
    for name in [name for name in sys.modules if name.partition(".")[0] == "split_up"]:
        del sys.modules[name]


def test_own_modules_are_those_that_a_module_imports(split_up):
    found = {path.as_posix() for path in stages.own_modules(split_up.folder, "features.py")}
    assert found == {"features.py", "geo/__init__.py", "geo/stations.py", "units.py"}
    assert Path("trees.py") in stages.own_modules(split_up.folder, "model.py")


def test_a_module_that_a_stage_imports_and_does_not_depend_on_is_named(root, split_up):
    path = root / "dvc.yaml"
    path.write_text(path.read_text().replace("flight_delays", "split_up"))
    files = ["__init__.py", "features.py", "model.py", "geo", "units.py"]
    listed = "".join(f"      - split_up/{name}\n" for name in files)
    path.write_text(path.read_text().replace("      - split_up\n", listed))
    assert "stages.train.deps must name split_up/trees.py" in named(root, "deps", split_up)
    path.write_text(path.read_text().replace(listed, listed + "      - split_up/trees.py\n"))
    assert "stages.bundle.deps must name split_up/unused.py" in named(root, "deps", split_up)
