"""The smoke test against a real HTTP server, asked as inside.py asks."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from modelyard.deploying import inside
from modelyard.deploying.failure import DeployError
from modelyard.deploying.smoke import alike, same_bundle, smoke
from modelyard.deploying.state import DeployedVersion

RELEASE = DeployedVersion("name@sha256:1", "1.2.0", "b" * 64)
PROBE = {"rows": [{"x": 1}, {"x": 2}], "answers": [0.25, 0.75]}


class Service(http.server.BaseHTTPRequestHandler):
    """A service whose answers a test sets."""

    answers: dict[str, Any]

    def do_GET(self) -> None:
        self._answer(self.answers.get(self.path))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self._answer(self.answers.get(self.path) if self.headers["authorization"] == "Bearer key" else None)

    def _answer(self, found: Any) -> None:
        body = json.dumps(found).encode()
        self.send_response(503 if found is None else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None: ...


class Agent:
    """Asks the service as the agent of a stage does."""

    port = 0

    def ask(self, **task: Any) -> dict[str, Any]:
        return inside.ask(task)

    def ask_routed(self, name: str, **task: Any) -> dict[str, Any]:
        assert name == "canary"
        return self.ask(host="127.0.0.1", port=self.port, **task)

    def idle(self, seconds: float) -> None: ...


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A running service that is well, to be spoiled."""
    found = {
        "/healthz": {},
        "/readyz": {},
        "/model": {"bundle": "b" * 64},
        "/predict": {
            "variant": "canary",
            "fallback": None,
            "predictions": [{"prediction": 0.25}, {"prediction": 0.75}],
        },
    }
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Ours", (Service,), {"answers": found}))
    monkeypatch.setattr(Agent, "port", server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


def run() -> list[str]:
    return smoke(Agent(), "canary", RELEASE, PROBE, {"authorization": "Bearer key"})


@pytest.mark.usefixtures("answers")
def test_a_version_that_is_well_passes() -> None:
    assert run() == [
        "/healthz answers 200",
        "/readyz answers 200",
        "/model says bundle bbbbbbbbbbbb",
        "/predict answers 2 probe rows as the bundle says",
    ]


@pytest.mark.parametrize(
    ("path", "spoiled", "said"),
    [
        ("/readyz", None, "/readyz answered 503"),
        ("/model", {"bundle": "c" * 64}, "/model says bundle cccccccccccc, and 1.2.0 has bbbbbbbbbbbb"),
        ("/predict", {"variant": "stable"}, "variant 'stable' answered in its place"),
        ("/predict", {"variant": "canary", "fallback": "baseline"}, "baseline answered, not the model of 1.2.0"),
        ("/predict", {"variant": "canary", "predictions": []}, "0 answers to 2 probe rows"),
        (
            "/predict",
            {"variant": "canary", "predictions": [{"prediction": 0.25}, {"prediction": 0.74}]},
            "1 of 2 probe rows are answered otherwise than the bundle says, the first in row 1: 0.74, and 0.75 is",
        ),
    ],
)
def test_the_first_fault_is_named(answers: dict[str, Any], path: str, spoiled: Any, said: str) -> None:
    answers[path] = spoiled
    with pytest.raises(DeployError, match="smoke test of canary: ") as caught:
        run()
    assert said in str(caught.value)


def test_rows_of_the_other_bundle_of_a_split_are_left_out(answers: dict[str, Any]) -> None:
    ours, other = {"prediction": 0.25, "bundle": "b" * 12}, {"prediction": 0.5, "bundle": "c" * 12}
    answers["/predict"] = {"variant": "canary", "bundle": None, "predictions": [ours, other]}
    assert run()[-1] == (
        "/predict answers 1 probe rows as the bundle says; 1 are answered by the other bundle of the split"
    )
    answers["/predict"]["predictions"] = [{**ours, "prediction": 0.26}, other]
    with pytest.raises(DeployError, match="1 of 2 probe rows are answered otherwise than the bundle says"):
        run()
    answers["/predict"]["predictions"] = [other, other]
    with pytest.raises(DeployError, match="the other bundle of the split answered all 2 probe rows"):
        run()
    answers["/predict"] = {"variant": "canary", "bundle": "c" * 12, "predictions": [ours | {"bundle": None}] * 2}
    with pytest.raises(DeployError, match="the other bundle of the split answered all 2 probe rows"):
        run()


def test_answers_are_alike_within_the_tolerance() -> None:
    assert alike(0.1 + 0.2, 0.3)
    assert alike({"no": 0.25, "yes": 0.75}, [0.25, 0.75])
    assert not alike([0.25], [0.25, 0.75])
    assert not alike("late", "early")
    assert alike("late", "late")


def test_a_hash_that_is_cut_is_the_same_bundle() -> None:
    assert same_bundle("b" * 12, "b" * 64)
    assert same_bundle("b" * 64, "")
    assert not same_bundle("c" * 64, "b" * 64)
