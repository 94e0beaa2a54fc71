from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from modelyard.judging.monitoring import Monitor, Retrain
from modelyard.judging.policy import (
    Calibration,
    Champion,
    Limits,
    Policy,
    Slices,
    judge_alone,
    policy_line,
    read_policy,
)
from modelyard.judging.serving import Serving, SplitPolicy
from modelyard.runtime.contract import Contract, ContractError
from modelyard.training.edit import round_trip
from sample import SAMPLE


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


def kept(policy: Policy, contract: Contract, metrics: dict = METRICS) -> list[bool | None]:
    return [one.kept for one in judge_alone(policy, metrics, contract)]


def test_the_policy_that_ships_is_valid():
    assert isinstance(read_policy(SAMPLE / "policy.yaml"), Policy)


def test_a_policy_is_read_with_all_its_rules(tmp_path):
    path = written(
        tmp_path,
        "champion: {require: superior, metric: roc_auc, margin: 0.01, confidence: 0.9, draws: 500}\n"
        "slices: {rows: 50, margin: 0.02}\n"
        "calibration: {margin: 0.03}\n"
        "beat_baseline: false\n"
        "floors: {roc_auc: 0.65}\n"
        "limits: {bundle_mb: 10, latency_ms: 5}\n"
        "serving: {deadline_ms: 50, fallback: v1.0.0, shadow: v1.3.0-rc.1,"
        " split: {version: v1.1.0, key: X-Customer, share: 0.1}}\n",
    )
    assert read_policy(path) == Policy(
        beat_baseline=False,
        floors={"roc_auc": 0.65},
        champion=Champion("superior", "roc_auc", 0.01, 0.9, 500),
        slices=Slices(50, 0.02),
        calibration=Calibration(0.03),
        limits=Limits(10, 5),
        serving=Serving(50.0, "v1.0.0", "v1.3.0-rc.1", SplitPolicy("v1.1.0", "X-Customer", 0.1)),
    )


def test_what_a_policy_leaves_out_has_its_default(tmp_path):
    policy = read_policy(written(tmp_path, "floors: {}\n"))
    assert policy == Policy()
    assert (policy.champion.require, policy.champion.metric, policy.champion.margin) == ("not_worse", None, 0)
    assert (policy.slices, policy.calibration, policy.beat_baseline) == (None, None, True)
    assert policy.limits == Limits(None, None)
    assert policy.serving == Serving(None, None, None, None)


def test_the_policy_that_ships_states_the_defaults_of_watching_and_retraining():
    policy = read_policy(SAMPLE / "policy.yaml")
    assert (policy.monitor, policy.retrain) == (Monitor(), Retrain())
    text = round_trip().load(SAMPLE / "policy.yaml")
    stated = {name: set(text[name]) for name in ("monitor", "retrain")}
    assert stated == {
        "monitor": {one.name for one in fields(Monitor)},
        "retrain": {one.name for one in fields(Retrain)},
    }


def test_the_policy_that_ships_splits_nothing():
    assert read_policy(SAMPLE / "policy.yaml").serving == Serving(200.0)


def test_a_policy_with_the_section_of_the_release_names_its_new_place(tmp_path):
    place = r"policy\.yaml: release has moved to \[tool\.modelyard\.release\] in pyproject\.toml; state annotated_tags"
    with pytest.raises(ContractError, match=place):
        read_policy(written(tmp_path, "floors: {}\nrelease: {signed_tags: true}\n"))


