from __future__ import annotations

import json

import pytest
from modelyard.judging.verdict import Ruling, Verdict, decide

KEPT = Ruling("roc_auc at least 0.65", "policy.yaml line 9: `roc_auc: 0.65`", "0.7000", True)
LINE = "policy.yaml line 3: `require: not_worse`"
BROKEN = Ruling("log_loss not worse than the champion's", LINE, "worse by 1", False)
UNCLEAR = Ruling("rmse not worse than the champion's", "policy.yaml line 4: `metric: rmse`", "the task has none", None)


@pytest.mark.parametrize(
    ("rules", "verdict", "reason"),
    [
        ([KEPT, KEPT], "ships", "all 2 rules of the policy are kept"),
        ([], "ships", "the policy has no rule"),
        ([KEPT, BROKEN], "blocked", "log_loss not worse than the champion's: worse by 1"),
        ([BROKEN, KEPT, BROKEN], "blocked", "log_loss not worse than the champion's: worse by 1, and 1 more broken"),
        ([KEPT, UNCLEAR], "unjudged", "rmse not worse than the champion's: the task has none"),
        ([UNCLEAR, BROKEN], "blocked", "log_loss not worse than the champion's: worse by 1"),
    ],
)
def test_one_broken_rule_blocks_and_one_that_is_unclear_leaves_it_unjudged(rules, verdict, reason):
    assert decide(rules) == (verdict, reason)


@pytest.mark.parametrize(("verdict", "status"), [("ships", 0), ("blocked", 1), ("unjudged", 2)])
def test_each_verdict_ends_with_its_own_status(verdict, status):
    assert Verdict(verdict, "").exit == status


def test_the_json_holds_all_that_the_report_reads():
    verdict = Verdict(
        "blocked", "why", {"bundle": "a1"}, {"bundle": "b2", "from": "main"}, [BROKEN], {"rows": 3}, ["a remark"],
        {"leak": "`refund` alone"}, of={"bundle": "a1", "policy": None},
    )  # fmt: skip
    assert json.loads(verdict.to_json()) == {
        "format": 1,
        "verdict": "blocked",
        "reason": "why",
        "challenger": {"bundle": "a1"},
        "champion": {"bundle": "b2", "from": "main"},
        "rules": [{"rule": BROKEN.rule, "policy": BROKEN.policy, "found": "worse by 1", "kept": False}],
        "comparison": {"rows": 3},
        "notes": ["a remark"],
        "warnings": {"leak": "`refund` alone"},
        "policy": None,
        "of": {"bundle": "a1", "policy": None},
    }


def test_warnings_stand_between_the_verdict_and_the_rules():
    shown = Verdict("ships", "why", rules=[KEPT], warnings={"leak": "`refund` alone tells the target"}).to_markdown()
    assert shown.startswith(
        "**The model may ship:** why\n\n- Warning `leak`: `refund` alone tells the target.\n\n| rule | "
    )


def test_what_could_not_be_judged_has_a_reason_and_nothing_else():
    read = json.loads(Verdict("unjudged", "no champion").to_json())
    assert [key for key, value in read.items() if value] == ["format", "verdict", "reason"]
    assert Verdict("unjudged", "no champion").to_markdown() == "**The model could not be judged:** no champion\n"


def test_the_markdown_begins_with_the_verdict_and_its_reason():
    assert Verdict("ships", "all is well").to_markdown().startswith("**The model may ship:** all is well\n")
    assert Verdict("blocked", "worse").to_markdown().startswith("**The model is blocked:** worse\n")


def test_the_markdown_has_broken_rules_first_and_then_unclear_ones():
    lines = Verdict("blocked", "", rules=[KEPT, UNCLEAR, BROKEN], notes=["a remark"]).to_markdown().splitlines()
    assert lines[2] == "| rule | found | kept | stated in |"
    assert [line.split(" | ")[2] for line in lines[4:7]] == ["no", "not to be told", "yes"]
    assert lines[4] == f"| {BROKEN.rule} | worse by 1 | no | policy.yaml line 3: `require: not_worse` |"
    assert lines[-1] == "- a remark"
