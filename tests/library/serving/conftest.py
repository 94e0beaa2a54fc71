"""Bundles whose model can be made to fail, an identity provider, and the service: called, and as a process."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import http.client
import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import onnx
import pytest
from modelyard.runtime.predictor import Predictor
from modelyard.serving.access.access import Access
from modelyard.serving.answers.models import Models
from modelyard.serving.config import Config, ModelConfig
from modelyard.serving.http.apart import Apart
from modelyard.serving.http.app import App
from modelyard.serving.http.endpoints import routes
from modelyard.serving.log.audit import Audit
from modelyard.serving.log.metrics import Metrics
from modelyard.serving.log.prediction_log import PredictionLog
from modelyard.serving.log.shared import Shared
from onnx import TensorProto, helper

from flight_delays import project

FAILS_FROM = 5000.0  # miles


def break_model(bundle: Path, feature: int, width: int) -> None:
    """Have the bundle's model fail where a feature is above FAILS_FROM; before it answers as it did.

    It fails as a real one does, inside onnxruntime: a row that is not there is looked up.
    """
    model = onnx.load(bundle / "model.onnx")
    graph = model.graph
    for node in graph.node:
        node.input[:] = ["checked" if name == "features" else name for name in node.input]
    constants = {
        "which": helper.make_tensor("which", TensorProto.INT64, [1], [feature]),
        "from": helper.make_tensor("from", TensorProto.DOUBLE, [], [FAILS_FROM]),
        "one_row": helper.make_tensor("one_row", TensorProto.DOUBLE, [1, width], [0.0] * width),
    }
    graph.initializer.extend(constants.values())
    added = [
        helper.make_node("Gather", ["features", "which"], ["values"], axis=1),
        helper.make_node("Greater", ["values", "from"], ["far"]),
        helper.make_node("Cast", ["far"], ["place"], to=TensorProto.INT64),
        helper.make_node("Squeeze", ["place", "axis"], ["places"]),
        helper.make_node("Gather", ["one_row", "places"], ["nothing"], axis=0),
        helper.make_node("Add", ["features", "nothing"], ["checked"]),
    ]
    del model.metadata_props[:]  # the trees are in it a second time, where they cannot fail
    graph.initializer.append(helper.make_tensor("axis", TensorProto.INT64, [1], [1]))
    for place, node in enumerate(added):
        graph.node.insert(place, node)
    onnx.save(model, bundle / "model.onnx")
    relist(bundle)


def relist(bundle: Path) -> None:
    """Have the manifest list the bundle's files as they are now."""
    path = bundle / "manifest.json"
    manifest = json.loads(path.read_text())
    for name in manifest["files"]:
        manifest["files"][name] = hashlib.sha256((bundle / name).read_bytes()).hexdigest()
    path.write_text(json.dumps(manifest))


@pytest.fixture
def copied(tmp_path: Path) -> Callable[..., Path]:
    """Copies a workspace's bundle, to be changed; `manifest` changes what is in its manifest."""

    def copy(workspace: Any, name: str = "bundle", **manifest: Any) -> Path:
        folder = tmp_path / name
        shutil.copytree(workspace.root / "bundle", folder)
        path = folder / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"copy": name} | manifest))
        return folder

    return copy


@pytest.fixture
def failing(copied: Callable[..., Path]) -> Callable[..., Path]:
    """Copies a workspace's bundle and has its model fail for far flights."""

    def copy(workspace: Any, name: str = "failing") -> Path:
        folder = copied(workspace, name)
        features = json.loads((folder / "manifest.json").read_text())["training"]["features"]
        break_model(folder, features.index("distance"), len(features))
        return folder

    return copy


@pytest.fixture
def short() -> Callable[[Path], str]:
    """The first 12 digits of a bundle's hash."""
    return lambda folder: hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()[:12]


class Provider:
    """A provider's key set at an address; what it answers can be changed."""

    def __init__(self) -> None:
        provider = self
        self.raw, self.status, self.asked = b"", 200, 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked += 1
                self.send_response(provider.status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(provider.raw)))
                self.end_headers()
                self.wfile.write(provider.raw)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}/keys"


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider on this machine, whose answer (`raw`, `status`) is to be set."""
    made = Provider()
    yield made
    made.server.shutdown()
    made.server.server_close()


SECONDS = 30.0  # that a service may take to come up or to end


@dataclass(frozen=True)
class Answer:
    """What a request got."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


