"""Reads ranges of a topic by their offsets, outside of any consumer group."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ...errors import ContractError
from .address import topic_address
from .client import Trouble, check_topic, client, import_kafka, settings, topics

SECONDS = 30.0  # for a broker to answer, and for the next message of a range


class TopicReader:
    """The messages of a topic. where: the setting that names it, for errors.

    Raises ContractError if the address is wrong, no broker answers or there is no such topic.
    """

    def __init__(self, where: str, address: str, seconds: float = SECONDS) -> None:
        named = topic_address(where, address)
        if named is None:
            raise ContractError(f"{where}: {address!r} is no topic")
        self._topic, self._where, self._seconds = named.topic, str(named), seconds
        self._kafka, self._trouble = import_kafka(), Trouble()
        given = {
            **settings(reads=True),
            "bootstrap.servers": named.brokers,
            "group.id": "modelyard-landing",  # the client wants a name; nothing is committed
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "allow.auto.create.topics": False,
        }
        self._consumer = client(self._kafka.Consumer, self._where, given, self._trouble)
        try:
            there = topics(self._consumer, self._where, seconds, self._trouble)
            self._partitions = check_topic(named.topic, self._where, there, "from which rows are to be read")
        except BaseException:
            self.close()
            raise

    def ends(self) -> dict[int, tuple[int, int]]:
        """For each partition the offset of the first message that is there, and of the next one to come."""
        place = self._kafka.TopicPartition
        try:
            return {
                number: self._consumer.get_watermark_offsets(place(self._topic, number), timeout=self._seconds)
                for number in range(self._partitions)
            }
        except self._kafka.KafkaException as error:
            raise ContractError(f"{self._where}: {error.args[0].str()}") from None

    def messages(self, partition: int, start: int, end: int) -> Iterator[tuple[int, bytes | None]]:
        """Offset and value of each message that is there, from `start` on.

        What comes at `end` or later while this reads may be left out. Raises ContractError if the broker sends nothing.
        """
        began = time.time() * 1e3
        self._consumer.assign([self._kafka.TopicPartition(self._topic, partition, start)])
        until = time.monotonic() + self._seconds
        while time.monotonic() < until:
            for one in self._consumer.consume(1000, 0.5):
                error = one.error()
                if error is None:
                    # some brokers tell an end that is too small
                    if one.offset() >= end and one.timestamp()[1] > began:
                        return
                    yield one.offset(), one.value()
                    until = time.monotonic() + self._seconds
                elif error.code() == self._kafka.KafkaError._PARTITION_EOF:
                    return
                elif error.code() == self._kafka.KafkaError._AUTO_OFFSET_RESET:
                    raise ContractError(f"{self._where}: partition {partition} has no offset {start}: {error.str()}")
                else:
                    self._trouble.note(error)
        raise ContractError(
            f"{self._where}: nothing of partition {partition} came within {self._seconds:g} s: "
            f"{self._trouble.last or 'the broker sends neither messages nor the end'}; run it again"
        )

    def close(self) -> None:
        """Close the connections."""
        self._consumer.close()
