from __future__ import annotations

import json

import pytest
from modelyard.releasing.accepting.violations import Violation, violations
from modelyard.runtime.contract import Contract, ContractError

GOOD = {"when": "2013-12-24T18:30:00", "size": 3, "share": 0.5, "kind": "a", "level": 2, "open": True}
COLUMNS = {
    "when": {"type": "timestamp", "role": "time"},
    "size": {"type": "integer", "role": "feature", "minimum": 0, "maximum": 10},
    "share": {"type": "number", "role": "feature", "minimum": -1.5, "missing": True},
    "kind": {"type": "string", "role": "feature", "values": ["a", "b"]},
    "level": {"type": "integer", "role": "feature", "values": [1, 2]},
    "open": {"type": "boolean", "role": "feature"},
    "target": {"type": "boolean", "role": "target"},
}


@pytest.fixture
def contract(tmp_path) -> Contract:
    described = {name: {**column, "description": name} for name, column in COLUMNS.items()}
    path = tmp_path / "contract.json"
    path.write_text(json.dumps({"name": "x", "description": "x", "owner": "x", "columns": described}))
    return Contract.from_json(path)


def test_there_is_one_for_each_rule_of_each_column_that_is_given(contract):
    found = [(one.field, one.rule) for one in violations(contract, GOOD)]
    assert found == [
        ("when", "must not be missing"),
        ("when", "must be a timestamp such as "),
        ("when", "has an offset from UTC"),
        ("size", "must not be missing"),
        ("size", "must be of type integer"),
        ("size", "must be finite"),
        ("size", "must be a whole number"),
        ("size", "must not be beyond 2^53 "),
        ("size", "must be at least 0"),
        ("size", "must be at most 10"),
        ("share", "must be of type number"),
        ("share", "must be finite"),
        ("share", "must be at least -1.5"),
        ("kind", "must not be missing"),
        ("kind", "must be of type string"),
        ("kind", "must be one of "),
        ("level", "must not be missing"),
        ("level", "must be of type integer"),
        ("level", "must be finite"),
        ("level", "must be a whole number"),
        ("level", "must be one of "),
        ("open", "must not be missing"),
        ("open", "must be of type boolean"),
        ("no_such_column", "no such column in the contract"),
    ]


def test_each_row_breaks_that_one_rule_and_no_other(made):
    predictor = made.project.predictor(made.root / "bundle")
    good = json.loads((made.root / "bundle/probe.json").read_text())["rows"][0]
    found = violations(predictor.contract, good)
    assert {one.field for one in found} > predictor.contract.inputs.keys()
    for one in found:
        with pytest.raises(ContractError) as refused:
            predictor.predict([one.row])
        (problem,) = refused.value.problems
        assert (problem.column, problem.rule.startswith(one.rule)) == (one.field, True)


def test_a_bound_that_nothing_lies_beyond_is_left_out(contract):
    size = contract.columns["size"]
    object.__setattr__(size, "maximum", 1.7e308)
    assert Violation({**GOOD, "size": -1}, "size", "must be at least 0") in violations(contract, GOOD)
    assert not any(one.rule.startswith("must be at most") for one in violations(contract, GOOD))


def test_the_unknown_column_is_really_unknown(contract):
    columns = {**contract.columns, "no_such_column": contract.columns["open"]}
    object.__setattr__(contract, "columns", columns)
    assert violations(contract, GOOD)[-1].field == "no_such_column_"


def test_the_ends_of_a_range_of_times_are_tried_where_there_is_a_year_beyond(contract):
    when = contract.columns["when"]
    for name, value in {"minimum": "2012-02-29", "maximum": "9999-01-01", "timezone": "UTC"}.items():
        object.__setattr__(when, name, value)
    found = [(one.row["when"], one.rule) for one in violations(contract, GOOD) if one.field == "when"][2:]
    assert found == [("2011-02-01T00:00:00", "must be at least 2012-02-29")]
