"""One process that answers: uvicorn with the application in it, told by signals to load bundles again or to end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn

from ...runtime.contract import ContractError
from ..access.access import Access
from ..http.app import App
from ..log.audit import Audit
from .board import Board
from ..config import Config, read_config
from ..http.endpoints import Models, routes
from .listeners import turn_away
from ..log.metrics import Metrics
from ..log.prediction_log import PredictionLog
from ..log.shared import Shared

IDLE_SECONDS = 75  # a connection may lie idle; longer than proxies let theirs
HEAD_SECONDS = 10.0  # from the first byte of a request's head to its last
STUCK_SECONDS = 60.0  # a client takes no byte of its answer, or sends none of its body
LEAVE_SECONDS = 2.0  # from SIGTERM until connections are closed that carry no request
LOAD_SECONDS = 30.0  # until all workers have loaded bundles that one of them could load

_log = logging.getLogger(__name__)


def work(
    config: Config, path: Path | None, open_: bool, worker: int, listener: socket.socket, shared: Shared, board: Board
) -> int:
    """Answer requests at this socket until a signal ends it; the status to exit with.

    Raises ContractError where a bundle, the keys or the log cannot be used.
    """
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format=f"worker {worker}: %(message)s")
    log = None
    if config.log is not None:
        kept = config.log
        log = PredictionLog(Path(kept.folder), worker, kept.flush_seconds, kept.file_mb, kept.files)
    metrics = Metrics(shared, worker)
    metrics.counter("worker_starts_total")(1.0)
    app = App(config, Access.from_config(config.access, open_), metrics, Audit())
    models = Models.load(config, metrics, log)
    gc.freeze()  # what is there now stays, and going through it again and again would keep requests waiting
    gc.enable()
    one = Worker(app, models, path, worker, board, metrics, log)
    settings = uvicorn.Config(
        app,
        http="httptools",
        loop="uvloop",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=20,
    )
    try:
        Server(settings, one).run(sockets=[listener])
    finally:
        board.ready(worker, 0)
        if log is not None:
            log.close()
    return 0


class Server(uvicorn.Server):
    """uvicorn with our handling of signals, and with an eye on connections that do not get on."""

    def __init__(self, config: uvicorn.Config, worker: Worker) -> None:
        super().__init__(config)
        self._worker = worker
        self._since: dict[int, tuple[Any, float]] = {}

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the worker."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        self._worker.begin(self)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take the last who have connected, close the door and finish what is begun."""
        for listener in sockets or []:
            turn_away(listener)
        await asyncio.sleep(0.02)
        while sockets and select.select(sockets, [], [], 0)[0]:
            await asyncio.sleep(0)
        for server in self.servers:
            server.close()
        until = time.monotonic() + LEAVE_SECONDS / 2
        while self.server_state.connections and time.monotonic() < until:  # their requests may be on the way
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)

    async def on_tick(self, counter: int) -> bool:
        """What is done ten times a second."""
        if counter % 10 == 0:
            self._worker.look(self)
            self._sweep()
        return await super().on_tick(counter)

    def _sweep(self) -> None:
        """Close connections that have been in the middle of a head, a body or an answer for too long."""
        now = time.monotonic()
        seen: dict[int, tuple[Any, float]] = {}
        for connection in list(self.server_state.connections):
            cycle: Any = getattr(connection, "cycle", None)
            busy = cycle is not None and not cycle.response_complete
            if not busy and getattr(connection, "timeout_keep_alive_task", None) is not None:
                continue  # idle between two requests, which uvicorn ends
            state = cycle if busy else connection
            since = self._since.get(id(connection), (None, now))
            since = since if since[0] is state else (state, now)
            seen[id(connection)] = since
            if now - since[1] > (STUCK_SECONDS if busy else HEAD_SECONDS):
                transport: Any = connection.transport
                transport.abort()
        self._since = seen


