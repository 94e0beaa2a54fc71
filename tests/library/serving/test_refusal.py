from __future__ import annotations

import json
import math

import pytest
from modelyard.runtime.rows import Problem
from modelyard.serving.refusal import LISTED, NO_ROW, broken_rules, error_json, problem_json


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, None),
        (True, True),
        (5, 5),
        (2**70, "a whole number of more than 64 bits"),
        (math.inf, "inf"),
        (math.nan, "nan"),
        ("é", "é"),
        ("\ud800", "?"),
        ("x" * 500, "x" * 200 + "…"),
        ({"a": 1}, "a JSON object"),
        ([1], "a JSON array"),
    ],
)
def test_any_value_can_be_told(value, told):
    refusal = broken_rules([Problem(3, "a", value, "is wrong")])
    (problem,) = json.loads(problem_json(refusal, "r"))["problems"]
    assert problem == {"row": 3, "field": "a", "value": told, "rule": "is wrong"}
    first, second = json.loads(error_json(refusal))["error"].splitlines()
    assert first == "1 value breaks the contract; no row was answered"
    assert second.startswith("row 3: a = ")


def test_a_problem_of_no_row_has_none():
    refusal = broken_rules([Problem(NO_ROW, "a", 1, "must be an array")])
    assert json.loads(problem_json(refusal, "r"))["problems"][0]["row"] is None
    assert json.loads(error_json(refusal))["error"].endswith("\na = 1: must be an array")


def test_of_very_many_problems_so_many_are_listed_and_no_further_ones_looked_for():
    looked = (Problem(row, "a", 1, "is wrong") for row in range(LISTED + 500))
    told = json.loads(problem_json(broken_rules(looked), "r"))
    assert [problem["row"] for problem in told["problems"]] == list(range(LISTED))
    assert told["detail"].startswith(f"more than {LISTED} values break the contract")
    assert told["detail"].endswith(f"{LISTED} of them are listed")
    assert next(looked).row == LISTED + 1
    all_of_them = broken_rules(Problem(row, "a", 1, "is wrong") for row in range(LISTED))
    assert all_of_them.detail == f"{LISTED} values break the contract; no row was answered"
