"""The hash of a stage's code covers what the stage runs, and dvc.yaml of the sample depends on it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from library.import_graph import LIBRARY
from modelyard.cli import VERBS
from modelyard.code import ENTRIES, STAGES, code_files, code_hash, code_hashes
from modelyard.training import layout
from modelyard.training.strict_yaml import read_yaml
from sample import SAMPLE

PIPELINE = read_yaml(SAMPLE / "dvc.yaml")["stages"]
NOT_MADE = {layout.SEEN, layout.CARD, layout.CORRECTIONS}  # one machine's memory, and what people wrote
# How a verb is found, how its end is told, and whether the library is the one that was vendored: no stage makes
# anything else by these
EXEMPT = {"__init__.py", "cli.py", "command.py", "code.py"}
EXEMPT_ROOM = "vendoring/"
# Runs a stage, and then prints the library's files that were imported
RUN = """
import json, sys
from flight_delays import project
from modelyard import run
run(project, sys.argv[1:])
files = [module.__file__ for name, module in sorted(sys.modules.items()) if name.partition(".")[0] == "modelyard"]
print(json.dumps(files))
"""


@pytest.fixture(scope="module")
def runs(made, tmp_path_factory) -> dict[str, set[str]]:
    """For each stage, the files of the library that it really imported."""
    root = shutil.copytree(made.root, tmp_path_factory.mktemp("stages") / "flights")
    shutil.rmtree(root / "data")  # so that there is something to take
    imported = {}
    for stage in STAGES:
        done = subprocess.run(
            [sys.executable, "-c", RUN, stage], cwd=root, capture_output=True, text=True, check=False, env=os.environ
        )
        assert done.returncode == 0, done.stderr
        files = json.loads(done.stdout.splitlines()[-1])
        imported[stage] = {Path(file).relative_to(LIBRARY).as_posix() for file in files}
    return imported


@pytest.mark.parametrize("stage", STAGES)
def test_the_hash_of_a_stage_covers_all_the_code_that_it_runs(stage, runs):
    assert f"training/{stage}.py" in runs[stage]
    counted = {name for name in runs[stage] - EXEMPT if not name.startswith(EXEMPT_ROOM)}
    # a project's __init__.py imports the seam, which a stage that is not given the project has no use for
    seam = set() if stage != "ingest" else {"runtime/project.py", "runtime/matrix.py", "runtime/calendar.py"}
    assert sorted(counted - set(code_files(stage)) - seam) == []


def test_the_hash_of_answering_covers_all_the_code_that_answers(made):
    script = (
        "import json, sys\n"
        "from flight_delays import Predictor\n"
        "probe = json.load(open('bundle/probe.json'))\n"
        "assert Predictor('bundle').predict(probe['rows']).tolist() == probe['answers']\n"
        "print(json.dumps([one.__file__ for name, one in sys.modules.items() if name.startswith('modelyard')]))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=made.root, capture_output=True, text=True, check=True)
    files = {Path(file).relative_to(LIBRARY).as_posix() for file in json.loads(done.stdout)}
    assert files - EXEMPT - set(code_files("predict")) <= {"runtime/project.py"}


def test_taking_data_does_not_depend_on_how_rows_are_answered():
    assert not {"runtime/predictor.py", "runtime/project.py", "training/train.py"} & set(code_files("ingest"))


def test_no_stage_depends_on_what_judges_reports_or_serves():
    rooms = {name.partition("/")[0] for stage in STAGES for name in code_files(stage)}
    assert {room for room in rooms if not room.endswith(".py")} == {"runtime", "training"}


def test_answering_depends_on_nothing_that_trains():
    assert {name.partition("/")[0] for name in code_files("predict")} == {"errors.py", "runtime"}


def test_imports_inside_functions_and_folders_count():
    assert {"training/data/validate.py", "training/data/sources/sql.py"} <= set(code_files("ingest"))
    assert "training/export/__init__.py" in code_files("train")


@pytest.fixture
def library(tmp_path):
    """A copy of the library whose code is hashed."""
    return shutil.copytree(LIBRARY, tmp_path / "modelyard", ignore=shutil.ignore_patterns("__pycache__"))


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("training/export/trees.py", {"train"}),
        ("training/metrics.py", {"evaluate"}),
        ("training/card.py", {"bundle"}),
        ("training/data/sources/sql.py", {"ingest"}),
        ("training/settings.py", set(STAGES)),
        ("runtime/predictor.py", {"train", "evaluate", "bundle", "predict"}),
        ("runtime/contract.py", set(ENTRIES)),
        ("runtime/calendar.py", {"train", "evaluate", "bundle", "predict"}),
        ("reporting/report.py", set()),
        ("judging/gate.py", set()),
        ("serving/http/app.py", set()),
        ("cli.py", set()),
        ("command.py", set()),
    ],
)
def test_a_changed_line_changes_the_hashes_of_what_runs_it(file, changed, library):
    with (library / file).open("a") as opened:
        opened.write("# changed\n")
    before, after = code_hashes(), code_hashes(library)
    assert {entry for entry in before if before[entry] != after[entry]} == changed


def test_a_file_under_another_name_changes_the_hash(library):
    assert code_hash("train", library) == code_hash("train")
    (library / "training/reference.py").rename(library / "training/references.py")
    for file in (library / "training").glob("*.py"):
        file.write_text(file.read_text().replace("from .reference ", "from .references "))
    assert code_hash("train", library) != code_hash("train")


def test_what_only_type_checkers_import_is_not_run(library):
    with (library / "training/ingest.py").open("a") as opened:
        opened.write("if TYPE_CHECKING:\n    from ..judging import gate\n")
    assert code_files("ingest", library) == code_files("ingest")


def named(entries: list) -> set[Path]:
    """The paths of a stage's deps, outs, metrics or plots."""
    return {Path(entry if isinstance(entry, str) else next(iter(entry))) for entry in entries}