@pytest.mark.parametrize("rule", ["slices", "calibration"])
def test_a_rule_set_to_null_is_not_judged(tmp_path, rule):
    assert getattr(read_policy(written(tmp_path, f"{rule}: null\n")), rule) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("flors: {}\n", "flors is no key that is known here"),
        ("floors: {roc: 0.5}\n", "floors.roc: 'roc' is no such metric; there are: roc_auc, "),
        ("champion: {metric: auc}\n", "champion.metric: 'auc' is no such metric; there are: roc_auc, "),
        ("floors: {roc_auc: high}\n", "floors.roc_auc is 'high': Input should be a valid number"),
        ("beat_baseline: 1\n", "beat_baseline is 1: Input should be a valid boolean"),
        ("champion: {requires: superior}\n", "champion.requires is no key that is known here"),
        ("champion: {require: better}\n", "champion.require is 'better': Input should be 'not_worse', "),
        ("champion: {margin: -0.1}\n", "champion.margin is -0.1: Input should be greater than or equal to 0"),
        ("champion: {confidence: 95}\n", "champion.confidence is 95: Input should be less than 1"),
        ("champion: {confidence: 0}\n", "champion.confidence is 0: Input should be greater than 0"),
        ("champion: {draws: 100}\n", "champion.draws is 100: Input should be greater than or equal to 200"),
        ("champion: {require: non_inferior}\n", "champion.margin is 0: `require: non_inferior` needs a margin above 0"),
        ("champion: null\n", "champion is None: "),
        ("slices: {rows: 0}\n", "slices.rows is 0: Input should be greater than 0"),
        ("slices: {margin: wide}\n", "slices.margin is 'wide': Input should be a valid number"),
        ("calibration: {margin: -1}\n", "calibration.margin is -1: Input should be greater than or equal to 0"),
        ("calibration: 0.01\n", "calibration is 0.01: "),
        ("limits: {latency_ms: 0}\n", "limits.latency_ms is 0: Input should be greater than 0"),
        ("limits: {bundle_gb: 1}\n", "limits.bundle_gb is no key that is known here"),
        ("serving: {deadline: 5}\n", "serving.deadline is no key that is known here"),
        ("serving: {deadline_ms: 0}\n", "serving.deadline_ms is 0: Input should be greater than 0"),
        ("serving: {shadow: 1.2.0}\n", "serving.shadow is '1.2.0': a released version such as v1.2.0 is needed"),
        ("serving: {fallback: true}\n", "serving.fallback is True: Input should be a valid string"),
        ("serving: {split: {version: v1.0.0, key: k}}\n", "serving.split.share is missing"),
        (
            "serving: {split: {version: v1.0.0, key: k, share: 1.5}}\n",
            "serving.split.share is 1.5: Input should be less than 1",
        ),
        ("serving: {split: {version: new, key: k, share: 0.5}}\n", "serving.split.version is 'new': a released"),
        ("serving: {split: {version: v1.0.0, key: '', share: 0.5}}\n", "serving.split.key is empty: a column of"),
        ("monitor: {stor: s3://logs}\n", "monitor.stor is no key that is known here"),
        ("monitor: {store: 3}\n", "monitor.store is 3: Input should be a valid string"),
        ("monitor: {maturity_days: -1}\n", "monitor.maturity_days is -1: Input should be greater than or equal to 0"),
        ("monitor: {window_days: 0}\n", "monitor.window_days is 0: Input should be greater than or equal to 1"),
        ("monitor: {window_days: 7d}\n", "monitor.window_days is '7d': Input should be a valid integer"),
        ("monitor: {alarm: {windows: 4, of: 3}}\n", "monitor.alarm: windows is 4 of 3; it must not be more than `of`"),
        ("monitor: {alarm: 2}\n", "monitor.alarm is 2: "),
        ("monitor: {alpha: 0}\n", "monitor.alpha is 0: Input should be greater than 0"),
        ("monitor: {effect: 10}\n", "monitor.effect is 10: Input should be less than 1"),
        ("monitor: {margin: -0.1}\n", "monitor.margin is -0.1: Input should be greater than or equal to 0"),
        ("monitor: {coverage: 80}\n", "monitor.coverage is 80: Input should be less than 1"),
        ("monitor: {keep_days: 0}\n", "monitor.keep_days is 0: Input should be greater than or equal to 1"),
        (
            "retrain: {causes: [drift, weather]}\n",
            "retrain.causes.1 is 'weather': Input should be 'schedule', 'data', ",
        ),
        ("retrain: {causes: drift}\n", "retrain.causes is 'drift': Input should be a valid "),
        ("retrain: {every_days: 0}\n", "retrain.every_days is 0: Input should be greater than or equal to 1"),
        ("retrain: {tune: 1}\n", "retrain.tune is 1: Input should be a valid boolean"),
        ("retrain: {alpha: 1}\n", "retrain.alpha is 1: Input should be less than 1"),
        ("retrain: {cause: [drift]}\n", "retrain.cause is no key that is known here"),
        ("serving: {split: {version: v1.0.0, key: k, share: 0.5, by: x}}\n", "serving.split.by is no key that is"),
    ],
)
def test_a_faulty_policy_is_told_by_file_and_key(tmp_path, text, message):
    path = written(tmp_path, text)
    with pytest.raises(ContractError) as refused:
        read_policy(path)
    assert str(refused.value).startswith(f"{path}: {message}")


