"""Whether a bundle answers its probe correctly, as a library and as a service."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..runtime.contract import Contract
from ..runtime.predictor import Predictor
from ..runtime.project import Project
from .passed import noted
from .small_bundle import read_probe

SECONDS = 30.0  # timeout of the service for its start, an answer and its end
PORT = re.compile(r"http://[^ ]+:(\d+) ")


@dataclass(frozen=True)
class Service:
    """The project's service as a process of its own, at a port of this machine."""

    port: int

    def ask(self, path: str, content: Any = None) -> tuple[int, Any]:
        """The status and the decoded answer to a GET request, or to a POST request with this content as JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        with contextlib.closing(connection):
            body = None if content is None else json.dumps(content)
            headers = {"content-type": "application/json"} if body else {}
            connection.request("GET" if body is None else "POST", path, body, headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())


@contextlib.contextmanager
def started(project: Project, root: Path, bundle: Path) -> Iterator[Service]:
    """The service of a bundle, started by its command. Raises AssertionError with its output if it fails."""
    __tracebackhide__ = True
    arguments = ["serve", "--bundle", str(bundle), "--open", "--host", "127.0.0.1", "--port", "0", "--workers", "1"]
    command = [sys.executable, "-m", project.name, *arguments]
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=errors, text=True)  # noqa: S603
        try:
            assert process.stdout
            line = process.stdout.readline()
            port = PORT.search(line)
            if port is None:
                process.wait(SECONDS)
                errors.seek(0)
                raise AssertionError(f"the service does not start: {line}{errors.read().strip()}")
            yield Service(int(port[1]))
        finally:
            process.terminate()
            process.wait(SECONDS)
            if process.stdout:
                process.stdout.close()


@noted
def check_predictor(project: Project, bundle: Path) -> None:
    """A Predictor of the bundle gives the answers in the bundle's probe."""
    __tracebackhide__ = True
    rows, expected = read_probe(bundle)
    predictor = Predictor(bundle, project.features, check=False)  # what is compared here is exact
    _compare(predictor.predict(rows).tolist(), expected, "Predictor")


@noted
def check_answers(service: Service, bundle: Path) -> None:
    """The service gives the answers in the bundle's probe, for all rows at once and for the first alone."""
    __tracebackhide__ = True
    rows, expected = read_probe(bundle)
    for sent, right in ((rows, expected), (rows[:1], expected[:1])):
        status, reply = service.ask("/predict", {"rows": sent})
        assert status == 200, f"POST /predict with {len(sent)} rows is answered with {status}: {reply}"
        _compare([prediction["prediction"] for prediction in reply["predictions"]], right, "POST /predict")


@noted
def check_refusal(service: Service, bundle: Path, contract: Contract) -> None:
    """A row that the contract does not allow is refused, and the answer names the column."""
    __tracebackhide__ = True
    rows, _ = read_probe(bundle)
    name = next(iter(contract.inputs))
    status, reply = service.ask("/predict", {"rows": [rows[0] | {name: ["no value"]}]})
    assert status in (400, 422), f"a row with {name} = ['no value'] is answered with {status}: {reply}"
    assert name in json.dumps(reply, ensure_ascii=False), f"the refusal does not name the column {name!r}: {reply}"


def _compare(answers: list, expected: list, where: str) -> None:
    __tracebackhide__ = True
    assert len(answers) == len(expected), f"{where} gives {len(answers)} answers to {len(expected)} rows"
    for row, (answer, right) in enumerate(zip(answers, expected, strict=True)):
        assert answer == right, (
            f"{where} answers row {row} of the bundle's probe with {answer}; the pipeline gave {right}"
        )
