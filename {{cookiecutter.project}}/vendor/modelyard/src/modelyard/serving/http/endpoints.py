"""The paths of the service and their handlers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

import msgspec

from ...errors import ContractError
from ..access.key import Role
from ..answers.live import AnsweredRequest, Live
from ..answers.models import Models
from ..forms.forms import Forms, ParsedRows
from ..refusal import Refusal
from .apart import LARGE, MEDIUM, Apart
from .app import App
from .encoding import decompressed
from .infer import Inference, infer_reply, metadata, read_infer, server_metadata
from .predictions import answer_json
from .request import Handler, HttpRequest, Reply, Route
from .tensors import LENGTH

Reload = Callable[[], Awaitable[dict[str, Any]]]


def routes(app: App, models: Models, apart: Apart, reload: Reload) -> dict[str, Route]:
    """All paths. apart: where large bodies are answered."""
    main = models.live[models.config.main]
    document = _once(partial(_openapi, models, app.is_open))
    paths = {
        "/": _get("/", _page(main, app.is_open)),
        "/healthz": _get("/healthz", _constant({"status": "alive"})),
        "/readyz": _get("/readyz", _ready(app, models)),
        "/metrics": _get("/metrics", _metrics(app), "read"),
        "/openapi.json": _get("/openapi.json", document, "read"),
        "/model": _get("/model", _once(partial(_described, main)), "read"),
        "/predict": Route("/predict", {"POST": _predict(app, main, apart)}, "predict"),
        "/admin/reload": Route("/admin/reload", {"POST": _reload(app, reload)}, "admin"),
        "/v2": _get("/v2", _constant(server_metadata(models.project.name)), "read", True),
        "/v2/health/live": _get("/v2/health/live", _constant({"live": True}), None, True),
        "/v2/health/ready": _get("/v2/health/ready", _ready(app, models, v2=True), None, True),
    }
    for name, live in models.live.items():
        label = "/models/{name}"
        paths[f"/models/{name}"] = _get(label, _once(partial(_described, live)), "read")
        paths[f"/models/{name}/predict"] = Route(f"{label}/predict", {"POST": _predict(app, live, apart)}, "predict")
        paths[f"/v1/models/{name}"] = _get("/v1/models/{name}", _ready(app, models, name), None, True)
        paths[f"/v1/models/{name}:predict"] = Route(
            "/v1/models/{name}:predict", {"POST": _instances(app, live, apart)}, "predict", True
        )
        for path, label in {
            f"/v2/models/{name}": "/v2/models/{name}",
            f"/v2/models/{name}/versions/{live.served.bundle}": "/v2/models/{name}/versions/{version}",
        }.items():
            paths[path] = _get(label, _constant(metadata(live)), "read", True)
            paths[f"{path}/ready"] = _get(f"{label}/ready", _ready(app, models, name), None, True)
            paths[f"{path}/infer"] = Route(f"{label}/infer", {"POST": _infer(app, live, apart)}, "predict", True)
    return paths


# the next three import what they need when they are called, so that the service starts faster


def _described(live: Live) -> dict[str, Any]:
    from .describe import describe

    return describe(live)


def _page(main: Live, is_open: bool) -> Handler:
    cached: list[bytes] = []

    async def answer(_request: HttpRequest) -> Reply:
        from .page import page

        if not cached:
            cached.append(page(_described(main) if is_open else None))
        return Reply(cached[0], kind=b"text/html; charset=utf-8")

    return answer


def _openapi(models: Models, is_open: bool) -> dict[str, Any]:
    from .openapi import openapi

    return openapi(models.config, models.live, is_open)


def _get(label: str, handler: Handler, role: Role | None = None, is_v2: bool = False) -> Route:
    return Route(label, {"GET": handler, "HEAD": handler}, role, is_v2)


def _constant(content: Any) -> Handler:
    body = msgspec.json.encode(content)

    async def answer(_request: HttpRequest) -> Reply:
        return Reply(body)

    return answer


def _once(make: Callable[[], Any]) -> Handler:
    """A handler for content that is expensive, so it is made at the first request and cached."""
    cached: list[bytes] = []

    async def answer(_request: HttpRequest) -> Reply:
        if not cached:
            cached.append(msgspec.json.encode(make()))
        return Reply(cached[0])

    return answer


def _ready(app: App, models: Models, name: str | None = None, v2: bool = False) -> Handler:
    """Whether to send requests here: not to a process that is draining, nor before the provider's keys are there."""

    async def answer(_request: HttpRequest) -> Reply:
        status = "draining" if app.draining else "ready" if app.has_keys() else "waiting for the keys of access.oidc"
        is_ready = status == "ready"
        content: dict[str, Any] = {"name": name} if name else {}
        content |= {"ready": is_ready} if name or v2 else {"status": status}
        if not (name or v2):
            content["models"] = models.bundles()
        return Reply(msgspec.json.encode(content), 200 if is_ready else 503)

    return answer


