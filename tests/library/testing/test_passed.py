"""What junit.xml has of the checks that a project's tests call, whatever the tests are called."""

from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree

TESTS = """
from modelyard.testing import features as check
from modelyard.testing.passed import noted

@noted
def check_anything(given):
    assert given

def test_one():
    check_anything(True)
    check.check_twice(lambda columns: columns, {})

def test_other():
    check_anything(True)
    check_anything(False)

def test_none():
    pass
"""


def test_each_case_has_the_checks_that_it_passed(tmp_path):
    (tmp_path / "test_any.py").write_text(TESTS)
    (tmp_path / "pyproject.toml").write_text('[tool.pytest.ini_options]\nmodelyard_package = "none"\n')
    command = [sys.executable, "-m", "pytest", "-q", "-p", "modelyard.testing.plugin", "--junitxml=junit.xml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "1 failed, 2 passed" in done.stdout, done.stdout + done.stderr
    assert "test_any.py:7: AssertionError" in done.stdout  # the check itself is shown, not what notes it
    found = {
        case.get("name"): [(one.get("name"), one.get("value")) for one in case.iter("property")]
        for case in ElementTree.parse(tmp_path / "junit.xml").iter("testcase")  # noqa: S314 (made above)
    }
    assert found == {
        "test_one": [("check", "check_anything"), ("check", "check_twice")],
        "test_other": [("check", "check_anything")],
        "test_none": [],
    }
