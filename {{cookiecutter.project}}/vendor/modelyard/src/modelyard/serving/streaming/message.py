"""A message of a stream, and where messages come from and go to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

Headers = Sequence[tuple[str, bytes | None]]

KEY = "modelyard-key"  # the header with the key that a message had
REASON = "modelyard-reason"  # the header of a refused message that says why, as application/problem+json
OMITTED = "modelyard-omitted"  # the header that says why a refused message is without its value


class StreamMessage(NamedTuple):
    """A message as it was read.

    topic, partition, offset: its place, which no other message has. value: None for a tombstone. run: what tells the
    places of this run from those of others where they begin at 0 each time, as lines do.
    """

    topic: str
    partition: int
    offset: int
    value: bytes | None
    key: bytes | None = None
    headers: Headers = ()
    run: str = ""

    @property
    def name(self) -> str:
        """`topic/partition/offset`, for people."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def id(self) -> str:
        """The key of its answer: its name, and of a line the run too. It stays when the message is answered again."""
        return f"{self.run}/{self.name}" if self.run else self.name

    def header(self, name: str) -> bytes | None:
        """The value of its first header with this name, in lower case."""
        return next((value for key, value in self.headers if key.lower() == name), None)


class Input(Protocol):
    """Where messages come from. `ended`: no more will come."""

    ended: bool

    @property
    def has_joined(self) -> bool:
        """Whether it is known which messages are to be read here."""

    def read(self) -> list[StreamMessage]:
        """The next messages, in the order of each partition; none if none came within about half a second."""

    def done(self, messages: Sequence[StreamMessage]) -> None:
        """Note that these are answered, and their answers are delivered."""

    def commit(self) -> bool:
        """Store how far messages are done, so that a restart begins there; return whether it is stored."""

    def close(self) -> None:
        """Leave the stream."""


class Output(Protocol):
    """Where answers, or refused messages, go."""

    def write(
        self, message: StreamMessage, value: bytes | None, headers: Headers, too_large: Callable[[], None]
    ) -> None:
        """Send what became of a message; `too_large` is called, now or later, if the output does not take that much."""

    def deliver(self, seconds: float) -> bool:
        """Wait for at most so long; return whether all that was sent is delivered.

        Raises ContractError if some of it never will be.
        """
