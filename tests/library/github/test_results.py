from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from modelyard.github.api import GitHubError
from modelyard.github.results import main, results

TESTS = """
import pytest
def test_good(): pass
def test_bad(): assert 1 == 2, "one `is` not two"
def test_left(): pytest.skip("no reason")
@pytest.fixture
def broken(): raise RuntimeError("no such thing")
def test_never(broken): pass
"""
MANY = "import pytest\n@pytest.mark.parametrize('n', range(30))\ndef test_bad(n): assert n < 0\n"


def ran(folder: Path, tests: str) -> Path:
    """The results that a real pytest leaves for these tests."""
    (folder / "test_them.py").write_text(tests)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=reports/junit.xml"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST"))}
    subprocess.run(command, cwd=folder, env=kept, capture_output=True, check=False)
    return folder / "reports/junit.xml"


def test_what_failed_is_named_with_the_reason(tmp_path):
    text = results(ran(tmp_path, TESTS), tmp_path / "coverage.xml")
    assert re.match(r"\*\*Tests:\*\* 1 passed, 2 failed, 1 skipped, in \d+ s\n", text)
    assert "- `test_them.test_bad`: AssertionError: one  is  not two" in text
    assert "- `test_them.test_never`: failed on setup with" in text
    assert "Coverage" not in text


def test_of_many_failures_the_first_are_told(tmp_path):
    text = results(ran(tmp_path, MANY), tmp_path / "coverage.xml")
    assert text.count("\n- `test_them.") == 20
    assert text.endswith("- and 10 more\n")


def test_coverage_is_told_where_it_was_measured(tmp_path, monkeypatch, capsys):
    ran(tmp_path, "def test_good(): pass\n")
    (tmp_path / "coverage.xml").write_text('<coverage line-rate="0.987"></coverage>')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    main([])
    assert "**Coverage:** 98.7 % of the lines" in capsys.readouterr().out
    assert "**Tests:** 1 passed" in (tmp_path / "summary").read_text()


def test_tests_that_did_not_run_are_told(tmp_path):
    with pytest.raises(GitHubError, match="the tests did not run to their end"):
        results(tmp_path / "junit.xml", tmp_path / "coverage.xml")
