"""Reads a topic as a member of a consumer group, and commits offsets of messages whose answers are delivered only."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from ...runtime.kafka.address import TopicAddress
from ...runtime.kafka.client import Trouble, check_topic, client, import_kafka, settings, topics
from ..log.metrics import Metrics
from .message import StreamMessage

WAIT = 0.5  # seconds for the first message
START_SECONDS = 30.0  # for a broker to answer

_log = logging.getLogger(__name__)


class TopicInput:
    """The messages of one topic, at most `batch` at a time.

    Raises ContractError if no broker answers, or there is no such topic.
    """

    ended = False

    def __init__(self, address: TopicAddress, batch: int, metrics: Metrics, seconds: float = START_SECONDS) -> None:
        self._kafka = import_kafka()
        self._address, self._batch, self._metrics = address, batch, metrics
        self._trouble = Trouble()
        self._due: dict[int, int] = {}  # partition: the offset to commit
        self._subscribed = False
        self._owned: set[int] | None = None
        self._lags: dict[int, Callable[[float], None]] = {}
        given = {
            # a group that is new begins with the first message, so that none is left out
            "auto.offset.reset": "earliest",
            **settings(reads=True),
            "bootstrap.servers": address.brokers,
            "group.id": address.group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "allow.auto.create.topics": False,
        }
        self._consumer = client(self._kafka.Consumer, str(address), given, self._trouble)
        try:
            self.topics = topics(self._consumer, str(address), seconds, self._trouble)
            check_topic(address.topic, str(address), self.topics, "from which messages are to be read")
        except BaseException:
            self._consumer.close()
            raise

    @property
    def has_joined(self) -> bool:
        """Whether the group has told this member its partitions."""
        return self._owned is not None

    def read(self) -> list[StreamMessage]:
        """The next messages: those that are there, and the first is waited for. The first call joins the group."""
        if not self._subscribed:
            self._subscribed = True
            self._consumer.subscribe(
                [self._address.topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost
            )
        received = self._consumer.consume(1, WAIT)
        if received and self._batch > 1:
            received += self._consumer.consume(self._batch - 1, 0.0)
        messages = []
        for one in received:
            if (error := one.error()) is not None:
                self._trouble.note(error)
            else:
                headers = one.headers() or []
                place = (one.topic(), one.partition(), one.offset())
                messages.append(StreamMessage(*place, one.value(), one.key(), headers))
        if messages:
            self._trouble.forget()
        return messages

    def done(self, messages: Sequence[StreamMessage]) -> None:
        """Note that the answers to these are delivered."""
        for one in messages:
            self._due[one.partition] = max(self._due.get(one.partition, 0), one.offset + 1)

    def commit(self) -> bool:
        """Commit the offsets that are due.

        What belongs to another member by now is left to it: it answers these messages again. If the broker cannot be
        reached, they stay due.
        """
        mine = self._owned or set()
        self._due = {partition: offset for partition, offset in self._due.items() if partition in mine}
        if not self._due:
            return True
        place = self._kafka.TopicPartition
        offsets = [place(self._address.topic, partition, offset) for partition, offset in self._due.items()]
        try:
            told = self._consumer.commit(offsets=offsets, asynchronous=False)
        except self._kafka.KafkaException as error:
            return self._not_committed(error.args[0])
        for one in told:
            if one.error is not None:
                return self._not_committed(one.error)
        self._publish_lag()
        self._due.clear()
        self._count("done")
        return True

    def close(self) -> None:
        """Leave the group, so that its other members take over at once."""
        self._consumer.close()

    def _not_committed(self, error: Any) -> bool:
        codes = self._kafka.KafkaError
        self._count("failed")
        if error.code() in (codes.ILLEGAL_GENERATION, codes.UNKNOWN_MEMBER_ID, codes.FENCED_INSTANCE_ID):
            # another member has the partitions by now, or this one joins anew and begins where was committed
            _log.warning("the offsets are not committed, so messages will be answered again: %s", error.str())
            self._due.clear()
            return True
        self._trouble.note(error)
        return False

    def _assigned(self, _consumer: Any, partitions: Sequence[Any]) -> None:
        self._owned = (self._owned or set()) | {one.partition for one in partitions}
        _log.warning("partitions of %s: %s", self._address.topic, sorted(self._owned) or "none")

    def _revoked(self, _consumer: Any, partitions: Sequence[Any]) -> None:
        self.commit()  # else the next member answers them again
        self._lost(_consumer, partitions)

    def _lost(self, _consumer: Any, partitions: Sequence[Any]) -> None:
        for one in partitions:
            self._due.pop(one.partition, None)
            (self._owned or set()).discard(one.partition)
            if one.partition in self._lags:
                self._lags[one.partition](0.0)  # the next member counts them

    def _publish_lag(self) -> None:
        for partition, offset in self._due.items():
            _, high = self._consumer.get_watermark_offsets(
                self._kafka.TopicPartition(self._address.topic, partition), cached=True
            )
            level = self._lags.get(partition)
            if level is None:
                labels = {"topic": self._address.topic, "partition": str(partition)}
                level = self._lags[partition] = self._metrics.level("stream_lag_messages", **labels)
            level(float(max(high - offset, 0)))

    def _count(self, outcome: str) -> None:
        self._metrics.counter("stream_commits_total", outcome=outcome)(1.0)