class Called:
    """The application, called without a socket."""

    def __init__(
        self,
        config: Config,
        access: Access | None = None,
        log: PredictionLog | None = None,
        reload: Callable[[], Any] | None = None,
        audit: Path | None = None,
    ) -> None:
        self.metrics = Metrics(Shared(1), 0)
        self.app = App(config, access or Access(None, None), self.metrics, Audit(audit))
        self.models = Models.load(project, config, self.metrics, log)
        self.models.announce(True)
        self._apart = Apart()
        self.app.routes = routes(self.app, self.models, self._apart, reload or self._nothing)

    @staticmethod
    async def _nothing() -> dict[str, Any]:
        return {"models": {}, "workers": 1}

    def get(self, path: str, **headers: str) -> Answer:
        """A GET request."""
        return self.ask("GET", path, b"", headers)

    def post(self, path: str, content: Any, **headers: str) -> Answer:
        """A POST request with JSON, or with bytes as they are."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        return self.ask("POST", path, body, {"content-type": "application/json"} | headers)

    def ask(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Any request, whose body comes in one piece."""
        return asyncio.run(call(self.app, method, path, [body], headers))

    def post_at_once(self, path: str, bodies: list[bytes]) -> list[Answer]:
        """As many POST requests with JSON, which the server has all taken before it answers the first."""
        self.app.begun = bodies

        async def ask() -> list[Answer]:
            headers = {"content-type": "application/json"}
            return await asyncio.gather(*[call(self.app, "POST", path, [body], headers) for body in bodies])

        return asyncio.run(ask())

    def close(self) -> None:
        """End what runs beside."""
        self.models.close()
        self._apart.close()


async def call(app: App, method: str, path: str, parts: list[bytes], headers: Mapping[str, str]) -> Answer:
    """A request whose body comes in parts; when they are used up, nothing more comes."""
    waiting = list(enumerate(parts, 1))
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not waiting:
            await asyncio.sleep(60)
        number, part = waiting.pop(0)
        return {"type": "http.request", "body": part, "more_body": number < len(parts)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    named = {"host": "127.0.0.1"} | dict(headers)
    given = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in named.items()]
    await app({"type": "http", "method": method, "path": path, "headers": given}, receive, send)
    start, body = sent
    told = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], told, body["body"])


@pytest.fixture
def called() -> Iterator[Callable[..., Called]]:
    """Makes applications that serve one bundle, or what a Config says."""
    made: list[Called] = []

    def make(bundle: Path | Config, **settings: Any) -> Called:
        config = bundle if isinstance(bundle, Config) else Config({"flights": ModelConfig(str(bundle))})
        config = msgspec.structs.replace(config, **settings.pop("config", {}))
        made.append(Called(config, **settings))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="session")
def app(made: Any) -> Iterator[Called]:
    """An application that serves the bundle of `made`; anyone may call it."""
    one = Called(Config({"flights": ModelConfig(str(made.root / "bundle"))}))
    yield one
    one.close()


@pytest.fixture(scope="session")
def probe(made: Any) -> dict[str, Any]:
    """The probe of `made`: rows, and what its pipeline answered."""
    return json.loads((made.root / "bundle/probe.json").read_text())


@pytest.fixture(scope="session")
def predictor(made: Any) -> Predictor:
    """The predictor of the bundle of `made`."""
    return project.predictor(made.root / "bundle")


class Service:
    """The service as a process of its own, at a port of this machine."""

    def __init__(self, *arguments: str | Path, folder: Path, program: Sequence[str] = ("-m", "flight_delays")) -> None:
        self.errors = folder / "stderr.txt"
        with self.errors.open("w") as errors:
            given = ["--host", "127.0.0.1", "--port", "0", *map(str, arguments)]
            self.process = subprocess.Popen(
                [sys.executable, *program, "serve", *given],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        assert self.process.stdout
        self.said = self.process.stdout.readline()
        assert self.said, self.errors.read_text()
        self.port = int(self.said.partition("127.0.0.1:")[2].partition(" ")[0])

    def connect(self) -> http.client.HTTPConnection:
        """A connection to it."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)

    def get(self, path: str, **headers: str) -> Answer:
        """A GET request on a connection of its own."""
        return ask(self.connect(), "GET", path, None, headers)

    def post(self, path: str, content: Any, **headers: str) -> Answer:
        """A POST request with JSON, on a connection of its own."""
        return ask(self.connect(), "POST", path, json.dumps(content).encode(), headers)

    def workers(self) -> list[int]:
        """The process ids of its workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(number) for number in children.read_text().split()]

    def end(self, number: int = signal.SIGTERM) -> int:
        """Its exit status after a signal."""
        self.process.send_signal(number)
        return self.process.wait(SECONDS)

    def kill(self) -> None:
        """End it whatever it does."""
        for process in self.workers() if self.process.poll() is None else []:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.process.kill()
        self.process.wait(SECONDS)
        assert self.process.stdout
        self.process.stdout.close()


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
) -> Answer:
    """A request on a connection that is open."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, {"content-type": "application/json"} | named if body else named)
    response = connection.getresponse()
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Starts services, and ends them."""
    made: list[Service] = []

    def start(*arguments: str | Path, **program: Sequence[str]) -> Service:
        made.append(Service(*arguments, folder=tmp_path, **program))
        return made[-1]

    yield start
    for one in made:
        one.kill()