def test_the_line_of_a_fault_is_told(tmp_path):
    text = (
        "champion:\n  margin: 0\nretrain:\n  causes:\n    - drift\n    - weather\n  every_day: 3\nmonitor: {alpha: 2}\n"
    )
    with pytest.raises(ContractError) as refused:
        read_policy(written(tmp_path, text))
    assert sorted(line.rpartition(" (")[2] for line in str(refused.value).splitlines()) == [
        "line 6)",
        "line 7)",
        "line 8)",
    ]


def test_every_fault_is_told_at_once(tmp_path):
    with pytest.raises(ContractError) as refused:
        read_policy(written(tmp_path, "champion: {margin: -1}\nslices: {rows: 0}\n"))
    assert len(str(refused.value).splitlines()) == 2


# One model alone


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
        judge_alone(Policy(False, {"rmse": 1.0}), METRICS, contract)


def test_a_judgement_says_the_rule_what_was_found_and_the_key_of_the_policy(contract):
    floor, baseline = judge_alone(Policy(True, {"roc_auc": 0.65}), METRICS, contract)
    assert (floor.rule, floor.found, floor.key) == ("roc_auc at least 0.65", "0.7000", "floors.roc_auc")
    rule = "log_loss better than the baseline's 0.5000"
    assert (baseline.rule, baseline.found) == (rule, "by 0.1000 (0.0800 to 0.1200)")
    assert baseline.key == "beat_baseline"


def test_an_undefined_metric_is_told_and_keeps_no_floor(contract):
    (floor,) = judge_alone(Policy(False, {"cost": 1.0}), METRICS, contract)
    assert (floor.rule, floor.found, floor.kept) == ("cost at most 1", "undefined", False)


FEW = {"name": "few_positives", "classes": {"True": 12}}


@pytest.mark.parametrize(("handling", "rules"), [("show", []), ("ignore", []), ("block", [False])])
def test_a_warning_blocks_only_where_the_policy_says_so(tmp_path, contract, handling, rules):
    policy = read_policy(written(tmp_path, f"beat_baseline: false\nwarnings: {{few_positives: {handling}}}\n"))
    assert kept(policy, contract, METRICS | {"warnings": [FEW]}) == rules
    assert kept(policy, contract) == [True] * len(rules)


def test_a_warning_of_no_such_name_is_refused_with_those_that_there_are(tmp_path):
    with pytest.raises(ContractError, match=r"policy.yaml.*warnings.*never_postive.*'leak'.*'never_positive'"):
        read_policy(written(tmp_path, "warnings: {never_postive: block}\n"))


# Where the policy says so

TEXT = """\
# When a model may ship
champion: # the one on main
  require: not_worse # beyond the noise
  metric: null

slices: {rows: 100, margin: 0.1}
floors:
  # a remark of its own
  roc_auc: 0.65
"""


@pytest.mark.parametrize(
    ("key", "line"),
    [
        ("champion.require", "policy.yaml line 3: `require: not_worse`"),
        ("champion.metric", "policy.yaml line 4: `metric: null`"),
        ("floors.roc_auc", "policy.yaml line 9: `roc_auc: 0.65`"),
        ("slices.margin", "policy.yaml line 6: `slices: {rows: 100, margin: 0.1}`"),
        ("champion.margin", "policy.yaml line 2: `champion:`"),
        ("limits.bundle_mb", "policy.yaml does not name limits.bundle_mb, so its default holds"),
    ],
)
def test_the_line_of_the_policy_is_that_of_its_key_or_of_what_holds_it(tmp_path, key, line):
    assert policy_line(written(tmp_path, TEXT), key) == line
