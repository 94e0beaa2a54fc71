from __future__ import annotations

from pathlib import Path

import pytest

from ops.policy import Policy, judge, read_policy
from ops.project import Contract, ContractError

ROOT = Path(__file__).parent.parent.parent


def written(folder: Path, text: str) -> Path:
    (folder / "policy.yaml").write_text(text)
    return folder / "policy.yaml"


def interval(value: float | None, low: float | None = None, high: float | None = None) -> dict:
    return {"value": value, "low": value if low is None else low, "high": value if high is None else high}


@pytest.fixture
def contract(made) -> Contract:
    return made.contract


METRICS = {
    "holdout": {"roc_auc": interval(0.7, 0.68, 0.72), "log_loss": interval(0.4, 0.38, 0.42), "cost": interval(None)},
    "gain": interval(0.1, 0.08, 0.12),
    "baseline": {"roc_auc": 0.5, "log_loss": 0.5, "cost": 1.0},
}


def kept(policy: Policy, contract: Contract, metrics: dict = METRICS) -> list[bool]:
    return [one.kept for one in judge(policy, metrics, contract)]


def test_the_projects_own_policy_is_valid():
    assert isinstance(read_policy(ROOT / "policy.yaml"), Policy)


def test_a_policy_is_read_with_its_floors(tmp_path):
    path = written(tmp_path, "beat_baseline: false\nfloors: {roc_auc: 0.65}\n")
    assert read_policy(path) == Policy(False, {"roc_auc": 0.65})


def test_without_floors_the_baseline_is_to_be_beaten(tmp_path):
    assert read_policy(written(tmp_path, "floors: {}\n")) == Policy(True, {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("flors: {}\n", "flors is no key that is known here"),
        ("floors: {roc: 0.5}\n", "floors.roc: no such metric; there are: roc_auc, "),
        ("floors: {roc_auc: high}\n", "floors.roc_auc is 'high': Input should be a valid number"),
        ("beat_baseline: 1\n", "beat_baseline is 1: Input should be a valid boolean"),
    ],
)
def test_a_faulty_policy_is_told_by_file_and_key(tmp_path, text, message):
    path = written(tmp_path, text)
    with pytest.raises(ContractError) as refused:
        read_policy(path)
    assert str(refused.value).startswith(f"{path}: {message}")


@pytest.mark.parametrize(
    ("floor", "expected"),
    [
        ({"roc_auc": 0.7}, True),
        ({"roc_auc": 0.701}, False),
        ({"log_loss": 0.4}, True),
        ({"log_loss": 0.399}, False),
        ({"cost": 99.0}, False),
    ],
)
def test_a_floor_is_the_worst_value_whichever_way_is_better(contract, floor, expected):
    assert kept(Policy(False, floor), contract) == [expected]


@pytest.mark.parametrize(("low", "expected"), [(0.01, True), (0.0, False), (-0.01, False)])
def test_the_baseline_is_beaten_by_the_whole_interval(contract, low, expected):
    assert kept(Policy(), contract, METRICS | {"gain": interval(0.1, low, 0.2)}) == [expected]


def test_a_metric_that_the_evaluation_does_not_have_is_told(contract):
    with pytest.raises(ContractError, match=r"floors\.rmse: the evaluation has no such metric; it has: roc_auc"):
        judge(Policy(False, {"rmse": 1.0}), METRICS, contract)


def test_a_judgement_says_the_rule_and_what_was_found(contract):
    floor, baseline = judge(Policy(True, {"roc_auc": 0.65}), METRICS, contract)
    assert (floor.rule, floor.found) == ("roc_auc at least 0.65", "0.7000")
    rule = "log_loss better than the baseline's 0.5000"
    assert (baseline.rule, baseline.found) == (rule, "by 0.1000 (0.0800 to 0.1200)")
