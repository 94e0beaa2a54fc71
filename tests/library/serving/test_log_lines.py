from __future__ import annotations

import datetime
import json

import msgspec
import numpy as np
import pytest
from modelyard.runtime.contract import Column, Contract
from modelyard.serving.log.log_lines import MASK, Asked, LogEntry, LoggedModel, encode, encode_row, lines, masked

CONTRACT = Contract(
    "flights",
    "flights",
    "me",
    {
        "name": Column("string", "id", "who", pii=True, purpose="to find the label"),
        "age": Column("integer", "feature", "how old", pii=True, purpose="it matters", missing=True),
        "distance": Column("number", "feature", "how far"),
        "late": Column("boolean", "target", "whether"),
    },
)
SOURCE = LoggedModel("flights", "contract hash", "canary", masked(CONTRACT))
ROWS = [{"name": "Ada", "age": 36, "distance": 1.5}, {"name": "Bo", "age": None, "distance": 2}, {"distance": 3}]


def entry(inputs=ROWS, scores=(0.1, 0.2, 0.3), source=SOURCE, **more):
    given = {
        "source": source,
        "request": Asked("r1", "shop"),
        "time": 1795600800.25,
        "bundle": "0123456789ab",
        "answered_by": "model",
        "inputs": inputs,
        "scores": np.array(scores),
        "decisions": [True] * len(scores),
        "latency_ms": 0.12345,
    }
    return LogEntry(**given | more)


def told(given):
    raw, lost = encode(list(lines(given)))
    assert lost == 0
    assert raw.endswith(b"\n")
    return [json.loads(line) for line in raw.splitlines()]


def test_a_line_says_all_of_one_row():
    assert told(entry(ROWS[2:], [0.3]))[0] == {
        "request": "r1",
        "time": "2026-11-25T10:00:00.250000Z",
        "model": "flights",
        "bundle": "0123456789ab",
        "contract": "contract hash",
        "variant": "canary",
        "answered_by": "model",
        "latency_ms": 0.123,
        "row": 0,
        "inputs": {"distance": 3},
        "score": 0.3,
        "decision": True,
        "caller": "shop",
    }


def test_the_time_is_read_as_utc():
    moment = datetime.datetime.fromisoformat(told(entry(time=1795600800))[0]["time"])
    assert moment == datetime.datetime(2026, 11, 25, 10, tzinfo=datetime.UTC)


def test_what_is_personal_is_masked_and_what_is_missing_shows_so():
    assert [line["inputs"] for line in told(entry())] == [
        {"name": MASK, "age": MASK, "distance": 1.5},
        {"name": MASK, "age": None, "distance": 2},
        {"distance": 3},
    ]
    assert ROWS[0]["name"] == "Ada"  # what the client sent is as it was


def test_rows_are_taken_as_structs_too_by_the_names_that_clients_use():
    kind = msgspec.defstruct(
        "Row",
        [("f0", str), ("f1", int | None, None), ("f2", float, 0.0)],
        rename={"f0": "name", "f1": "age", "f2": "distance"},
        omit_defaults=True,
    )
    rows = [kind("Ada", 36, 1.5), kind("Bo", None, 2.0)]
    assert [line["inputs"] for line in told(entry(rows, [0.1, 0.2]))] == [
        {"name": MASK, "age": MASK, "distance": 1.5},
        {"name": MASK, "distance": 2.0},
    ]
    open_source = LoggedModel("flights", "hash", "stable")
    assert told(entry(rows, [0.1, 0.2], open_source))[0]["inputs"] == {"name": "Ada", "age": 36, "distance": 1.5}


def test_columns_are_written_as_rows():
    columns = {"name": ["Ada", "Bo"], "distance": np.array([1.5, np.nan])}
    assert [line["inputs"] for line in told(entry(columns, [0.1, 0.2]))] == [
        {"name": MASK, "distance": 1.5},
        {"name": MASK, "distance": None},
    ]
    assert [line["inputs"] for line in told(entry({}, [0.1, 0.2]))] == [{}, {}]


@pytest.mark.parametrize("inputs", [ROWS, {"distance": [1.5, 2, 3]}], ids=["rows", "columns"])
def test_a_part_of_a_request_keeps_the_positions_of_its_rows(inputs):
    found = told(entry(inputs, [0.7, 0.9], rows=np.array([0, 2])))
    assert [(line["row"], line["inputs"]["distance"], line["score"]) for line in found] == [(0, 1.5, 0.7), (2, 3, 0.9)]


def test_several_classes_have_their_probabilities_and_a_shadow_says_that_it_is_one():
    (line,) = told(entry(ROWS[:1], [[0.2, 0.8]], decisions=["late"], shadow=True))
    assert (line["score"], line["decision"], line["shadow"]) == ([0.2, 0.8], "late", True)


def test_ids_that_were_sent_are_told_and_masked_where_they_are_personal():
    ids = {"name": ("Ada", None, None), "trip": (1, 2, None)}
    assert [line.get("ids") for line in told(entry(ids=ids))] == [{"name": MASK, "trip": 1}, {"trip": 2}, None]
    (part,) = told(entry(scores=[0.2], rows=[1], ids=ids))
    assert part["ids"] == {"trip": 2}
    open_source = LoggedModel("flights", "hash", "stable")
    one = json.loads(encode_row(entry(ROWS[2:], [0.1], open_source, ids={"trip": (7,)})))
    assert (one["ids"], one["inputs"]) == ({"trip": 7}, {"distance": 3})


def test_a_request_of_no_rows_has_no_line():
    assert list(lines(entry([], []))) == []


def test_what_json_cannot_hold_is_left_out_and_counted_and_the_rest_is_written():
    raw, lost = encode(list(lines(entry([{"distance": 1}, {"distance": object()}, {"distance": "\ud800"}]))))
    assert lost == 1
    assert [json.loads(line)["row"] for line in raw.splitlines()] == [0, 2]


@pytest.mark.parametrize("asked", [Asked("r1"), Asked("r1", "oidc:\udc80", "mine\ud83d")])
def test_half_a_character_is_replaced_wherever_it_is(asked):
    """JSON can send one as an escape, so a client can; a reader of the log need not know it."""
    inputs = [{"name": "a\ud800b", "distance": 1e300, "odd\udfff": ["\U0001f600", 10**30, None]}]
    source = LoggedModel("flights", "hash", "stable")
    one = encode_row(entry(inputs, [0.1], source, request=asked))
    assert one + one == encode(list(lines(entry(inputs * 2, [0.1, 0.1], source, request=asked))))[0].replace(
        b'"row":1', b'"row":0'
    )
    line = msgspec.json.decode(one)
    assert line["inputs"] == {"name": "a\ufffdb", "distance": 1e300, "odd\ufffd": ["\U0001f600", 10**30, None]}
    assert line.get("caller") == (asked.caller and "oidc:\ufffd")
    assert line.get("client_request") == (asked.client_id and "mine\ufffd")
    assert line["time"] == "2026-11-25T10:00:00.250000Z"


def test_a_line_break_in_a_value_breaks_no_line():
    (line,) = told(entry([{"distance": "a\nb\r\u2028"}], [0.1]))
    assert line["inputs"]["distance"] == "a\nb\r\u2028"


@pytest.mark.parametrize(
    "wrong", [{"inputs": ROWS[:2]}, {"decisions": [True]}, {"rows": [0]}], ids=["inputs", "decisions", "rows"]
)
def test_an_entry_whose_parts_do_not_fit_is_a_fault(wrong):
    with pytest.raises(ValueError, match="3 scores have"):
        lines(entry(**wrong))
