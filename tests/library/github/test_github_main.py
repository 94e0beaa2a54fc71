from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from ops.github.__main__ import VERBS, main

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_is_a_module_and_answers_help(verb, monkeypatch, capsys):
    assert importlib.util.find_spec(f"ops.github.{verb}")
    monkeypatch.setattr(sys, "argv", ["ops.github", verb, "--help"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert f"usage: {verb}" in capsys.readouterr().out


def test_an_unknown_verb_ends_with_status_2(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["ops.github", "nothing"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "invalid choice: 'nothing'" in capsys.readouterr().err


def test_an_error_is_one_line_and_status_1():
    command = [sys.executable, "-S", "-m", "ops.github", "relock", "--patch", "p", "--branch", "b", "--head", "h"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "error: --head is 'h': the full hash of a commit is needed\n"