class Worker:
    """Holds what is served, and changes it."""

    def __init__(
        self,
        app: App,
        models: Models,
        path: Path | None,
        worker: int,
        board: Board,
        metrics: Metrics,
        log: PredictionLog | None,
    ) -> None:
        self._app, self._models, self._path = app, models, path
        self._worker, self._board, self._metrics, self._log = worker, board, metrics, log
        self._apart = ThreadPoolExecutor(1, "large")
        self._aside = ThreadPoolExecutor(1, "load")
        self._tasks: set[asyncio.Task[None]] = set()
        self._loading = asyncio.Lock()
        self._wish = board.wish
        self._parent = os.getppid()
        self._put(models)

    def begin(self, server: uvicorn.Server) -> None:
        """Listen to signals, and say that requests are answered."""
        self._app.begun = server.server_state.tasks
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._do, partial(self._drain, server))
        loop.add_signal_handler(signal.SIGHUP, self._do, self._follow)
        self._board.done(self._worker, self._wish)
        self._board.ready(self._worker, os.getpid())
        os.kill(self._parent, signal.SIGUSR1)
        self._do(self._follow)  # what was wished for while it started

    def look(self, server: uvicorn.Server) -> None:
        """What is done once a second."""
        self._app.sweep()
        if self._log is not None:
            self._metrics.level("prediction_log_written_total")(self._log.written)
            self._metrics.level("prediction_log_dropped_total")(self._log.dropped)
            self._metrics.level("prediction_log_failing")(float(self._log.failure is not None))
        if os.getppid() != self._parent and not self._app.draining:
            _log.error("the parent is gone, so this worker ends too")
            self._do(partial(self._drain, server))

    async def reload(self) -> dict[str, Any]:
        """Have all workers load the bundles again; which ones, and how many workers did.

        Raises ContractError where this worker cannot load them; then no other tries.
        """
        models = await self._load()
        models.close()
        wish = self._board.wish + 1
        os.kill(self._parent, signal.SIGHUP)
        until = time.monotonic() + LOAD_SECONDS
        loaded = refused = 0
        while loaded + refused < self._board.workers and time.monotonic() < until:
            await asyncio.sleep(0.01)
            loaded, refused = self._board.took(wish)
        if loaded < self._board.workers:
            raise ContractError(f"only {loaded} of {self._board.workers} workers could load the bundles; see the log")
        return {"models": self._models.bundles(), "workers": loaded}

    def _do(self, what: Any) -> None:
        task = asyncio.get_running_loop().create_task(what())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _load(self) -> Models:
        config = self._models.config
        if self._path is not None:
            config = read_config(self._path)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._aside, Models.load, config, self._metrics, self._log)

    async def _follow(self) -> None:
        """Load the bundles as often as somebody wished since the last time."""
        async with self._loading:
            while self._wish < (wish := self._board.wish):
                self._wish = wish
                try:
                    models = await self._load()
                except Exception as error:
                    self._metrics.counter("model_reloads_total", outcome="refused")(1.0)
                    self._board.done(self._worker, wish, refused=True)
                    _log.error("the bundles from before stay in service: %s", error)
                    continue
                before, self._models = self._models, models
                before.say(False)
                self._put(models)
                self._metrics.counter("model_reloads_total", outcome="done")(1.0)
                self._board.done(self._worker, wish)
                await asyncio.get_running_loop().run_in_executor(self._aside, before.close)

    def _put(self, models: Models) -> None:
        self._app.routes = routes(self._app, models, self._apart, self.reload)
        models.say(True)

    async def _drain(self, server: uvicorn.Server) -> None:
        """Answer what comes on open connections and tell each that it ends; then let uvicorn close the rest."""
        if self._app.draining:
            return
        self._app.draining = True
        until = time.monotonic() + LEAVE_SECONDS
        while time.monotonic() < until and (self._app.open or server.server_state.connections):
            await asyncio.sleep(0.05)
        server.should_exit = True
