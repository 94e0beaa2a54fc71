"""Writes answers, or refused messages, to a topic.

The producer is idempotent: what it sends again after a disconnection is stored once and in order. A message waits for
its broker as long as that takes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...errors import ContractError
from ...runtime.kafka.address import TopicAddress
from ...runtime.kafka.client import Trouble, check_topic, client, import_kafka, settings, topics
from .message import Headers, StreamMessage

LARGEST = 1_000_000_000  # bytes: by default, the broker alone decides what is too large
QUEUE_SECONDS = 0.1


class TopicOutput:
    """A topic, to which messages are written. what: what goes there, for the error.

    Raises ContractError if no broker answers within `seconds`, or there is no such topic.
    """

    def __init__(self, address: TopicAddress, what: str, seconds: float = 30.0) -> None:
        self._kafka = import_kafka()
        self._address = address
        self._trouble = Trouble()
        self._failure: str | None = None
        given = {
            "message.max.bytes": LARGEST,
            **settings(reads=False),
            "bootstrap.servers": address.brokers,
            "enable.idempotence": True,  # and acknowledged by all replicas that are in step
            "message.timeout.ms": 0,
        }
        self._producer = client(self._kafka.Producer, str(address), given, self._trouble)
        there = topics(self._producer, str(address), seconds, self._trouble)
        self._partitions = check_topic(address.topic, str(address), there, what)

    def write(
        self, message: StreamMessage, value: bytes | None, headers: Headers, too_large: Callable[[], None]
    ) -> None:
        """Write what became of a message, with its id as the key.

        The partition has the message's number, modulo how many there are, so that their order is kept.
        """

        def on_delivery(error: Any, _written: Any) -> None:
            if error is None:
                self._trouble.forget()
            elif error.code() == self._kafka.KafkaError.MSG_SIZE_TOO_LARGE:
                too_large()
            else:
                self._failure = self._failure or error.str()

        while True:
            try:
                self._producer.produce(
                    self._address.topic,
                    value=value,
                    key=message.id.encode(),
                    headers=list(headers),
                    partition=message.partition % self._partitions,
                    on_delivery=on_delivery,
                )
            except BufferError:  # the producer's queue is full
                self._producer.poll(QUEUE_SECONDS)
                continue
            except self._kafka.KafkaException as error:
                if error.args[0].code() != self._kafka.KafkaError.MSG_SIZE_TOO_LARGE:
                    raise ContractError(f"{self._address}: {error.args[0].str()}") from None
                too_large()
            break
        self._producer.poll(0)

    def deliver(self, seconds: float) -> bool:
        """Whether all is acknowledged after at most so many seconds. Raises ContractError if something was refused."""
        waiting = self._producer.flush(seconds)
        if self._failure is not None:
            raise ContractError(
                f"{self._address} does not take a message: {self._failure}; no offset of this batch is committed, so a "
                "restart answers it again"
            )
        return not waiting
