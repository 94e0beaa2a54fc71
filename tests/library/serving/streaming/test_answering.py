"""Messages answered together, against the service that answers each by itself."""

from __future__ import annotations

import json

import msgspec
import pytest
from modelyard.runtime.project import Project
from modelyard.serving.answers.models import Models
from modelyard.serving.config import Config, ModelConfig, SplitConfig
from modelyard.serving.log.metrics import Metrics
from modelyard.serving.log.shared import Shared
from modelyard.serving.streaming.answering import Answering
from modelyard.serving.streaming.message import StreamMessage

from flight_delays import project


@pytest.fixture
def answering():
    """Makes what answers messages with a model, of this project or of one that is given."""
    made = []

    def make(config, one=project, limit=10**6):
        made.append(Models.load(one, config, Metrics(Shared(1), 0), None))
        return Answering(made[-1].live[config.main], limit)

    yield make
    for one in made:
        one.close()


def messages_of(bodies, **settings):
    return [StreamMessage("rows", 0, number, body, **settings) for number, body in enumerate(bodies)]


def encoded(rows):
    return [json.dumps(row).encode() for row in rows]


def config_of(bundle, **settings):
    return Config({"flights": ModelConfig(str(bundle), **settings)})


def test_all_forms_of_a_body_get_the_bytes_that_the_service_sends(made, answering, called, probe):
    rows = probe["rows"][:40]
    columns = {name: [row.get(name) for row in rows] for name in rows[0]}
    bodies = [*encoded(rows), *encoded([{"rows": rows}, {"columns": columns}]), b"{}", b"[", b'{"distance":5}', b"\xff"]
    bodies += encoded([{**rows[0], "distance": 529.0}, {**rows[0], "scheduled_departure": "soon"}, {**rows[0], "x": 1}])
    outcomes = answering(config_of(made.root / "bundle")).answer(messages_of(bodies))
    service = called(made.root / "bundle")
    for body, one in zip(bodies, outcomes, strict=True):
        told = service.post("/predict", body)
        assert told.status == (200 if one.refusal is None else one.refusal.status)
        if one.refusal is None:
            assert one.body == told.body
        else:
            assert told.json()["detail"] == one.refusal.detail
    assert sum(one.refusal is None for one in outcomes) == 43


def test_a_regression_and_another_project_are_answered_as_one_row_is(made_regression, other, answering):
    for workspace in (made_regression, other):
        rows = json.loads((workspace.root / "bundle/probe.json").read_text())["rows"][:60]
        config = Config({workspace.contract.name: ModelConfig(str(workspace.root / "bundle"))})
        one = answering(config, workspace.project)
        together = one.answer(messages_of(encoded(rows)))
        alone = [one.answer(messages_of([body]))[0] for body in encoded(rows)]
        assert [outcome.refusal for outcome in together] == [None] * len(rows)
        assert [outcome.body for outcome in together] == [outcome.body for outcome in alone]


def test_a_row_for_which_the_model_fails_gets_the_fallback_and_no_other_row_does(made, failing, answering, probe):
    far = {**probe["rows"][0], "distance": 5500}
    bodies = encoded([*probe["rows"][:3], far, *probe["rows"][3:6]])
    outcomes = answering(config_of(failing(made))).answer(messages_of(bodies))
    by = [json.loads(one.body)["fallback"] for one in outcomes]
    assert by == [None, None, None, "baseline", None, None, None]


def test_a_row_for_which_the_features_fail_is_refused_and_no_other_row_is(made, answering, probe):
    def features(columns, contract):
        if (columns["distance"] == 5500).any():
            raise ZeroDivisionError
        return project.features(columns, contract)

    rows = probe["rows"][:9]
    answers = answering(config_of(made.root / "bundle"), Project(project.name, features))
    outcomes = answers.answer(messages_of(encoded([*rows, {**rows[0], "distance": 5500}])))
    assert [one.refusal.status if one.refusal else None for one in outcomes] == [None] * 9 + [500]
    assert "ZeroDivisionError" in outcomes[-1].refusal.detail


@pytest.mark.parametrize("key", ["x-user", "carrier"])
def test_a_traffic_split_goes_by_a_header_or_a_column_of_each_message(made, copied, answering, short, probe, key):
    second = copied(made, "second")
    split = SplitConfig(bundle=str(second), key=key, share=0.5)
    answers = answering(config_of(made.root / "bundle", split=split))
    carriers = made.contract.columns["carrier"].values
    rows = [{**probe["rows"][number], "carrier": carriers[number % len(carriers)]} for number in range(40)]
    messages = messages_of(encoded(rows))
    if key == "x-user":
        messages = [
            one._replace(headers=[("X-User", row["carrier"].encode())]) for one, row in zip(messages, rows, strict=True)
        ]
    outcomes = answers.answer(messages)
    expected = [
        short(second if answers._live.served.split.takes(row["carrier"]) else made.root / "bundle") for row in rows
    ]
    assert [json.loads(one.body)["bundle"] for one in outcomes] == expected
    assert len(set(expected)) == 2


def test_a_message_beyond_the_limit_and_one_without_a_value_are_refused(made, answering, probe):
    (body,) = encoded(probe["rows"][:1])
    config = msgspec.structs.replace(config_of(made.root / "bundle"), rows=2)
    bodies = [body, body + b" " * 1000, None, *encoded([{"rows": probe["rows"][:3]}])]
    outcomes = answering(config, limit=len(body)).answer(messages_of(bodies))
    assert [one.refusal.status if one.refusal else None for one in outcomes] == [None, 413, 400, 413]
