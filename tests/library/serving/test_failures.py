from __future__ import annotations

import json
import sys

import pytest
from modelyard.serving.log.failures import MOST, FailureLog


def told(capsys):
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_many_failures_become_some_lines_and_a_count(capsys):
    now = [0.0]
    log = FailureLog(3, lambda: now[0])
    for number in range(MOST + 7):
        log.write(404, path=str(number))
    log.tell_suppressed()
    lines = told(capsys)
    assert [line["path"] for line in lines] == [str(number) for number in range(MOST)]
    assert {line["worker"] for line in lines} == {3}
    assert not any("suppressed" in line for line in lines)
    now[0] = 1.0
    log.write(500, caller=None)
    (line,) = told(capsys)
    assert (line["status"], line["suppressed"]) == (500, 7)
    assert "caller" not in line


def test_the_count_is_told_where_no_failure_follows(capsys):
    now = [0.0]
    log = FailureLog(0, lambda: now[0])
    for _ in range(MOST + 2):
        log.write(404)
    told(capsys)
    now[0] = 1.5
    log.tell_suppressed()
    log.tell_suppressed()
    (line,) = told(capsys)
    assert line["suppressed"] == 2
    assert "status" not in line


def test_half_a_character_breaks_no_line(capsys):
    FailureLog().write(403, caller="oidc:\ud800")
    assert told(capsys)[0]["caller"] == "oidc:?"


@pytest.mark.parametrize("error", [BrokenPipeError, ValueError])
def test_a_closed_stderr_is_no_fault(monkeypatch, error):
    class Closed:
        def write(self, _):
            raise error

    monkeypatch.setattr(sys, "stderr", Closed())
    FailureLog().write(404)
