"""A real service as a process, which is well, or has one fault that is put into it as it starts."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from modelyard.releasing.accepting.probe import Probe, read_probe
from modelyard.releasing.accepting.service import RunningService
from modelyard.runtime.bundle import Bundle, read_bundle

from flight_delays import project

KEY = "a key of these tests"
SECONDS = 30.0
FAULTS = {
    "none": "",
    # the ONNX file is another than the bundle's, or another onnxruntime computes it
    "answers": """
from modelyard.runtime.predictor import OnnxModel
answer = OnnxModel.answer
OnnxModel.answer = lambda self, table: answer(self, table) * (1 - 1e-15)
""",
    "errors": """
from itertools import count
from modelyard.serving.answers.variants import Served
table, numbers = Served.table, count(1)
Served.table = lambda self, columns: table(self, columns) if next(numbers) % 7 else 1 / 0
""",
    "fallback": """
from modelyard.serving.answers.loaded import Loaded
Loaded.answer = lambda self, table, deadline: None
""",
    "ranges": """
from modelyard.runtime import rows
rule = rows.broken_rule
def of_numbers_without_a_maximum(value, column):
    broken = rule(value, column)
    return None if column.is_numeric and (broken or "").startswith("must be at most") else broken
rows.broken_rule = of_numbers_without_a_maximum
""",
    "unnamed": """
from modelyard.serving import refusal
refusal._problem_object = lambda problem: {"row": problem.row, "field": "", "value": None, "rule": problem.rule}
""",
    "shape": """
from modelyard.serving.http import endpoints
endpoints.answer_json = lambda live, done, decisions: b'{"answer": "yes"}'
""",
}


@pytest.fixture
def bundle(made: Any) -> Bundle:
    """The bundle that is served."""
    return read_bundle(made.root / "bundle")


@pytest.fixture
def probe(bundle: Bundle) -> Probe:
    """Its rows, and the answers to them."""
    return read_probe(project, bundle)


@pytest.fixture
def serve(made: Any, tmp_path: Path) -> Iterator[Callable[[str], RunningService]]:
    """Starts a service with one of FAULTS, or the lines of another, and ends it."""
    started: list[subprocess.Popen[str]] = []

    def start(fault: str = "none") -> RunningService:
        known = {"name": "tests", "roles": ["predict", "read"], "sha256": hashlib.sha256(KEY.encode()).hexdigest()}
        (tmp_path / "keys.json").write_text(json.dumps({"keys": [known]}))
        models = {"flights": {"bundle": str(made.root / "bundle")}}
        settings = {"models": models, "access": {"keys": str(tmp_path / "keys.json")}, "workers": 1}
        (tmp_path / "serving.json").write_text(json.dumps(settings))
        code = f"{FAULTS[fault]}\nfrom flight_delays.__main__ import entry\nentry()"
        given = ["serve", "--config", str(tmp_path / "serving.json"), "--host", "127.0.0.1", "--port", "0"]
        process = subprocess.Popen(
            [sys.executable, "-c", code, *given],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        assert process.stdout
        port = process.stdout.readline().partition("127.0.0.1:")[2].partition(" ")[0]
        assert port, "the service did not start"
        return RunningService("127.0.0.1", int(port), {"X-API-Key": KEY})

    yield start
    for process in started:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(SECONDS)
        assert process.stdout
        process.stdout.close()
