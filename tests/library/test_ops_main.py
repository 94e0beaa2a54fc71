from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from ops.__main__ import VERBS, main

ROOT = Path(__file__).parent.parent.parent


def run(monkeypatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["ops", *arguments])
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])  # some verbs shut pandas out of their process
    main()


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_is_a_module_and_answers_help(verb, monkeypatch, capsys):
    assert importlib.util.find_spec(f"ops.{verb}")
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, verb, "--help")
    assert ended.value.code == 0
    assert f"usage: {verb}" in capsys.readouterr().out


def test_help_lists_every_verb_with_what_it_does(monkeypatch, capsys):
    with pytest.raises(SystemExit):
        run(monkeypatch, "--help")
    shown = capsys.readouterr().out
    for verb, text in VERBS.items():
        assert f"  {verb:<10}" in shown
        assert text in shown


def test_an_unknown_verb_ends_with_status_2(monkeypatch, capsys):
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, "nothing")
    assert ended.value.code == 2
    assert "invalid choice: 'nothing'" in capsys.readouterr().err


def test_a_mistake_in_a_verb_that_needs_no_environment_is_told_alike(monkeypatch):
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, "release", "check", "--tag", "1.2.0")
    assert ended.value.code == "error: the tag '1.2.0' lacks the v; tag v1.2.0 instead"


def test_a_persons_mistake_is_told_without_a_traceback(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-m", "ops", "docs"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("error: contract.yaml: no such file; run this in the project's root folder")
