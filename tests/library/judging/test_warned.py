"""The text of each warning, and the page that tells what to do about it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from modelyard.judging.warned import TEXTS, shown_warnings
from modelyard.runtime.column import Column
from modelyard.runtime.contract import Contract
from modelyard.training.warned import FEW, LEAK, NAMES
from sample import ROOT, SAMPLE

COLUMNS = {
    "amount": Column("number", "feature", ""),
    "credit": Column("string", "target", "", values=["bad", "good"]),
}
CREDIT = Contract("credit", "", "", COLUMNS)
FOUND = {
    "leak": ({"metric": "roc_auc", "inputs": {"paid": 0.9991}}, "`paid` (roc_auc 0.999) alone nearly tells the target"),
    "constant_features": ({"features": ["a", "b", "c"]}, "`a`, `b` and `c` have one value each in all training rows"),
    "infinite_features": ({"features": {"ratio": 12}, "rows": 3000}, "infinite: `ratio` in 12 of 3,000 training rows"),
    "positive_class": (
        {"positive": "good", "share": 0.7},
        "are about `good`, 70.0 % of the holdout; if `bad` is what you look for, list it last in `values` of credit",
    ),
    "never_positive": (
        {"rows": 500, "positives": 25, "highest": 0.41, "threshold": 0.62, "missed_costs": 3.0},
        "none of 500 holdout rows is called positive, so 25 are missed (recall 0): the highest score is 0.410, the "
        "threshold 0.620",
    ),
    "few_positives": ({"classes": {"good": 12}}, "`good` has 12 holdout rows, fewer than 30"),
    "absent_classes": ({"classes": ["good", "bad"]}, "no holdout row is `good` or `bad`"),
}


def test_each_warning_has_a_text_and_a_case_here():
    assert set(TEXTS) == set(FOUND) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_warning_says_what_was_found(name):
    facts, text = FOUND[name]
    assert text in shown_warnings({"warnings": [{"name": name, **facts}]}, {}, CREDIT)[name]


def test_warnings_keep_their_order_and_those_that_are_ignored_are_left_out():
    found = [{"name": name, **facts} for name, (facts, _) in FOUND.items()]
    assert list(shown_warnings({"warnings": found[::-1]}, {"leak": "ignore", "few_positives": "block"}, CREDIT)) == [
        name for name in NAMES if name != "leak"
    ]


def test_metrics_of_before_there_were_warnings_have_none():
    assert shown_warnings({"holdout": {}}, {}, CREDIT) == {}


def test_many_names_are_cut():
    facts = {"name": "constant_features", "features": [f"f{number}" for number in range(40)]}
    assert "`f4` and 35 more have one value each" in shown_warnings({"warnings": [facts]}, {}, CREDIT)[facts["name"]]


def test_the_page_tells_each_warning_and_its_limit():
    page = Path(ROOT, "docs/warnings.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(NAMES)
    assert f"at least {LEAK:g}" in page
    assert f"fewer than {FEW} holdout rows" in page


def test_a_project_lists_the_names():
    page = (SAMPLE / "docs/pull-requests.md").read_text(encoding="utf-8")
    listed = page.partition("\nWarnings stand first")[2].partition("\n\n")[0]
    assert re.findall(r"`(\w+)`", listed) == list(NAMES)
    assert f"under {FEW}" in listed
