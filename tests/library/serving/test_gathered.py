"""Rows of several requests in one call, with real bundles."""

from __future__ import annotations

import asyncio
import json

import pytest
from modelyard.runtime.rows import encode
from modelyard.serving.answers.gathered import Gathered
from modelyard.serving.answers.variants import Served
from modelyard.serving.config import Config, ModelConfig, SplitConfig

from flight_delays import project

KINDS = ["made", "made_multiclass", "made_regression"]


def answers(served, tables):
    """What tables of one row each are answered when all of them wait."""

    async def ask():
        gathered = Gathered(served)
        return await asyncio.gather(*[gathered.answer(table) for table in tables])

    return asyncio.run(ask())


def tables_of(served, rows):
    return [served.table(encode([row], served.contract)) for row in rows]


def probe_rows(bundle, count):
    return json.loads((bundle / "probe.json").read_text())["rows"][:count]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 2, 7, 64])
def test_each_row_has_the_answer_that_it_has_alone(kind, count, request):
    bundle = request.getfixturevalue(kind).root / "bundle"
    served = Served(project, "flights", ModelConfig(str(bundle)), 1e6)
    tables = tables_of(served, probe_rows(bundle, count))
    model = project.predictor(bundle).model
    found = answers(served, tables)
    assert [one.answered.scores.tolist() for one in found] == [model.answer(table).tolist() for table in tables]
    assert {one.answered.by for one in found} == {"model"}
    assert all(one.seconds > 0 for one in found)


def test_rows_that_wait_together_take_one_call(made, monkeypatch):
    served = Served(project, "flights", ModelConfig(str(made.root / "bundle")), 1e6)
    tables = tables_of(served, probe_rows(made.root / "bundle", 9))
    model, sizes = served.first._answer, []
    monkeypatch.setattr(served.first, "_answer", lambda table: sizes.append(len(table)) or model(table))
    answers(served, tables)
    assert sizes == [9]


def test_a_row_that_the_model_fails_at_does_not_harm_the_others(made, failing):
    bundle = failing(made)
    served = Served(project, "flights", ModelConfig(str(bundle)), 1e6)
    rows = probe_rows(bundle, 4)
    rows[2] = rows[2] | {"distance": 5500}  # where it fails
    tables = tables_of(served, rows)
    found = [one.answered for one in answers(served, tables)]
    assert [one.by for one in found] == ["model", "model", "baseline", "model"]
    expected = project.predictor(made.root / "bundle").model
    assert [found[place].scores.tolist() for place in (0, 1, 3)] == [
        expected.answer(tables[place]).tolist() for place in (0, 1, 3)
    ]


def test_a_request_that_is_gone_keeps_nobody_waiting(made):
    served = Served(project, "flights", ModelConfig(str(made.root / "bundle")), 1e6)
    tables = tables_of(served, probe_rows(made.root / "bundle", 3))

    async def ask():
        gathered = Gathered(served)
        first, gone, last = (gathered.answer(table) for table in tables)
        gone.cancel()
        return await asyncio.wait_for(asyncio.gather(first, last), 5)

    assert [one.answered.by for one in asyncio.run(ask())] == ["model", "model"]


def test_a_fault_reaches_each_request_and_the_next_ones_are_answered(made, monkeypatch):
    served = Served(project, "flights", ModelConfig(str(made.root / "bundle")), 1e6)
    (table,) = tables_of(served, probe_rows(made.root / "bundle", 1))

    async def ask():
        gathered = Gathered(served)
        with monkeypatch.context() as broken:
            broken.delattr(Served, "answer")
            failed = await asyncio.gather(*[gathered.answer(table) for _ in range(3)], return_exceptions=True)
        return failed, await gathered.answer(table)

    failed, well = asyncio.run(ask())
    assert {type(one) for one in failed} == {AttributeError}
    assert well.answered.by == "model"


def test_requests_at_the_same_time_are_each_answered_and_counted_as_their_own(called, made, probe, monkeypatch):
    app = called(made.root / "bundle")
    sizes, (live,) = [], app.models.live.values()
    model = live.served.first._answer
    monkeypatch.setattr(live.served.first, "_answer", lambda table: sizes.append(len(table)) or model(table))
    bodies = [json.dumps(row).encode() for row in probe["rows"][:20]]
    bodies[3] = b'{"carrier": "nobody"}'
    bodies[5] = json.dumps({"rows": probe["rows"][5:7]}).encode()
    found = app.post_at_once("/predict", bodies)
    assert [one.status for one in found] == [422 if place == 3 else 200 for place in range(20)]
    for place, one in enumerate(found):
        if place != 3:
            assert one.json()["predictions"][0]["prediction"] == probe["answers"][place]
    assert sizes == [2, 18]
    counted = 'modelyard_predictions_total{model="flights",variant="stable",answered_by="model"} 20'
    assert counted in app.get("/metrics").body.decode()


def test_where_traffic_is_split_each_request_goes_its_own_way(called, made, copied, probe):
    split = SplitConfig(str(copied(made)), "X-User", 0.5)
    app = called(Config({"flights": ModelConfig(str(made.root / "bundle"), split=split)}))
    found = app.post_at_once("/predict", [json.dumps(row).encode() for row in probe["rows"][:4]])
    assert [one.json()["predictions"][0]["prediction"] for one in found] == probe["answers"][:4]
