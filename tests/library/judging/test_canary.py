from __future__ import annotations

from pathlib import Path

import pytest
from modelyard.judging.canary import Canary, Rates, Shift, Slow
from modelyard.judging.policy import read_policy
from modelyard.runtime.contract import ContractError
from sample import SAMPLE


def read(tmp_path: Path, text: str) -> Canary:
    (tmp_path / "policy.yaml").write_text(f"canary: {text}\n")
    return read_policy(tmp_path / "policy.yaml").canary


def test_the_policy_that_ships_is_read() -> None:
    found = read_policy(SAMPLE / "policy.yaml").canary
    assert found.requests <= found.most


def test_all_of_it_can_be_set(tmp_path: Path) -> None:
    text = (
        "{weights: [5, 20], requests: 300, most: 900, minutes: 5, alpha: 0.1, beta: 0.2, shift: null, "
        "errors: {tolerated: 0.01, worse: 0.1}, latency: {milliseconds: 50, tolerated: 0.1, worse: 0.3}}"
    )
    assert read(tmp_path, text) == Canary(
        (5, 20), 300, 900, 5.0, 0.1, 0.2, Rates(0.01, 0.1), Slow(50.0, 0.1, 0.3), None
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{weights: [50, 10]}", "canary.weights is [50, 10]: percentages that rise are needed"),
        ("{weights: [100]}", "canary.weights"),
        ("{requests: 5}", "canary.requests is 5"),
        ("{most: 400}", "canary.most is 400: at least canary.requests, 500, is needed"),
        ("{errors: {tolerated: 0.1, worse: 0.1}}", "canary.errors: tolerated is 0.1: it must be below worse"),
        ("{latency: {tolerated: 0.2}}", "canary.latency: tolerated is 0.2: it must be below worse"),
        ("{shift: {tolerated: 0.3}}", "canary.shift: tolerated is 0.3: it must be below worse"),
        ("{speed: 1}", "canary.speed is no key that is known here"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ContractError) as caught:
        read(tmp_path, text)
    assert f"policy.yaml: {said}" in str(caught.value)


def test_without_a_section_the_defaults_hold(tmp_path: Path) -> None:
    assert read(tmp_path, "{}") == Canary(shift=Shift())
