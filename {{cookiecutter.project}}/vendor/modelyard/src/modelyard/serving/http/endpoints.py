"""Which path is answered by what."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from ...runtime.contract import ContractError
from .app import App, Handler, Reply, Request, Route
from ..config import Config
from ..forms.forms import Asked, Forms
from .infer import Inference, infer_json, metadata, read_infer, server_metadata
from ..access.key import Role
from ..answers.live import Done, Live, answer_json
from ..log.metrics import Metrics
from ..log.prediction_log import PredictionLog
from ..refusal import Refusal

LARGE = 1_000_000  # bytes of a body that is answered beside the event loop, for it would keep others waiting

Reload = Callable[[], Awaitable[dict[str, Any]]]


@dataclass(frozen=True)
class Models:
    """All models in service; made anew when bundles are loaded again. Raises ContractError as `Served` does."""

    config: Config
    live: Mapping[str, Live]

    @classmethod
    def load(cls, config: Config, metrics: Metrics, log: PredictionLog | None) -> Models:
        """Load the bundles of all models."""
        return cls(config, {name: Live(name, config, metrics, log) for name in config.models})

    def bundles(self) -> dict[str, str]:
        """The first 12 digits of each model's bundle."""
        return {name: live.served.bundle for name, live in self.live.items()}

    def say(self, there: bool) -> None:
        """Say in the metrics which bundles answer, or that they do no more."""
        for live in self.live.values():
            live.info(there)

    def close(self) -> None:
        """Let go of what runs beside."""
        for live in self.live.values():
            live.served.close()


def routes(app: App, models: Models, apart: ThreadPoolExecutor, reload: Reload) -> dict[str, Route]:
    """All paths. apart: one thread, for what is large."""
    main = models.live[models.config.main]
    document = _once(partial(_openapi, models, app.is_open))
    found = {
        "/healthz": _get("/healthz", _constant({"status": "alive"})),
        "/readyz": _get("/readyz", _ready(app, models)),
        "/metrics": _get("/metrics", _metrics(app), "read"),
        "/openapi.json": _get("/openapi.json", document, "read"),
        "/model": _get("/model", _once(partial(_described, main)), "read"),
        "/predict": Route("/predict", {"POST": _predict(app, main, apart)}, "predict"),
        "/admin/reload": Route("/admin/reload", {"POST": _reload(app, reload)}, "admin"),
        "/v2": _get("/v2", _constant(server_metadata()), "read", True),
        "/v2/health/live": _get("/v2/health/live", _constant({"live": True}), None, True),
        "/v2/health/ready": _get("/v2/health/ready", _ready(app, models, v2=True), None, True),
    }
    for name, live in models.live.items():
        label = "/models/{name}"
        found[f"/models/{name}"] = _get(label, _once(partial(_described, live)), "read")
        found[f"/models/{name}/predict"] = Route(f"{label}/predict", {"POST": _predict(app, live, apart)}, "predict")
        for path, label in {
            f"/v2/models/{name}": "/v2/models/{name}",
            f"/v2/models/{name}/versions/{live.served.bundle}": "/v2/models/{name}/versions/{version}",
        }.items():
            found[path] = _get(label, _constant(metadata(live)), "read", True)
            found[f"{path}/ready"] = _get(f"{label}/ready", _ready(app, models, name), None, True)
            found[f"{path}/infer"] = Route(f"{label}/infer", {"POST": _infer(app, live, apart)}, "predict", True)
    return found


# what the next two need is imported when they are asked for, so that the first answer does not wait for it


def _described(live: Live) -> dict[str, Any]:
    from .describe import describe

    return describe(live)


def _openapi(models: Models, is_open: bool) -> dict[str, Any]:
    from .openapi import openapi

    return openapi(models.config, models.live, is_open)


def _get(label: str, handler: Handler, role: Role | None = None, is_v2: bool = False) -> Route:
    return Route(label, {"GET": handler, "HEAD": handler}, role, is_v2)


def _constant(content: Any) -> Handler:
    body = msgspec.json.encode(content)

    async def answer(_request: Request) -> Reply:
        return Reply(body)

    return answer


def _once(make: Callable[[], Any]) -> Handler:
    """What takes a while to make, and is made when it is first asked for."""
    made: list[bytes] = []

    async def answer(_request: Request) -> Reply:
        if not made:
            made.append(msgspec.json.encode(make()))
        return Reply(made[0])

    return answer


def _ready(app: App, models: Models, name: str | None = None, v2: bool = False) -> Handler:
    """Whether requests should come here; a process that is being ended takes no new ones."""

    async def answer(_request: Request) -> Reply:
        told: dict[str, Any] = {"name": name} if name else {}
        told |= {"ready": not app.draining} if name or v2 else {"status": "draining" if app.draining else "ready"}
        if not (name or v2):
            told["models"] = models.bundles()
        return Reply(msgspec.json.encode(told), 503 if app.draining else 200)

    return answer


def _metrics(app: App) -> Handler:
    async def answer(_request: Request) -> Reply:
        return Reply(app.metrics.text(), kind=b"text/plain; version=0.0.4; charset=utf-8")

    return answer


def _predict(app: App, live: Live, apart: ThreadPoolExecutor) -> Handler:
    def read(forms: Forms, body: bytes) -> Asked:
        return forms.read(body)

    def tell(done: Done, decided: list[list[Any]], _asked: Asked) -> bytes:
        return answer_json(live, done, decided)

    return _answering(app, live, apart, read, tell)


def _infer(app: App, live: Live, apart: ThreadPoolExecutor) -> Handler:
    def tell(done: Done, decided: list[list[Any]], asked: Inference) -> bytes:
        return infer_json(live, done, decided, asked)

    return _answering(app, live, apart, read_infer, tell)


def _answering(
    app: App, live: Live, apart: ThreadPoolExecutor, read: Callable[[Forms, bytes], Any], tell: Callable[..., bytes]
) -> Handler:
    is_split = live.served.split is not None

    def finish(asked: Any, done: Done) -> tuple[Done, list[list[Any]], bytes]:
        decided = [part.decisions() for part in done.parts]
        return done, decided, tell(done, decided, asked)

    def work(forms: Forms, body: bytes, key: bytes | None) -> tuple[Done, list[list[Any]], bytes]:
        asked = read(forms, body)
        return finish(asked, live.answer(_rows(asked), key))

    async def answer(request: Request) -> Reply:
        key = request.header(live.key_header) if live.key_header else None
        if len(request.body) >= LARGE:
            loop = asyncio.get_running_loop()
            done, decided, told = await loop.run_in_executor(apart, work, live.forms_apart, request.body, key)
        else:
            asked = read(live.forms, request.body)
            rows = _rows(asked)
            is_alone = len(app.begun) < 2 or is_split or rows.count != 1
            done = live.answer(rows, key) if is_alone else await live.answer_among(rows)
            done, decided, told = finish(asked, done)
        live.note(done, decided, request.id, request.started)
        return Reply(told)

    return answer


def _rows(asked: Asked | Inference) -> Asked:
    return asked.asked if isinstance(asked, Inference) else asked


def _reload(app: App, reload: Reload) -> Handler:
    async def answer(request: Request) -> Reply:
        caller = request.caller.name if request.caller else ""
        try:
            done = await reload()
        except ContractError as error:
            app.audit.write(caller, "reload", f"refused: {error}", request=request.id)
            raise Refusal(409, "bundles refused", f"nothing has changed: {error}") from None
        app.audit.write(caller, "reload", "done", request=request.id, **done)
        return Reply(msgspec.json.encode(done))

    return answer
