"""The parent of the service: it opens the sockets, starts and restarts the workers, and passes on signals.

It loads no model, so only a signal ends it. Each worker has a socket of its own at the same port (SO_REUSEPORT), which
the parent holds open: a client that connects while a worker restarts waits and is not refused.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ...errors import YardError
from ...runtime.project import Project
from ..config import Config
from ..log.shared import Shared
from .board import STUCK_SECONDS, Board
from .connections import raise_limit
from .listeners import listen
from .turns import turns

START_SECONDS = 60.0  # until all workers answer for the first time
AGAIN_SECONDS = 1.0  # between two starts of a worker that fails to start
DRAIN_SECONDS = 25.0  # from SIGTERM to SIGKILL
LATE_SECONDS = 5.0  # between two looks at the workers, which are a second apart
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR1)


def serve(project: Project, config: Config, path: Path | None, open_: bool) -> None:
    """Serve until a signal ends it.

    Raises ContractError if the address is not available. Exits with status 1 if the workers fail to start; they print
    the reason themselves.
    """
    raise_limit()
    sockets = listen(config.host, config.port, config.workers or cores())
    status = Parent(project, config, path, open_, sockets).run()
    if status:
        sys.exit(status)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Parent:
    """Runs one worker for each socket."""

    def __init__(
        self, project: Project, config: Config, path: Path | None, open_: bool, sockets: Sequence[socket.socket]
    ) -> None:
        self._project, self._config, self._path, self._open = project, config, path, open_
        self._sockets = sockets
        self._board = Board(len(sockets))
        self._shared = Shared(len(sockets))
        self._turns = turns()
        self._processes: dict[int, int] = {}  # process id: worker
        self._started = [0.0] * len(sockets)
        self._all_ready = False
        self._looked = time.monotonic()
        self._since = self._looked  # nobody is blamed for the time before

    def run(self) -> int:
        """Run until a signal; return the exit status: 0 after a signal, 1 if the workers failed to start."""
        reader, writer = socket.socketpair()
        for end in (reader, writer):
            end.setblocking(False)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        for number in SIGNALS:
            signal.signal(number, lambda *_: None)  # the signal is read from the socket
        for worker in range(len(self._sockets)):
            self._start(worker)
        began = time.monotonic()
        while True:
            select.select([reader], [], [], 1.0)
            with contextlib.suppress(BlockingIOError):
                for received in reader.recv(4096):
                    if received in (signal.SIGTERM, signal.SIGINT):
                        return self._end()
                    if received == signal.SIGHUP:
                        self._board.wish += 1
                        self._send(signal.SIGHUP)
            self._reap()
            if not self._all_ready:
                self._say_ready()
                failed = len(self._processes) < len(self._sockets) or time.monotonic() - began > START_SECONDS
                if failed and not self._all_ready:
                    self._end()
                    return 1
            self._kill_stuck()
            self._start_missing()

    def _say_ready(self) -> None:
        if all(map(self._board.is_ready, range(len(self._sockets)))):
            self._all_ready = True
            host, port = self._sockets[0].getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            print(f"serving at http://{shown}:{port} with {len(self._sockets)} workers", flush=True)

    def _start(self, worker: int) -> None:
        self._started[worker] = time.monotonic()
        self._board.ready(worker, 0)
        sys.stdout.flush()
        sys.stderr.flush()
        process = os.fork()
        if process:
            self._processes[process] = worker
            return
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the parent passes on SIGTERM
            for other in self._sockets:
                if other is not self._sockets[worker]:
                    other.close()
            from .worker import work

            status = work(
                self._project,
                self._config,
                self._path,
                self._open,
                worker,
                self._sockets[worker],
                self._shared,
                self._board,
                self._turns,
            )
        except YardError as error:
            print(f"error: {error}", file=sys.stderr, flush=True)
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(status)

    def _reap(self) -> None:
        while self._processes:
            process, status = os.waitpid(-1, os.WNOHANG)
            if not process:
                return
            worker = self._processes.pop(process, None)
            if worker is not None:
                self._board.ready(worker, 0)
                if self._all_ready:
                    code = os.waitstatus_to_exitcode(status)
                    print(f"worker {worker} ended with {code}; it is started again", file=sys.stderr, flush=True)

    def _start_missing(self) -> None:
        running = set(self._processes.values())
        for worker in range(len(self._sockets)):
            if worker not in running and time.monotonic() - self._started[worker] > AGAIN_SECONDS:
                self._start(worker)

    def _kill_stuck(self) -> None:
        """Kill workers that make no progress: stopped, or in a loop without an end. They are then started again."""
        now = time.monotonic()
        if now - self._looked > LATE_SECONDS:  # all of the service was stopped, for example by its container
            self._since = now
        self._looked = now
        for process, worker in self._processes.items():
            is_ready = self._board.is_ready(worker)
            last = self._board.last_beat(worker) if is_ready else self._started[worker]
            seconds = STUCK_SECONDS if is_ready else START_SECONDS
            if self._all_ready and now - max(last, self._since) > seconds:
                print(f"worker {worker} made no progress for {seconds:g} s and is killed", file=sys.stderr, flush=True)
                self._board.count_stuck(worker)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
                self._board.ready(worker, 0)
                self._started[worker] = now  # it is not killed twice

    def _send(self, number: int) -> None:
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def _end(self) -> int:
        """Let the workers finish their requests, for at most DRAIN_SECONDS."""
        self._all_ready = False
        for listener in self._sockets:
            listener.close()  # now only the workers hold them, and close them when no client waits
        self._send(signal.SIGTERM)
        until = time.monotonic() + DRAIN_SECONDS
        while self._processes and time.monotonic() < until:
            self._reap()
            time.sleep(0.02)
        self._send(signal.SIGKILL)
        return 0
