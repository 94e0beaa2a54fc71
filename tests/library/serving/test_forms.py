"""Bodies: the quick way and the slow one give the same, and whatever is wrong is named."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import msgspec
import numpy as np
import pytest
from modelyard.runtime.contract import Column, Contract
from modelyard.runtime.rows import encode
from modelyard.serving.forms import forms as forms_module
from modelyard.serving.forms.forms import BLOCK, LARGE_BLOCK, Forms
from modelyard.serving.forms.json_text import loads
from modelyard.serving.refusal import LISTED, Refusal

LATE = Column("boolean", "target", "late", missing=True)
ODD = Contract(
    "odd",
    "columns of every kind, with names that no identifier has",
    "me",
    {
        "the id": Column("string", "id", "id"),
        "when": Column("timestamp", "time", "when", format="%d.%m.%Y %H:%M"),
        "class": Column("integer", "feature", "a number that is a category", values=[3, 1, 2], missing=True),
        "rows": Column("integer", "feature", "not bounded"),
        "columns": Column("number", "feature", "bounded", minimum=-1.5, maximum=2, missing=True),
        "f0": Column("boolean", "feature", "yes or no", missing=True),
        "size/Ø": Column("string", "feature", "a category", values=["a", "é", "null", "1"]),
        "seen": Column("timestamp", "feature", "may be missing", missing=True),
        "open": Column("string", "feature", "an open list", values=["a", "b"], other=True),
        "code": Column("integer", "feature", "another", values=[1, 2], other=True, missing=True),
        "late": LATE,
        "note": Column("string", "unused", "anything"),
        "number": Column("integer", "id", "a second id"),
        "at": Column("timestamp", "id", "a third", timezone="Europe/Berlin"),
    },
)
ROW = {
    "the id": "x",
    "when": "24.12.2013 18:30",
    "class": 1,
    "rows": 7,
    "columns": 0.5,
    "f0": True,
    "size/Ø": "é",
    "seen": "2013-12-24T18:30:00",
    "open": "c",
    "code": 7,
}


def body(content: Any) -> bytes:
    return json.dumps(content).encode()


def same(found: Any, expected: Any) -> bool:
    return found.keys() == expected.keys() and all(
        found[name].dtype == expected[name].dtype and found[name].tobytes() == expected[name].tobytes()
        for name in expected
    )


def wrong(forms: Forms, content: Any) -> list[tuple[int, str, str]]:
    with pytest.raises(Refusal) as refused:
        forms.read(content if isinstance(content, bytes) else body(content))
    assert refused.value.status == 422
    return [(problem.row, problem.column, problem.rule) for problem in refused.value.problems]


@pytest.fixture(scope="module")
def forms(made) -> Forms:
    return Forms(made.contract, 1000)


@pytest.fixture(scope="module")
def odd() -> Forms:
    return Forms(ODD, 10)


def test_the_three_forms_give_the_columns_that_encode_gives(forms, made, probe):
    rows = probe["rows"]
    expected = encode(rows, made.contract)
    by_column = {name: [row[name] for row in rows] for name in rows[0]}
    assert same(forms.read(body({"rows": rows})).columns, expected)
    assert same(forms.read(body({"columns": by_column})).columns, expected)
    assert same(forms.convert(by_column).columns, expected)
    for place, row in enumerate(rows):
        one = {name: values[place : place + 1] for name, values in expected.items()}
        assert same(forms.read(body(row)).columns, one)


def test_the_quick_way_takes_the_probe(forms, probe):
    rows = probe["rows"]
    for content in (rows[0], {"rows": rows}, {"columns": {name: [row[name] for row in rows] for name in rows[0]}}):
        forms._quickly(body(content))


def test_what_the_quick_way_takes_the_slow_one_takes_alike(odd):
    choose = random.Random(4)  # noqa: S311, nothing secret
    values = [
        None, True, False, 0, 1, 2, 3, -1, 1.0, 2.5, -1.5, 2, 1e300, 2**53, 2**53 + 1, 10**20, 10**400, "a", "é", "1",
        "null", "",
        "2013-12-24T18:30:00", "2013-12-24 18:30", "2013-W52-2T18:30:00", "2013-12-24T18:30:00+05:00",
        "24.12.2013 18:30", "0000-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "2013-02-30T00:00:00",
        "2013-12-24", [], {}, [1],
    ]  # fmt: skip
    taken = 0
    for _ in range(3000):
        row = ROW | {choose.choice(list(ODD.columns)): choose.choice(values)}
        if choose.random() < 0.3:
            del row[choose.choice(list(row))]
        other = ROW | {choose.choice(list(ODD.columns)): choose.choice(values)}
        columns = {name: [row.get(name), other.get(name)] for name in ODD.columns}
        for content in (row, {"rows": [row, other]}, {"columns": columns}):
            try:
                quickly = odd._quickly(body(content))
            except (ValueError, KeyError, OverflowError):
                continue
            taken += 1
            slowly = odd.take(loads(body(content)))
            assert same(quickly.columns, slowly.columns)
            assert (quickly.form, quickly.count) == (slowly.form, slowly.count)
    assert taken > 1000


def test_a_column_may_be_called_as_a_form_is(odd):
    assert odd.read(body(ROW)).form == "row"
    assert odd.read(body({"rows": 7} | ROW)).form == "row"
    assert odd.read(body({"rows": [ROW]})).form == "rows"
    assert odd.read(body({"columns": {name: [value] for name, value in ROW.items()}})).form == "columns"


def test_a_single_row_leaves_nothing_behind_for_the_next(odd):
    odd.read(body(ROW))
    less = {name: value for name, value in ROW.items() if name not in ("class", "columns", "seen")}
    columns = odd.read(body(less)).columns
    assert columns["class"][0] == -1
    assert math.isnan(columns["columns"][0])
    assert np.isnat(columns["seen"][0])


@pytest.mark.parametrize("form", ["row", "rows", "columns"])
def test_a_whole_number_written_with_a_point_is_taken(odd, form):
    row = ROW | {"rows": 5.0, "class": 2.0}
    given = {"row": row, "rows": {"rows": [row]}, "columns": {"columns": {name: [it] for name, it in row.items()}}}
    columns = odd.read(body(given[form])).columns
    assert (columns["rows"][0], columns["class"][0]) == (5.0, 2)


def test_every_problem_of_every_row_is_named(forms, probe):
    good = probe["rows"][0]
    bad = good | {"carrier": "ZZ", "distance": -1, "temp": "warm"}
    found = wrong(forms, {"rows": [good, bad, {**good, "gate": 7}]})
    assert [place[:2] for place in found] == [(1, "carrier"), (1, "distance"), (1, "temp"), (2, "gate")]
    assert found[0][2].startswith("must be one of '9E', 'AA'")
    assert found[1][2].startswith("must be at least ")
    assert [rule for _, _, rule in found[2:]] == ["must be of type number", "no such column in the contract"]


def test_the_columns_form_names_row_and_field_too(forms, probe):
    rows = [dict(row) for row in probe["rows"][:3]]
    rows[2]["origin"] = "LAX"
    found = wrong(forms, {"columns": {name: [row[name] for row in rows] for name in rows[0]}})
    assert [place[:2] for place in found] == [(2, "origin")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([], "the body must be one row"),
        (5, "the body must be one row"),
        (None, "the body must be one row"),
        ("text", "the body must be one row"),
    ],
)
def test_another_form_is_refused(forms, content, said):
    with pytest.raises(Refusal, match=said) as refused:
        forms.read(body(content))
    assert refused.value.status == 422


def test_rows_that_are_no_objects_are_named(forms):
    assert wrong(forms, {"rows": [[], 1]}) == [(0, "", "must be an object"), (1, "", "must be an object")]


def test_what_stands_beside_a_form_is_refused(forms, probe):
    assert wrong(forms, {"rows": probe["rows"], "model": "x"}) == [(-1, "model", "stands beside 'rows'")]


def test_columns_must_be_arrays_of_one_length(forms, probe):
    columns = {name: [value, value] for name, value in probe["rows"][0].items()}
    assert wrong(forms, {"columns": columns | {"temp": 5}})[0][1:] == (
        "temp",
        "must be an array: the column's value in each row",
    )
    found = wrong(forms, {"columns": columns | {"temp": [1.0]}})
    assert {rule for _, _, rule in found} == {"all columns must have as many values"}
    assert len(found) == len(columns)


def test_a_column_that_is_needed_is_named_once(forms, probe):
    columns = {name: [value, value] for name, value in probe["rows"][0].items() if name != "distance"}
    assert wrong(forms, {"columns": columns}) == [(-1, "distance", "must be there")]


def test_no_rows_are_answered_with_nothing(forms):
    assert forms.read(b'{"rows": []}').count == 0
    assert len(forms.read(b'{"rows": []}').columns["distance"]) == 0


@pytest.mark.parametrize("form", ["rows", "columns"])
def test_too_many_rows_are_refused(odd, form):
    given = {"rows": {"rows": [ROW] * 11}, "columns": {"columns": {name: [it] * 11 for name, it in ROW.items()}}}
    for content in (body(given[form]), body(given[form]).replace(b"7", b"7.0")):  # the quick way, and the slow one
        with pytest.raises(Refusal, match="11 rows; one request may have 10") as refused:
            odd.read(content)
        assert refused.value.status == 413


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no JSON: line 1, column 1"),
        (b"{", "no JSON: line 1"),
        (b'{"rows": [', "no JSON"),
        (b'{"temp": NaN}', "it has no NaN"),
        (b'{"temp": Infinity}', "it has no Infinity"),
        (b'{"temp": -Infinity}', "it has no -Infinity"),
        (b"\xff\xfe{}", "not UTF-8: byte 0"),
        (b'{"carrier": "\xe9"}', "not UTF-8: byte 13"),
        ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"a":' * 100_000, "nested too deep"),
        (b"{'a': 1}", "no JSON"),
        (b'{"a": 01}', "no JSON"),
        (b'{"a": "\x00"}', "no JSON"),
    ],
)
def test_what_is_no_json_is_a_bad_request(forms, content, said):
    with pytest.raises(Refusal, match=said) as refused:
        forms.read(content)
    assert refused.value.status == 400


@pytest.mark.parametrize("number", [b"1e400", b"-1e400", b"1" + b"0" * 400, b"1" + b"0" * 5000])
def test_a_number_too_large_for_a_float_breaks_a_rule(forms, probe, number):
    content = body(probe["rows"][0] | {"temp": 0.125}).replace(b"0.125", number)
    assert [(field, rule) for _, field, rule in wrong(forms, content)] == [("temp", "must be finite")]


def test_half_a_character_is_named_and_can_be_told(forms, probe):
    content = body(probe["rows"][0] | {"carrier": "CARRIER"}).replace(b"CARRIER", b"\\ud800")
    assert [field for _, field, _ in wrong(forms, content)] == ["carrier"]


IDS = {"the id": "x", "number": 2**63 - 1, "at": "2013-12-24T18:30:00Z"}
INPUTS = {name: value for name, value in ROW.items() if name != "the id"}


@pytest.mark.parametrize("is_quick", [True, False])
@pytest.mark.parametrize("form", ["row", "rows", "columns", "tensors", "instances"])
def test_ids_stand_apart_from_the_inputs_in_each_form(odd, form, is_quick):
    row = INPUTS | IDS | ({} if is_quick else {"rows": 7.0})
    columns = {name: [value, value] for name, value in row.items()}
    if form == "tensors":
        parsed = odd.convert(columns)
    elif form == "instances":
        parsed = odd.read_instances(body({"instances": [row, row]}))
    else:
        parsed = odd.read(body({"row": row, "rows": {"rows": [row, row]}, "columns": {"columns": columns}}[form]))
    assert {name: list(values) for name, values in parsed.ids.items()} == {
        name: [value] * parsed.count for name, value in IDS.items()
    }
    told = json.loads(msgspec.json.encode(parsed.inputs))
    assert (told if isinstance(told, dict) else told[0]).keys() == INPUTS.keys()
    assert parsed.values("the id") == ["x"] * parsed.count
    assert same(parsed.columns, encode([INPUTS] * parsed.count, ODD))


def test_ids_are_optional_row_by_row(odd):
    parsed = odd.read(body({"rows": [ROW, INPUTS, INPUTS | {"the id": None}]}))
    assert parsed.ids == {"the id": ["x", None, None]}
    for content in (INPUTS, INPUTS | {"the id": None}, {"rows": [INPUTS]}, {"rows": []}):
        assert odd.read(body(content)).ids is None


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("the id", 5, "must be of type string"),
        ("number", "5", "must be of type integer"),
        ("number", 2**63, "must be a whole number of at most 64 bits"),
        ("at", "yesterday", "must be a timestamp such as '2013-12-24T18:30:00'"),
    ],
)
def test_an_id_of_another_type_is_named(odd, name, value, rule):
    for content in (ROW | {name: value}, {"columns": {key: [one] for key, one in (ROW | {name: value}).items()}}):
        assert wrong(odd, content) == [(0, name, rule)]
    assert wrong(odd, {"rows": [ROW, ROW | {name: value}]}) == [(1, name, rule)]


def test_the_value_of_a_column_is_found_in_each_form(odd):
    for content in (ROW, {"rows": [ROW]}, {"columns": {name: [value] for name, value in ROW.items()}}):
        assert odd._quickly(body(content)).values("the id") == ["x"]
        assert odd.take(content).values("the id") == ["x"]
        assert odd._quickly(body(content)).values("note") == [None]


def test_a_moment_with_an_offset_is_refused_by_a_column_without_a_timezone(odd):
    with pytest.raises(Refusal) as refused:
        odd.read(body(ROW | {"seen": "2013-12-24T18:30:00-05:00"}))
    assert refused.value.problems[0].rule.startswith("has an offset from UTC")


def test_many_rows_are_encoded_block_by_block_as_they_are_at_once(made, probe, monkeypatch):
    forms, rows = Forms(made.contract, 1000), probe["rows"]
    expected = encode(rows, made.contract)
    for blocks in ({"LARGE_BLOCK": 7, "BLOCK": 7}, {"LARGE_BLOCK": 50, "BLOCK": 100}):
        for name, size in blocks.items():
            monkeypatch.setattr(forms_module, name, size)
        assert same(forms.read(body({"rows": rows})).columns, expected)
        assert same(forms.take({"rows": rows}).columns, expected)
        assert same(forms.take({"rows": []}).columns, encode([], made.contract))
        assert same(forms.read(b'{"rows":[]}').columns, encode([], made.contract))
    assert LARGE_BLOCK > BLOCK


def test_a_problem_far_down_is_told_with_its_row(made, probe):
    rows = [probe["rows"][0]] * (2 * BLOCK + 5)
    rows = [*rows[:3], rows[0] | {"distance": "x"}, *rows[4:-1], rows[0] | {"distance": "y"}]
    found = wrong(Forms(made.contract, 10_000), {"rows": rows})
    assert [(row, name) for row, name, _ in found] == [(3, "distance"), (2 * BLOCK + 4, "distance")]


def test_no_more_problems_are_looked_for_than_are_listed(made, monkeypatch):
    asked = []
    monkeypatch.setattr(forms_module, "encode", lambda rows, *given: asked.append(len(rows)) or encode(rows, *given))
    forms = Forms(made.contract, 100_000)
    with pytest.raises(Refusal, match=f"more than {LISTED} values break the contract; .* {LISTED} of them are listed"):
        forms.read(b'{"rows": [' + b"{}," * 50_000 + b"{}]}")
    assert asked == [BLOCK]


@pytest.mark.parametrize(
    "content",
    [
        {f"name {number}": 1 for number in range(LISTED + 9)},
        {"columns": {f"name {number}": [1] for number in range(LISTED + 9)}},
        {"columns": {f"name {number}": 1 for number in range(LISTED + 9)}},
        {"rows": []} | {f"name {number}": 1 for number in range(LISTED + 9)},
        {"rows": [1] * (LISTED + 9)},
    ],
)
def test_of_unknown_names_no_more_are_listed_either(made, content):
    assert len(wrong(Forms(made.contract, 10_000), content)) == LISTED


def test_the_log_has_the_number_that_a_text_stands_for():
    columns = {"cost": Column("number", "feature", "", "€", format="1.234,5"), "late": LATE}
    forms = Forms(Contract("shop", "sales", "me", columns), 10)
    for body in ({"rows": [{"cost": "1.234 €"}, {"cost": 1.234}]}, {"columns": {"cost": ["1.234", 1.234]}}):
        parsed = forms.read(json.dumps(body).encode())
        assert parsed.columns["cost"].tolist() == parsed.values("cost") == [1234.0, 1.234]