def _metrics(app: App) -> Handler:
    async def answer(_request: HttpRequest) -> Reply:
        return Reply(app.metrics.text(), kind=b"text/plain; version=0.0.4; charset=utf-8")

    return answer


def _predict(app: App, live: Live, apart: Apart) -> Handler:
    def read(forms: Forms, body: bytes, _request: HttpRequest) -> ParsedRows:
        return forms.read(body)

    return _answering(app, live, apart, read, _as_json(live))


def _instances(app: App, live: Live, apart: Apart) -> Handler:
    """KServe's first protocol, which its client speaks by default, also where it sends the tensors of the second."""

    def read(forms: Forms, body: bytes, _request: HttpRequest) -> ParsedRows:
        return forms.read_instances(body)

    tensors, rows = _infer(app, live, apart), _answering(app, live, apart, read, _as_json(live))

    async def answer(request: HttpRequest) -> Reply:
        return await (rows if request.header(LENGTH) is None else tensors)(request)

    return answer


def _as_json(live: Live) -> Callable[..., Reply]:
    def write(answered: AnsweredRequest, decided: list[list[Any]], _parsed: ParsedRows) -> Reply:
        return Reply(answer_json(live, answered, decided))

    return write


def _infer(app: App, live: Live, apart: Apart) -> Handler:
    def read(forms: Forms, body: bytes, request: HttpRequest) -> Inference:
        return read_infer(forms, body, request.header(LENGTH))

    def write(answered: AnsweredRequest, decided: list[list[Any]], parsed: Inference) -> Reply:
        return infer_reply(live, answered, decided, parsed)

    return _answering(app, live, apart, read, write)


def _answering(
    app: App,
    live: Live,
    apart: Apart,
    read: Callable[[Forms, bytes, HttpRequest], Any],
    write: Callable[..., Reply],
) -> Handler:
    is_split = live.served.split is not None
    log = live.log

    def finish(parsed: Any, answered: AnsweredRequest) -> tuple[AnsweredRequest, list[list[Any]], Reply]:
        decided = [part.decisions() for part in answered.parts]
        return answered, decided, write(answered, decided, parsed)

    def work(request: HttpRequest, key: bytes | None) -> tuple[AnsweredRequest, list[list[Any]], Reply]:
        parsed = read(live.forms_apart, app.plain(request), request)
        request.body = b""  # a large one is not kept in memory beside its rows
        return finish(parsed, live.answer(_rows(parsed), key))

    async def answer(request: HttpRequest) -> Reply:
        if log is not None and log.is_crowded:
            detail = "the disk of the prediction log is slower than the requests; nothing was answered"
            raise Refusal(503, "prediction log behind", detail, headers=[(b"retry-after", b"1")])
        key = request.header(live.key_header) if live.key_header else None
        body: bytes | None = request.body
        if request.encoding is not None:
            body = decompressed(request.body, request.encoding, min(MEDIUM, app.body_limit))
        if body is None or len(body) >= MEDIUM:
            is_large = request.encoding is not None or len(request.body) >= LARGE
            async with apart.alone() if is_large else nullcontext():
                return await logged(request, *await apart.run(partial(work, request, key)))
        parsed = read(live.forms, body, request)
        rows = _rows(parsed)
        is_alone = len(app.begun) < 2 or is_split or rows.count != 1
        answered = live.answer(rows, key) if is_alone else await live.answer_among(rows)
        return await logged(request, *finish(parsed, answered))

    async def logged(request: HttpRequest, answered: AnsweredRequest, decided: list[list[Any]], reply: Reply) -> Reply:
        waiting = live.note(answered, decided, request.asked(), request.started)
        if log is not None:
            for entry in waiting:
                await log.put(entry)
        return reply

    return answer


def _rows(parsed: ParsedRows | Inference) -> ParsedRows:
    return parsed.body if isinstance(parsed, Inference) else parsed


def _reload(app: App, reload: Reload) -> Handler:
    async def answer(request: HttpRequest) -> Reply:
        caller = request.caller.name if request.caller else ""
        try:
            outcome = await reload()
        except ContractError as error:
            app.audit.write(caller, "reload", f"refused: {error}", request=request.id)
            raise Refusal(409, "bundles refused", f"nothing has changed: {error}") from None
        app.audit.write(caller, "reload", "done", request=request.id, **outcome)
        return Reply(msgspec.json.encode(outcome))

    return answer
