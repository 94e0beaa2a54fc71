"""The verb `stream` as it runs, on a real broker. Every test starts processes, so they are few."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from kafka_broker import GROUP, running_broker
from modelyard.runtime.table_files import read_chunks

from flight_delays import project

SECONDS = 60


class Stream:
    """The verb as a process of its own, between two topics of a broker."""

    def __init__(self, broker, topic, bundle, errors, *arguments, group="g", **env):
        self.errors = errors
        with errors.open("w") as opened:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "flight_delays", "stream", "--port", "0"),
                    *("--from", f"kafka://{broker.address}/{topic}?group={group}"),
                    *("--to", f"kafka://{broker.address}/{topic}.answers"),
                    *(() if "--config" in arguments else ("--bundle", str(bundle))),
                    *map(str, arguments),
                ],
                env={**os.environ, **GROUP, **env},
                stderr=opened,
            )

    @property
    def said(self):
        """What it printed."""
        return self.errors.read_text()

    def get(self, path):
        """Status and body of a path of its port."""
        found = None
        until = time.monotonic() + SECONDS
        while found is None:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < until, self.said
            found = re.search(r"http://127\.0\.0\.1:(\d+)/metrics", self.said)
            time.sleep(0.05)
        connection = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=10)
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()

    def end(self, number=signal.SIGTERM):
        """Its exit status after a signal."""
        self.process.send_signal(number)
        return self.process.wait(SECONDS)


@pytest.fixture
def stream(broker, tmp_path):
    """Starts streams, and ends them."""
    made = []

    def start(topic, workspace, *arguments, **settings):
        errors = tmp_path / f"stderr-{len(made)}.txt"
        made.append(Stream(broker, topic, workspace.root / "bundle", errors, *arguments, **settings))
        return made[-1]

    yield start
    for one in made:
        one.process.kill()
        one.process.wait(SECONDS)


def rows_of(workspace, most):
    """Rows of a month, as the contract has them."""
    path = sorted(workspace.source.glob("*.parquet"))[-1]
    inputs = [*workspace.contract.inputs, *workspace.contract.named("id")]
    rows = [row for chunk in read_chunks(path, workspace.contract) for row in chunk.rows]
    return [{name: row[name] for name in inputs if row.get(name) is not None} for row in rows[:most]]


def as_messages(rows):
    """A message for each row."""
    return [json.dumps(row, default=str).encode() for row in rows]


def by_key(messages):
    """The values of each key."""
    values = {}
    for one in messages:
        values.setdefault(one.key().decode(), []).append(one.value())
    return values


@pytest.mark.parametrize("kind", ["made", "made_regression", "made_multiclass"])
def test_an_answer_is_that_of_the_service_and_of_the_batch_to_the_last_bit(kind, request, broker, stream, called):
    workspace = request.getfixturevalue(kind)
    rows = rows_of(workspace, 600)
    messages = as_messages(rows)
    topic = broker.topic(3, ".answers", ".refused")
    broker.send(topic, messages, 3)
    one = stream(topic, workspace)
    found = by_key(broker.all_of(f"{topic}.answers", len(rows), 3))
    assert one.end() == 0
    assert {len(values) for values in found.values()} == {1}
    service, name = called(workspace.root / "bundle"), workspace.contract.name
    scores = project.predictor(workspace.root / "bundle").predict(rows).tolist()
    for number, message in enumerate(messages):
        (value,) = found[f"{topic}/{number % 3}/{number // 3}"]
        answer = json.loads(service.post("/predict", message).body)
        assert json.loads(value) == {**answer, "model": name}
        assert json.loads(value)["predictions"][0]["prediction"] == scores[number]
    assert broker.committed(topic, "g", 3) == [200, 200, 200]


def test_a_killed_process_and_a_rebalance_lose_nothing(made, broker, stream):
    messages = as_messages(rows_of(made, 400)) * 15
    topic = broker.topic(4, ".answers", ".refused")
    broker.send(topic, messages, 4)
    first = stream(topic, made, "--batch", "20")
    broker.all_of(f"{topic}.answers", 200, 4)
    first.end(signal.SIGKILL)
    both = [stream(topic, made, "--batch", "20") for _ in range(2)]
    broker.all_of(f"{topic}.answers", 3000, 4)
    late = as_messages(rows_of(made, 40))
    broker.send(topic, late, 4)
    found = by_key(broker.all_of(f"{topic}.answers", len(messages) + len(late), 4))
    assert len(found) == len(messages) + len(late)
    assert [f"partitions of {topic}: [" in one.said for one in both] == [True, True]  # each has some
    assert {len(set(values)) for values in found.values()} == {1}  # an answer that is repeated is the same


POISON = {
    b"not json": "no JSON",
    b"": "no JSON",
    b"\xff\xfe{}": "no JSON",
    b"[" * 5000: "no JSON",
    b"null": "no row",
    b"[1]": "no row",
    b"{}": "rows refused",
    b'{"rows": [7]}': "rows refused",
    b'{"distance": "far"}': "rows refused",
    b'{"distance": 1e999}': "rows refused",
    b" " * 200_001: "too large",
    None: "no JSON",
}


def test_a_message_that_cannot_be_answered_stops_nothing(made, broker, stream, tmp_path):
    good = as_messages(rows_of(made, 50))
    late = json.dumps(json.loads(good[0]) | {"scheduled_departure": "yesterday"}).encode()
    poison = [*POISON, late]
    topic = broker.topic(1, ".answers", ".refused")
    broker.send(topic, [*good[:25], *poison, *good[25:]], key=b"k", headers={"traceparent": b"00-1"})
    config = tmp_path / "serving.json"
    log = tmp_path / "log"
    log.mkdir()
    models = {made.contract.name: {"bundle": str(made.root / "bundle")}}
    config.write_text(json.dumps({"models": models, "body_mb": 0.2, "log": {"folder": str(log)}}))
    one = stream(topic, made, "--config", config)
    answers = broker.all_of(f"{topic}.answers", len(good))
    refused = broker.all_of(f"{topic}.refused", len(poison))
    status, metrics = one.get("/metrics")
    assert (status, one.get("/healthz")[0], one.get("/readyz")[0]) == (200, 200, 200)
    assert one.end() == 0
    assert len(answers) == len(good)
    assert [message.value() or None for message in refused] == [value or None for value in poison]  # as they came
    headers = [dict(message.headers()) for message in refused]
    titles = [json.loads(one["modelyard-reason"])["title"] for one in headers]
    assert titles == [*POISON.values(), "rows refused"]
    assert {(one["modelyard-key"], one["traceparent"]) for one in headers} == {(b"k", b"00-1")}
    counts = Counter(titles)
    for title, count in {**counts, "answered": len(good)}.items():
        assert f'modelyard_stream_messages_total{{outcome="{title}"}} {count}\n' in metrics
    lines = [json.loads(line) for path in log.glob("*.jsonl") for line in path.read_text().splitlines()]
    places = [*range(25), *range(25 + len(poison), 50 + len(poison))]
    assert [line["request"] for line in lines] == [f"{topic}/0/{place}" for place in places]
    scores = [json.loads(message.value())["predictions"][0]["prediction"] for message in answers]
    assert [line["score"] for line in lines] == scores


def test_what_a_topic_does_not_take_is_refused_without_its_value(made, broker, stream):
    rows = rows_of(made, 60)
    messages = [json.dumps({"rows": rows}, default=str).encode(), b"x" * 1950, *as_messages(rows[:5])]
    topic = broker.topic(1, ".answers", ".refused")
    broker.send(topic, messages)
    one = stream(topic, made, KAFKA_MESSAGE_MAX_BYTES="2000")
    assert len(broker.all_of(f"{topic}.answers", 5)) == 5
    headers = [dict(message.headers()) for message in broker.all_of(f"{topic}.refused", 2)]
    assert one.end() == 0
    reasons = [json.loads(one["modelyard-reason"])["title"] for one in headers]
    assert reasons == ["answer too large", "no JSON"]
    assert [one["modelyard-omitted"].split()[0] for one in headers] == [b"%d" % len(messages[0]), b"1950"]


def test_while_the_broker_is_gone_the_stream_waits_and_then_goes_on(made, broker, stream):
    messages = as_messages(rows_of(made, 400)) * 5
    topic = broker.topic(2, ".answers", ".refused")
    broker.send(topic, messages, 2)
    one = stream(topic, made, "--batch", "20")
    broker.all_of(f"{topic}.answers", 200, 2)
    broker.proxy.cut()
    time.sleep(2)
    broker.proxy.mend()
    found = by_key(broker.all_of(f"{topic}.answers", len(messages), 2))
    assert {len(set(values)) for values in found.values()} == {1}
    assert one.process.poll() is None, one.said
    assert one.get("/readyz")[0] == 200
    assert one.end() == 0
    assert broker.committed(topic, "g", 2) == [1000, 1000]


def test_lines_of_stdin_are_answered_on_stdout(made, tmp_path):
    rows = as_messages(rows_of(made, 30))
    refused = tmp_path / "refused.jsonl"
    command = [sys.executable, "-m", "flight_delays", "stream", "--from", "-", "--to", "-", "--bundle"]
    done = subprocess.run(
        [*command, made.root / "bundle", "--refused", refused],
        input=b"\n".join([*rows[:10], b"nothing", b"", b"\xff", *rows[10:]]),
        stdout=subprocess.PIPE,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["key"] for one in answers] == [f"stdin/0/{number}" for number in [*range(10), *range(13, 33)]]
    told = [json.loads(line) for line in refused.read_text().splitlines()]
    assert [(one["key"], one.get("value"), one.get("value_base64")) for one in told] == [
        ("stdin/0/10", "nothing", None),
        ("stdin/0/12", None, "/w=="),
    ]
    assert "line 1, column 1" in told[0]["reason"]["detail"]


def test_the_answers_to_lines_have_keys_of_their_own_in_each_run(made, broker):
    topic, rows = broker.topic(), b"\n".join(as_messages(rows_of(made, 3)))
    command = [
        sys.executable,
        "-m",
        "flight_delays",
        "stream",
        "--from",
        "-",
        "--to",
        f"kafka://{broker.address}/{topic}",
    ]
    for _ in range(2):
        subprocess.run([*command, "--bundle", made.root / "bundle"], input=rows, check=True)
    found = by_key(broker.all_of(topic, 6))
    assert len(found) == 6
    assert {key.partition("/")[2] for key in found} == {"stdin/0/0", "stdin/0/1", "stdin/0/2"}


def test_a_password_that_the_broker_refuses_is_told_and_not_shown(made):
    told = {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_SASL_MECHANISM": "SCRAM-SHA-256"}
    told |= {"KAFKA_SASL_USERNAME": "scoring", "KAFKA_SASL_PASSWORD": "hidden-word"}
    with running_broker("--authentication") as locked:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "flight_delays", "stream", "--from", "-"),
                *("--to", f"kafka://{locked.address}/answers", "--bundle", str(made.root / "bundle")),
            ],
            env={**os.environ, **told},
            input=b"",
            capture_output=True,
            check=False,
        )
    said = done.stderr.decode()
    assert done.returncode == 1
    assert "SASL SCRAM authentication failed" in said
    assert "hidden-word" not in said
    assert "Traceback" not in said


def test_a_missing_topic_ends_the_stream_with_an_error(made, broker, stream):
    topic = broker.topic(1, ".answers")
    one = stream(topic, made)
    assert one.process.wait(SECONDS) == 1
    assert f"there is no topic {topic}.refused" in one.said
