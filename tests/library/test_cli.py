"""The command line: one table, and each verb of it can be run."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import modelyard
import pytest
from library.import_graph import LIBRARY
from modelyard import cli
from modelyard.cli import VERBS, _parse, run
from modelyard.code import STAGES
from modelyard.command import COST, REFUSAL
from modelyard.errors import ContractError
from sample import SAMPLE

from flight_delays import project

ALL = {name: verb for group in VERBS.values() for name, verb in group.items()}
BARE = [name for name, verb in ALL.items() if verb.bare]


@pytest.fixture(autouse=True)
def _process(monkeypatch):
    """Running a verb changes its process: the name of the program, and whether pandas can be imported."""
    monkeypatch.setattr(sys, "argv", [""])
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])


def from_shell(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flight_delays", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)


def without_environment(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """As `vendor/yard` does it: no package can be imported, and the environment has the PATH only."""
    code = (
        f"import sys; sys.path.insert(0, {str(LIBRARY.parent)!r}); from modelyard.cli import run_bare; run_bare('yard')"
    )
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PATH": "/usr/bin:/bin"},
        check=False,
    )


def test_no_verb_is_in_two_groups():
    assert sum(len(group) for group in VERBS.values()) == len(ALL)


@pytest.mark.parametrize("name", ALL)
def test_each_verb_is_a_module_with_a_main_that_takes_what_it_is_given(name):
    main = importlib.import_module(f"modelyard.{ALL[name].module}").main
    assert len(inspect.signature(main).parameters) == (1 if ALL[name].bare else 2)


@pytest.mark.parametrize("name", ALL)
def test_each_verb_answers_help(name, capsys):
    with pytest.raises(SystemExit) as ended:
        run(project, [name, "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: {name} ")


@pytest.mark.parametrize("name", BARE)
def test_a_bare_verb_answers_help_without_an_environment(name):
    done = without_environment(name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: {name} ")


def test_the_stages_are_those_that_the_hashes_cover():
    assert tuple(name for name, verb in ALL.items() if verb.stage) == STAGES


def test_help_lists_every_verb_with_what_it_does(tmp_path):
    done = from_shell("--help", folder=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("usage: flight_delays ")
    assert [name for name, verb in ALL.items() if f"  {name:<14}{verb.summary}\n" not in f"{done.stdout}\n"] == []


def test_help_without_an_environment_lists_the_bare_verbs_alone():
    listed = [line.split()[0] for line in without_environment("--help").stdout.splitlines() if line.startswith("  ")]
    assert [name for name in listed if name in ALL] == BARE


def test_an_unknown_verb_is_refused_with_those_that_there_are(capsys):
    with pytest.raises(SystemExit, match="2"):
        run(project, ["fly"])
    message = capsys.readouterr().err
    assert "invalid choice: 'fly'" in message
    assert all(name in message for name in ALL)


def test_a_verb_that_needs_an_environment_is_unknown_without_one():
    done = without_environment("train")
    assert done.returncode == 2
    assert "invalid choice: 'train'" in done.stderr


def test_no_verb_shows_the_usage(capsys):
    with pytest.raises(SystemExit, match="2"):
        run(project, [])
    assert capsys.readouterr().err.startswith("usage: ")


NOWHERE = "error: contract.yaml: no such file; run this in the project's root folder"


@pytest.mark.parametrize("verb", ["ingest", "train", "evaluate", "bundle", "tune", "docs"])
def test_outside_a_project_a_verb_says_so_and_leaves_nothing(verb, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        run(project, [verb])
    assert ended.value.code == NOWHERE
    assert list(tmp_path.iterdir()) == []


def test_a_persons_mistake_is_told_without_a_traceback_and_ends_with_1(tmp_path):
    done = from_shell("evaluate", folder=tmp_path)
    assert (done.returncode, done.stderr) == (1, f"{NOWHERE}\n")


def test_in_a_project_a_stage_leaves_why_it_stopped_and_then_what_it_cost(made, tmp_path, monkeypatch):
    root = shutil.copytree(made.root, tmp_path / "flights")
    monkeypatch.chdir(root)
    (root / "contract.yaml").rename(root / "kept")
    with pytest.raises(SystemExit, match=r"error: contract\.yaml: no such file"):
        run(project, ["bundle"])
    assert json.loads((root / REFUSAL).read_text())["stage"] == "bundle"
    (root / "kept").rename(root / "contract.yaml")
    run(project, ["bundle"])
    assert not (root / REFUSAL).exists()
    assert (root / COST / "bundle.json").is_file()


def test_arguments_go_through_to_the_verb(made, tmp_path, capsys):
    probe = json.loads((made.root / "bundle/probe.json").read_text())
    (tmp_path / "rows.json").write_text(json.dumps(probe["rows"]))
    run(project, ["predict", str(tmp_path / "rows.json"), "--bundle", str(made.root / "bundle")])
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["prediction"] for line in lines] == probe["answers"]


def test_without_arguments_those_of_the_process_are_taken(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["", "predict", "--help"])
    with pytest.raises(SystemExit, match="0"):
        run(project)
    assert capsys.readouterr().out.startswith("usage: predict ")


def test_a_mistake_of_ours_keeps_its_traceback(monkeypatch):
    def broken(*_arguments):
        raise KeyError("ours")

    monkeypatch.setattr("modelyard.runtime.predict.main", broken)
    with pytest.raises(KeyError, match="ours"):
        run(project, ["predict"])


def test_a_persons_mistake_in_a_bare_verb_is_told_alike():
    with pytest.raises(SystemExit, match=r"^error: the tag '1\.2\.0' lacks the v; tag v1\.2\.0 instead$"):
        run(project, ["release", "check", "--tag", "1.2.0"])


def test_a_persons_mistake_is_told_alike_without_an_environment():
    done = without_environment("release", "check", "--tag", "1.2.0")
    assert (done.returncode, done.stderr) == (1, "error: the tag '1.2.0' lacks the v; tag v1.2.0 instead\n")


def test_a_verb_may_exit_with_a_status_of_its_own_without_an_environment():
    done = without_environment("doctor", "--repository", "acme/flights", folder=SAMPLE)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: there is no token in GH_TOKEN or GITHUB_TOKEN: create a fine-grained")


def test_a_package_that_is_not_installed_is_named_with_the_extra_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    # the import below binds another package to this name, which other tests must not see
    monkeypatch.setattr(modelyard, "training", importlib.import_module("modelyard.training"))
    for name in [name for name in sys.modules if name.startswith("modelyard.training")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(SystemExit, match=r"^error: `ingest` needs pyarrow; install modelyard\[train\]$"):
        run(project, ["ingest", "--help"])


def test_a_module_of_the_library_that_is_not_there_is_a_mistake_of_ours(monkeypatch):
    monkeypatch.setitem(sys.modules, "modelyard.runtime.predict", None)
    with pytest.raises(ModuleNotFoundError):
        run(project, ["predict", "--help"])


def test_a_verb_without_pandas_cannot_import_it(monkeypatch):
    monkeypatch.setattr("modelyard.runtime.predict.main", lambda *_: __import__("pandas"))
    monkeypatch.setitem(ALL, "predict", ALL["predict"])
    monkeypatch.setattr(cli, "_installed_verbs", lambda **_: {"predict": cli.Verb("runtime.predict", "", pandas=False)})
    monkeypatch.delitem(sys.modules, "pandas", raising=False)
    with pytest.raises(ModuleNotFoundError, match="this command does without pandas"):
        run(project, ["predict"])


def test_a_part_of_the_library_inside_another_package_has_the_verbs_of_its_rooms(tmp_path):
    inside = tmp_path / "pack/_modelyard"
    shutil.copytree(LIBRARY, inside, ignore=lambda _, names: {"__pycache__", *(set(names) & {"training", "github"})})
    for room in {verb.module.partition(".")[0] for verb in ALL.values()} - {"runtime", "serving"}:
        shutil.rmtree(inside / room, ignore_errors=True)
    (tmp_path / "pack/__init__.py").write_text(
        "from ._modelyard import Project\nproject = Project(__name__, lambda columns, contract: columns)\n"
    )
    code = "from pack import project; from pack._modelyard import run; run(project)"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code, "--help"], env=environment, capture_output=True, text=True, check=False
    )
    listed = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")]
    own = [name for name, verb in ALL.items() if verb.module.startswith(("runtime.", "serving."))]
    assert [name for name in listed if name in ALL] == own


def test_the_packages_of_an_extra_are_named_by_the_package_that_holds_the_library(monkeypatch):
    def absent(*_arguments):
        raise ModuleNotFoundError("gone", name="onnxruntime")

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(ContractError, match=r"^`predict` needs onnxruntime; install modelyard$"):
        cli._load("predict", ALL["predict"])


def test_arguments_of_a_variable_are_split_as_a_shell_does_it_and_nothing_is_expanded(monkeypatch):
    given = """--query 'SELECT "a" FROM $HOME' --x "$(id) `id`" y\\ z *"""
    monkeypatch.setenv("ARGS", given)
    words = ["--query", 'SELECT "a" FROM $HOME', "--x", "$(id) `id`", "y z", "*"]
    command = ["--arguments-from", "ARGS", "gate"]
    assert _parse(command, "p", ALL) == ("gate", words)
    assert _parse([*command, "--target=a", "--", "b"], "p", ALL) == ("gate", ["--target=a", *words, "--", "b"])


def test_arguments_that_cannot_be_split_are_refused_without_showing_them(monkeypatch, capsys):
    monkeypatch.setenv("ARGS", "--x 'secret")
    with pytest.raises(SystemExit) as ended:
        _parse(["--arguments-from", "ARGS", "gate"], "p", ALL)
    assert ended.value.code == 2
    assert "ARGS: No closing quotation; write it as arguments in a shell" in (told := capsys.readouterr().err)
    assert "secret" not in told
