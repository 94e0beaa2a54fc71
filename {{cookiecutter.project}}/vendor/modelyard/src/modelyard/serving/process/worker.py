"""One worker process: uvicorn with the application; on signals it reloads the bundles or ends."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn

from ...errors import ContractError
from ...runtime.project import Project
from ..access.access import Access
from ..answers.models import Models
from ..answers.variants import ROWS_A_DEADLINE
from ..config import Config, read_config
from ..http.apart import Apart
from ..http.app import App
from ..http.endpoints import routes
from ..log.audit import Audit
from ..log.failures import FailureLog
from ..log.log_metrics import LogMetrics
from ..log.metrics import Metrics
from ..log.prediction_log import PredictionLog
from ..log.shared import Shared
from .board import STUCK_SECONDS, Board
from .connections import CountedProtocol, most_connections
from .readiness import OidcReadiness
from .server import LEAVE_SECONDS, Server

IDLE_SECONDS = 75  # an idle connection is kept, longer than proxies keep theirs
LOAD_SECONDS = 30.0  # for all workers to load bundles that the first has loaded

_log = logging.getLogger(__name__)


def work(
    project: Project,
    config: Config,
    path: Path | None,
    open_: bool,
    worker: int,
    listener: socket.socket,
    shared: Shared,
    board: Board,
    turns: int,
) -> int:
    """Answer requests at this socket until a signal ends it; return the exit status.

    Raises ContractError if a bundle, the keys or the log cannot be used.
    """
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format=f"worker {worker}: %(message)s")
    log = None
    if config.log is not None:
        log_config = config.log
        log = PredictionLog(
            Path(log_config.folder),
            worker,
            log_config.flush_seconds,
            log_config.file_mb,
            log_config.files,
            config.log_name,
        )
    metrics = Metrics(shared, worker)
    metrics.counter("worker_starts_total")(1.0)
    access = Access.from_config(config.access, open_)
    app = App(config, access, metrics, Audit(), FailureLog(worker))
    keys = OidcReadiness(access, metrics, board.workers) if access.uses_oidc else None
    if keys is not None:
        app.has_keys = keys.everywhere
    models = Models.load(project, config, metrics, log)
    gc.freeze()  # present objects stay, and scanning them again and again would hold up requests
    gc.enable()
    instance = Worker(app, models, path, worker, board, metrics, log, keys, Apart(turns))
    CountedProtocol.most = most_connections()
    settings = uvicorn.Config(
        app,
        http=CountedProtocol,
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
        Server(settings, instance.begin, instance.look).run(sockets=[listener])
    finally:
        board.ready(worker, 0)
        if log is not None:
            log.close()
    return 0


class Worker:
    """Holds the models in service, and replaces them on a reload."""

    def __init__(
        self,
        app: App,
        models: Models,
        path: Path | None,
        worker: int,
        board: Board,
        metrics: Metrics,
        log: PredictionLog | None,
        keys: OidcReadiness | None,
        apart: Apart,
    ) -> None:
        self._app, self._models, self._path = app, models, path
        self._worker, self._board, self._metrics, self._log = worker, board, metrics, log
        self._keys = keys
        self._log_metrics = LogMetrics(log, metrics) if log is not None else None
        self._apart = apart
        self._aside = ThreadPoolExecutor(1, "load")
        self._tasks: set[asyncio.Task[None]] = set()
        self._loading = asyncio.Lock()
        self._wish = board.wish
        self._parent = os.getppid()
        metrics.processes = lambda: {"parent": self._parent} | board.processes()
        self._put(models)

    def begin(self, server: uvicorn.Server) -> None:
        """Handle signals from now on, and report that the worker is ready."""
        self._app.begun = server.server_state.tasks
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._do, partial(self._drain, server))
        loop.add_signal_handler(signal.SIGHUP, self._do, self._follow)
        self._board.beat(self._worker)
        self._board.done(self._worker, self._wish)
        self._board.ready(self._worker, os.getpid())
        os.kill(self._parent, signal.SIGUSR1)
        self._do(self._follow)  # requests to reload that came during the start

    def look(self, server: uvicorn.Server) -> None:
        """Called once a second."""
        if self._apart.seconds < self._patience():
            self._board.beat(self._worker)
        else:
            self._board.give_up(self._worker)
        self._metrics.level("stuck_workers_total")(float(self._board.stuck(self._worker)))
        self._app.sweep()
        if self._keys is not None:
            self._keys.publish()
        if self._log_metrics is not None:
            self._log_metrics.publish()
        if os.getppid() != self._parent and not self._app.draining:
            _log.error("the parent is gone, so this worker ends too")
            self._do(partial(self._drain, server))

    def _patience(self) -> float:
        """For how many seconds a large request may be answered: by default as long as the deadline allows it."""
        config = self._models.config
        return max(STUCK_SECONDS, config.deadline_ms / 1e3 * config.rows / ROWS_A_DEADLINE)

    async def reload(self) -> dict[str, Any]:
        """Make all workers reload the bundles; return the bundles and the number of workers.

        Raises ContractError if this worker cannot load them; then no other tries.
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

    def _do(self, coroutine_function: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine_function())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _load(self) -> Models:
        config = self._models.config
        if self._path is not None:
            config = read_config(self._path)
        load = partial(Models.load, self._models.project, config, self._metrics, self._log)
        return await asyncio.get_running_loop().run_in_executor(self._aside, load)

    async def _follow(self) -> None:
        """Reload the bundles until the last request is fulfilled or refused."""
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
                before.announce(False)
                self._put(models)
                self._metrics.counter("model_reloads_total", outcome="done")(1.0)
                self._board.done(self._worker, wish)
                await asyncio.get_running_loop().run_in_executor(self._aside, before.close)

    def _put(self, models: Models) -> None:
        self._app.routes = routes(self._app, models, self._apart, self.reload)
        models.announce(True)

    async def _drain(self, server: uvicorn.Server) -> None:
        """Answer requests on open connections with `connection: close`; then let uvicorn close the others."""
        if self._app.draining:
            return
        self._app.draining = True
        until = time.monotonic() + LEAVE_SECONDS
        while time.monotonic() < until and (self._app.open or server.server_state.connections):
            await asyncio.sleep(0.05)
        server.should_exit = True
