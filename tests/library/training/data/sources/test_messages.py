"""A Kafka topic as the source of training, on a real broker."""

from __future__ import annotations

import dataclasses
import json
import shutil

import pytest
from modelyard.errors import ContractError
from modelyard.training.data.difference import Answers
from modelyard.training.data.periods import read_periods
from modelyard.training.ingest import _source_name, ingest
from modelyard.training.layout import LEDGER, PERIODS
from modelyard.training.settings import StreamSettings

MONTHS = ("2013-01", "2013-02")


@pytest.fixture
def streamed(workspace, broker):
    """A workspace whose rows are messages of a topic with two partitions: those of the first month."""
    topic = broker.topic(2)
    workspace.edit(watermark=MONTHS[0])
    send(broker, topic, workspace, MONTHS[0])
    source = StreamSettings("stream", f"kafka://{broker.address}/{topic}", str(workspace.root / "landed"))
    return workspace, topic, dataclasses.replace(workspace.params, source=source)


def send(broker, topic, workspace, month, rows=slice(None)):
    values = [json.dumps(row, default=str).encode() for row in workspace.month(month).to_pylist()[rows]]
    broker.send(topic, values, 2)
    return len(values)


def taken(workspace):
    ledger = json.loads((workspace.root / LEDGER).read_text())
    return {period: entry["sha256"] for period, entry in ledger["periods"].items()}, ledger["stream"]


def test_messages_land_as_the_periods_that_files_give(streamed):
    workspace, _, params = streamed
    ingest(workspace.root, workspace.contract, params)
    landed, stream = taken(workspace)
    rows = workspace.month(MONTHS[0]).num_rows
    assert stream == {"first": {"0": 0, "1": 0}, "taken": {MONTHS[0]: {"0": (rows + 1) // 2, "1": rows // 2}}}
    other = workspace.root.parent / "files"
    shutil.copytree(workspace.root, other, ignore=shutil.ignore_patterns("data", "landed"))
    ingest(other, workspace.contract, dataclasses.replace(params, source=workspace.params.source))
    assert {
        period: entry["sha256"] for period, entry in json.loads((other / LEDGER).read_text())["periods"].items()
    } == landed


def test_late_messages_are_counted_and_taken_when_somebody_says_so(streamed, broker):
    workspace, topic, params = streamed
    ingest(workspace.root, workspace.contract, params)
    before, _ = taken(workspace)
    send(broker, topic, workspace, MONTHS[1])
    late = [
        dict(row, flight_id=f"late-{number}") for number, row in enumerate(workspace.month(MONTHS[0]).to_pylist()[:3])
    ]
    broker.send(topic, [json.dumps(row, default=str).encode() for row in late])
    broker.send(topic, [b"no json", None])
    both = dataclasses.replace(params, watermark=MONTHS[1])
    told = ingest(workspace.root, workspace.contract, both)
    assert any(line.startswith(f"late: 3 messages for {MONTHS[0]}, which was taken before") for line in told)
    assert "left out: 2 messages without a row or its scheduled_departure" in told
    after, stream = taken(workspace)
    assert after[MONTHS[0]] == before[MONTHS[0]]
    assert stream["taken"][MONTHS[0]] != stream["taken"][MONTHS[1]]
    ingest(workspace.root, workspace.contract, both, Answers(accept=frozenset({MONTHS[0]})))
    assert read_periods(workspace.root / PERIODS, [MONTHS[0]], ["flight_id"]).num_rows == (
        workspace.month(MONTHS[0]).num_rows + 3
    )
    assert taken(workspace)[1]["taken"][MONTHS[0]] == stream["taken"][MONTHS[1]]


def test_the_same_offsets_give_the_same_bytes_on_another_machine(streamed, broker):
    workspace, topic, params = streamed
    ingest(workspace.root, workspace.contract, params)
    send(broker, topic, workspace, MONTHS[1])
    send(broker, topic, workspace, "2013-03", slice(5))
    both = dataclasses.replace(params, watermark=MONTHS[1])
    ingest(workspace.root, workspace.contract, both)
    late = dict(workspace.month(MONTHS[0]).to_pylist()[0], flight_id="late")
    broker.send(topic, [json.dumps(late, default=str).encode()])
    ledger = (workspace.root / LEDGER).read_bytes()
    clone = workspace.root.parent / "clone"  # with what Git has, and without what was landed
    shutil.copytree(workspace.root, clone, ignore=shutil.ignore_patterns("landed", "periods", ".seen.json"))
    source = dataclasses.replace(both.source, folder=str(clone / "landed"))
    edited = json.loads(ledger)
    edited["source"] = _source_name(workspace.contract, dataclasses.replace(both, source=source))
    (clone / LEDGER).write_text(json.dumps(edited))
    ingest(clone, workspace.contract, dataclasses.replace(both, source=source))
    ours, theirs = json.loads(ledger), json.loads((clone / LEDGER).read_text())
    assert ours["periods"] == theirs["periods"]
    assert ours["stream"] == theirs["stream"]
    for month in MONTHS:
        assert (clone / PERIODS / f"{month}.parquet").read_bytes() == (
            workspace.root / PERIODS / f"{month}.parquet"
        ).read_bytes()


def test_what_a_killed_run_has_landed_by_half_is_landed_again(streamed, broker):
    workspace, topic, params = streamed
    ingest(workspace.root, workspace.contract, params)
    before = taken(workspace)
    state = workspace.root / "landed/landed.json"
    kept, size = state.read_text(), (workspace.root / f"landed/{MONTHS[0]}.jsonl").stat().st_size
    send(broker, topic, workspace, MONTHS[1])
    ingest(workspace.root, workspace.contract, params)
    state.write_text(kept)  # as if the process had ended before it was written
    with (workspace.root / f"landed/{MONTHS[0]}.jsonl").open("a") as opened:
        opened.write("[0, 1")
    ingest(workspace.root, workspace.contract, params, verify=True)
    assert taken(workspace) == before
    assert (workspace.root / f"landed/{MONTHS[0]}.jsonl").stat().st_size == size
    assert len((workspace.root / f"landed/{MONTHS[1]}.jsonl").read_text().splitlines()) == (
        workspace.month(MONTHS[1]).num_rows
    )


def test_a_message_that_breaks_the_contract_is_refused_as_in_any_source(streamed, broker):
    workspace, topic, params = streamed
    row = dict(workspace.month(MONTHS[0]).to_pylist()[0], flight_id="other", distance="far")
    broker.send(topic, [json.dumps(row, default=str).encode()])
    with pytest.raises(ContractError, match="distance"):
        ingest(workspace.root, workspace.contract, params)
    assert not (workspace.root / LEDGER).exists()
