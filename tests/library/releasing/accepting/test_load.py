from __future__ import annotations

import dataclasses
import re

import pytest
from modelyard.releasing.accepting.load import check_load, load
from modelyard.runtime.contract import ContractError


def test_each_request_is_answered_and_its_time_is_told(serve, probe):
    service = serve()
    done = load(service, probe, requests=203, connections=4)
    assert (len(done.milliseconds), done.faults.total(), done.first) == (203, 0, "")
    assert min(done.milliseconds) > 0
    found = check_load(service, probe, requests=50, connections=3)
    assert re.fullmatch(r"50 requests over 3 connections: 0 failed, p50 \S+ ms, p99 \S+ ms, in \S+ s", found)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("answers", r"answered wrongly \(70\); the first: probe row \d+ is answered with \["),
        ("fallback", r"answered by baseline \(70\); the first: probe row \d+ was answered by baseline, not by the"),
        ("shape", r"of another form \(70\); the first: probe row \d+ was answered with {'answer': 'yes'}"),
        ("errors", r"500 \(10\); the first: probe row \d+ was answered with 500: "),
    ],
)
def test_what_failed_is_counted_and_the_first_is_shown_with_the_figures(serve, probe, fault, said):
    with pytest.raises(ContractError, match=said) as stopped:
        check_load(serve(fault), probe, requests=70, connections=1)
    assert str(stopped.value).startswith("70 requests over 1 connections: ")
    assert "p99" in str(stopped.value)


def test_requests_without_an_answer_fail(serve, probe):
    gone = dataclasses.replace(serve(), port=1)
    with pytest.raises(ContractError, match=r"6 failed, p50 nan ms.*\n  ConnectionRefusedError \(6\); the first: "):
        check_load(gone, probe, requests=6, connections=2)
