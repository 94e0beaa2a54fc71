"""Answers messages as the service answers bodies, those of one row together.

A message holds what the body of `POST /predict` may hold, and its answer is what the response would be, byte by byte.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..answers.live import AnsweredRequest, Live
from ..answers.variants import Answered
from ..forms.forms import ParsedRows
from ..forms.ids import Ids
from ..http.predictions import answer_json
from ..log.log_lines import Asked
from ..refusal import Refusal
from .message import StreamMessage

SHOWN = 100  # characters of a message's key in the prediction log

_log = logging.getLogger(__name__)


class AnsweredMessage(NamedTuple):
    """What came of a message: `body` is its answer, or `refusal` says why it has none."""

    message: StreamMessage
    body: bytes
    refusal: Refusal | None = None
    answered: AnsweredRequest | None = None
    decisions: Sequence[Sequence[Any]] = ()


class SingleRow(NamedTuple):
    """A message of one row that is decoded: its position in the batch, the row, and its ids."""

    place: int
    row: Any
    ids: Ids | None


class Answering:
    """Answers messages with one model of the service. limit: the most bytes of a message."""

    def __init__(self, live: Live, limit: int) -> None:
        self._live, self._limit = live, limit

    def answer(self, messages: Sequence[StreamMessage]) -> list[AnsweredMessage]:
        """What came of each message. No message can keep others from being answered."""
        outcomes: dict[int, AnsweredMessage] = {}
        singles = []
        for place, message in enumerate(messages):
            single = self._single(place, message)
            if single is None:
                outcomes[place] = self._alone(message)
            else:
                singles.append(single)
        self._together(singles, messages, outcomes)
        return [outcomes[place] for place in range(len(messages))]

    def note(self, outcomes: Sequence[AnsweredMessage], started: float) -> None:
        """Count and log the answers. started: when the messages had been read, by `perf_counter`."""
        log = self._live.log
        for one in outcomes:
            if one.answered is not None:
                waiting = self._live.note(one.answered, one.decisions, _asked(one.message), started)
                for entry in waiting if log is not None else ():
                    log.write(entry)  # type: ignore[union-attr]

    def _single(self, place: int, message: StreamMessage) -> SingleRow | None:
        """A message that can be answered together with others, or None."""
        value = message.value
        if value is None or len(value) > self._limit or self._live.key_header is not None:
            return None
        decoded = self._live.forms.decode_row(value)
        return None if decoded is None else SingleRow(place, *decoded)

    def _together(
        self, singles: Sequence[SingleRow], messages: Sequence[StreamMessage], outcomes: dict[int, AnsweredMessage]
    ) -> None:
        """Answer rows by one call. Where one of them prevents that, each half is tried."""
        if len(singles) < 2:
            for one in singles:
                outcomes[one.place] = self._alone(messages[one.place])
            return
        rows = [one.row for one in singles]
        try:
            columns = self._live.forms.columns_of(rows)
            answered = self._live.answer(ParsedRows("rows", len(rows), columns, rows, None, _joined(singles)), None)
            decisions = [part.decisions() for part in answered.parts]
        except Exception:
            middle = len(singles) // 2
            self._together(singles[:middle], messages, outcomes)
            self._together(singles[middle:], messages, outcomes)
            return
        for part, decided in zip(answered.parts, decisions, strict=True):
            places = range(len(rows)) if part.rows is None else part.rows.tolist()
            for number, place in enumerate(places):
                one = singles[place]
                if part.by != "model":  # a single row may be the cause, so each is answered by itself
                    outcomes[one.place] = self._alone(messages[one.place])
                    continue
                own = _of_one(answered, part, number, place, one)
                body = answer_json(self._live, own, [[decided[number]]])
                outcomes[one.place] = AnsweredMessage(messages[one.place], body, None, own, [[decided[number]]])

    def _alone(self, message: StreamMessage) -> AnsweredMessage:
        try:
            if message.value is None:
                raise Refusal(400, "no JSON", "the message has no value: it is a tombstone")
            if len(message.value) > self._limit:
                raise Refusal(413, "too large", f"the message has more than {self._limit / 1e6:g} MB")
            key = self._live.key_header
            answered = self._live.answer(
                self._live.forms.read(message.value), None if key is None else message.header(key.decode())
            )
            decisions = [part.decisions() for part in answered.parts]
            body = answer_json(self._live, answered, decisions)
        except Refusal as refusal:
            return AnsweredMessage(message, b"", refusal)
        except Exception as error:  # of the project's features, for example
            _log.exception("%s cannot be answered", message.name)
            kind = type(error).__name__
            return AnsweredMessage(message, b"", Refusal(500, "no answer", f"the model's code fails for it: {kind}"))
        return AnsweredMessage(message, body, None, answered, decisions)


def _of_one(answered: AnsweredRequest, part: Answered, number: int, place: int, one: SingleRow) -> AnsweredRequest:
    """The answer to one of the rows that were answered together."""
    parsed = ParsedRows("row", 1, {}, (one.row,), None, one.ids)
    own = part._replace(scores=part.scores[number : number + 1], rows=None)
    return AnsweredRequest(parsed, answered.table[place : place + 1], (own,), answered.seconds / answered.body.count)


def _joined(singles: Sequence[SingleRow]) -> Ids | None:
    """The ids of rows, as those of one body."""
    names = {name for one in singles for name in one.ids or ()}
    return {name: [one.ids[name][0] if one.ids and name in one.ids else None for one in singles] for name in names}


def _asked(message: StreamMessage) -> Asked:
    """The message as it is named in the prediction log: by its place, so that a repeated answer is counted once."""
    trace = message.header("traceparent")
    key = None if message.key is None else message.key.decode("utf-8", "replace")[:SHOWN]
    return Asked(message.id, None, key, None if trace is None else trace.decode("latin-1")[:SHOWN])