def made_by(stage: dict) -> set[Path]:
    return {path for kind in ("outs", "metrics", "plots") for path in named(stage.get(kind, []))}


PLACES = {place for place in vars(layout).values() if isinstance(place, Path)}


def test_the_stages_of_the_sample_are_verbs_of_the_library():
    verbs = {name for group in VERBS.values() for name, verb in group.items() if verb.stage}
    assert set(PIPELINE) == verbs == set(STAGES)
    assert {name: stage["cmd"] for name, stage in PIPELINE.items()} == {
        name: f"python -m flight_delays {name}" for name in PIPELINE
    }


def test_every_place_that_the_code_writes_to_is_an_out_of_a_stage_and_no_other():
    outs = set().union(*(made_by(stage) for stage in PIPELINE.values()))
    assert outs == PLACES - NOT_MADE


def test_a_stage_depends_on_places_that_are_there_or_that_another_stage_makes():
    known = PLACES | {place.parent for place in PLACES} | {Path("contract.yaml"), Path("flight_delays")}
    assert {path for stage in PIPELINE.values() for path in named(stage["deps"])} <= known


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_hash_of_its_code_and_on_params_that_are_there(stage):
    params = PIPELINE[stage]["params"]
    hashes = {file: keys for entry in params if isinstance(entry, dict) for file, keys in entry.items()}
    assert hashes.keys() == {"vendor/yard.json", "versions.json"}
    assert stage in hashes["vendor/yard.json"]
    assert hashes["versions.json"] == [stage]
    assert set(hashes["vendor/yard.json"]) <= ENTRIES.keys()
    assert {entry for entry in params if isinstance(entry, str)} <= read_yaml(SAMPLE / "params.yaml").keys()


def test_a_bundle_depends_on_every_hash_that_it_holds():
    hashes = next(entry for entry in PIPELINE["bundle"]["params"] if "vendor/yard.json" in entry)
    assert set(hashes["vendor/yard.json"]) == ENTRIES.keys()


@pytest.mark.parametrize("stage", ["train", "evaluate", "bundle"])
def test_a_stage_that_computes_features_depends_on_the_projects_package(stage):
    assert "flight_delays" in PIPELINE[stage]["deps"]
