"""Reads, answers, delivers and commits, batch after batch, until a signal or the end of the input."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Sequence
from functools import partial

from ...errors import ContractError
from ..log.log_metrics import LogMetrics
from ..log.metrics import Metrics
from ..refusal import Refusal, problem_json
from .answering import AnsweredMessage, Answering
from .health import StreamHealth
from .message import KEY, OMITTED, REASON, Headers, Input, Output, StreamMessage

DRAIN_SECONDS = 20.0  # from a signal until what cannot be delivered is given up
STEP = 0.5  # seconds of one wait

_log = logging.getLogger(__name__)


class Loop:
    """One stream. Offsets are committed only after the answers to all messages before them are delivered."""

    def __init__(
        self,
        source: Input,
        answers: Output,
        refused: Output,
        answering: Answering,
        health: StreamHealth,
        metrics: Metrics,
        log: LogMetrics | None,
    ) -> None:
        self._source, self._answers, self._refused = source, answers, refused
        self._answering, self._health, self._metrics, self._log = answering, health, metrics, log
        self._stopped: float | None = None
        self._counts: dict[str, Callable[[float], None]] = {}

    def stop(self, *_: object) -> None:
        """Finish the batch and end."""
        self._stopped = self._stopped or time.monotonic()
        self._health.status = "draining"

    def run(self) -> None:
        """Answer until SIGTERM, SIGINT or the end of the input.

        Raises ContractError if an answer cannot be delivered, or what is delivered cannot be committed before the end.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)
        while self._stopped is None and not self._source.ended:
            self._look()
            messages = self._source.read()
            if messages:
                self._take(messages)
            self._source.commit()
        while not self._source.commit():
            if self._is_late():
                raise ContractError(
                    "answers are delivered, but the broker took no commit of their offsets; a restart sends them again "
                    "with the same keys"
                )
            time.sleep(STEP)

    def _take(self, messages: Sequence[StreamMessage]) -> None:
        started = time.perf_counter()
        outcomes = self._answering.answer(messages)
        for one in outcomes:
            if one.refusal is None:
                self._answer(one)
            else:
                self._refuse(one.message, one.refusal)
        while not (self._answers.deliver(STEP) and self._refused.deliver(STEP)):
            self._health.beat()
            if self._is_late():
                raise ContractError(
                    f"the answers to {len(messages)} messages could not be delivered within {DRAIN_SECONDS:g} s; their "
                    "offsets are not committed, so a restart answers them again"
                )
        self._answering.note(outcomes, started)
        self._source.done(messages)

    def _answer(self, one: AnsweredMessage) -> None:
        def too_large() -> None:
            detail = f"the answer has {len(one.body)} bytes, which its topic does not take; send the rows in parts"
            self._refuse(one.message, Refusal(413, "answer too large", detail))

        self._count("answered")
        self._answers.write(one.message, one.body, _headers(one.message), too_large)

    def _refuse(self, message: StreamMessage, refusal: Refusal) -> None:
        """Send a message to the refused ones as it came; without its value where it does not fit with the reason."""
        self._count(refusal.title)
        reason = problem_json(refusal, message.name)
        short = problem_json(Refusal(refusal.status, refusal.title, refusal.detail), message.name)
        omitted = f"{len(message.value or b'')} bytes, which this topic does not take with the reason".encode()
        self._refused.write(
            message,
            message.value,
            [*_headers(message), (REASON, reason)],
            partial(self._refused.write, message, None, [(REASON, short), (OMITTED, omitted)], lambda: None),
        )

    def _look(self) -> None:
        self._health.beat()
        if self._stopped is None:
            self._health.status = "ready" if self._source.has_joined else "waiting for partitions"
        if self._log is not None:
            self._log.publish()

    def _is_late(self) -> bool:
        return self._stopped is not None and time.monotonic() - self._stopped > DRAIN_SECONDS

    def _count(self, outcome: str) -> None:
        count = self._counts.get(outcome)
        if count is None:
            count = self._counts[outcome] = self._metrics.counter("stream_messages_total", outcome=outcome)
        count(1.0)


def _headers(message: StreamMessage) -> Headers:
    """The message's own headers, and its key."""
    return [*message.headers, *([] if message.key is None else [(KEY, message.key)])]
