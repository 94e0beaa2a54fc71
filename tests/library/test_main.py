from __future__ import annotations

import json
import subprocess
import sys

import pytest

from flight_delays.__main__ import VERBS, entry


def run(*arguments, module="flight_delays", folder=None):
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)


def test_help_lists_every_verb():
    told = run("--help")
    assert told.returncode == 0
    assert all(f"  {verb}" in told.stdout for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_answers_help(verb):
    told = run(verb, "--help")
    assert told.returncode == 0
    assert told.stdout.startswith(f"usage: {verb} ")


def test_an_unknown_verb_is_refused_with_those_that_there_are(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["", "fly"])
    with pytest.raises(SystemExit, match="2"):
        entry()
    told = capsys.readouterr().err
    assert "invalid choice: 'fly'" in told
    assert all(verb in told for verb in VERBS)


def test_no_verb_shows_the_usage(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [""])
    with pytest.raises(SystemExit, match="2"):
        entry()
    assert capsys.readouterr().err.startswith("usage: ")


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("flight_delays", ["evaluate"]),
        ("flight_delays.pipeline.evaluate", []),
    ],
)
def test_outside_a_project_a_stage_says_so_without_a_traceback(module, arguments, tmp_path):
    told = run(*arguments, module=module, folder=tmp_path)
    assert told.returncode == 1
    assert told.stderr == "error: contract.yaml: no such file; run this in the project's root folder\n"


@pytest.mark.parametrize("verb", ["ingest", "train", "bundle", "tune"])
def test_outside_a_project_no_verb_starts(verb, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["", verb])
    with pytest.raises(SystemExit, match=r"^error: contract\.yaml: no such file"):
        entry()
    assert not list(tmp_path.iterdir())


def test_arguments_go_through_to_the_verb(made, tmp_path, monkeypatch, capsys):
    probe = json.loads((made.root / "bundle/probe.json").read_text())
    (tmp_path / "rows.json").write_text(json.dumps(probe["rows"]))
    arguments = [str(tmp_path / "rows.json"), "--bundle", str(made.root / "bundle")]
    monkeypatch.setattr(sys, "argv", ["", "predict", *arguments])
    entry()
    told = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["prediction"] for line in told] == probe["answers"]


def test_a_mistake_of_ours_keeps_its_traceback(monkeypatch):
    def broken(_arguments):
        raise KeyError("ours")

    monkeypatch.setattr("flight_delays.predict.main", broken)
    monkeypatch.setattr(sys, "argv", ["", "predict"])
    with pytest.raises(KeyError, match="ours"):
        entry()
