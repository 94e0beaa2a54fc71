"""Messages as lines of JSON: of stdin, and to stdout, stderr or a file."""

from __future__ import annotations

import base64
import os
import select
import sys
import uuid
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

import msgspec

from .message import OMITTED, REASON, Headers, StreamMessage

WAIT = 0.5  # seconds for the first line
CHUNK = 1 << 20  # bytes that are read at once
NAME = "stdin"


class LineInput:
    """The lines of a file descriptor, at most `batch` at a time; empty ones are counted and left out.

    Of a line with more than `limit` bytes no more than one byte beyond is kept, so that it is refused as too large.
    """

    has_joined = True

    def __init__(self, batch: int, limit: int, handle: int = 0) -> None:
        self.ended = False
        self._batch, self._limit, self._handle = batch, limit, handle
        self._run = uuid.uuid4().hex[:8]
        self._number = 0
        self._waiting: list[StreamMessage] = []
        self._rest = b""
        self._closed = False

    def read(self) -> list[StreamMessage]:
        """The next lines: those that are there, and the first is waited for."""
        if not self._waiting and not self._closed and select.select([self._handle], [], [], WAIT)[0]:
            self._take(os.read(self._handle, CHUNK))
        messages, self._waiting = self._waiting[: self._batch], self._waiting[self._batch :]
        self.ended = self._closed and not self._waiting
        return messages

    def done(self, messages: Sequence[StreamMessage]) -> None:
        """Nothing: lines that were read cannot be read again."""

    def commit(self) -> bool:
        """Nothing, which always succeeds."""
        return True

    def close(self) -> None:
        """Nothing: stdin is not this reader's."""

    def _take(self, read: bytes) -> None:
        self._closed = not read
        *whole, self._rest = (self._rest + read).split(b"\n")
        if self._closed and self._rest:
            whole.append(self._rest)
            self._rest = b""
        for line in whole:
            if line.strip():
                self._waiting.append(StreamMessage(NAME, 0, self._number, line[: self._limit + 1], run=self._run))
            self._number += 1
        self._rest = self._rest[: self._limit + 1]


class LineOutput:
    """Writes a line for each message: `{"key": ..., "answer": ...}`, or what was refused with the reason."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    @classmethod
    def stdout(cls) -> LineOutput:
        """Lines to stdout."""
        return cls(sys.stdout.buffer)

    @classmethod
    def stderr(cls) -> LineOutput:
        """Lines to stderr."""
        return cls(sys.stderr.buffer)

    def write(
        self, message: StreamMessage, value: bytes | None, headers: Headers, too_large: Callable[[], None]
    ) -> None:
        """Write the line of a message."""
        named = dict(headers)
        content: dict[str, Any] = {"key": message.name}
        if (reason := named.get(REASON)) is None:
            content["answer"] = msgspec.Raw(value or b"null")
        else:
            content |= {"reason": msgspec.Raw(reason), **_as_text(value)}
            if (omitted := named.get(OMITTED)) is not None:
                content["omitted"] = omitted.decode()
        self._file.write(msgspec.json.encode(content) + b"\n")

    def deliver(self, seconds: float) -> bool:
        """Whether all is written; a pipe that nobody reads holds this up."""
        self._file.flush()
        return True


def _as_text(value: bytes | None) -> dict[str, str | None]:
    """The value as text, or in base64 where it is none."""
    if value is None:
        return {"value": None}
    try:
        return {"value": value.decode("utf-8")}
    except UnicodeDecodeError:
        return {"value_base64": base64.b64encode(value).decode()}
