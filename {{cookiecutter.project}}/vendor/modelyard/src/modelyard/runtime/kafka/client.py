"""The Kafka client, confluent-kafka, and its settings in the environment.

A variable is librdkafka's own name of a setting, in capitals with `_` for each `.`: KAFKA_SECURITY_PROTOCOL is
`security.protocol` (https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from ...errors import ContractError

PREFIX = "KAFKA_"
# Others that begin with KAFKA_ are left alone: Kubernetes sets KAFKA_PORT and the like for a Service called kafka
GROUPS = ("KAFKA_SASL_", "KAFKA_SSL_")
SINGLE = frozenset(
    {
        "KAFKA_SECURITY_PROTOCOL",
        "KAFKA_ENABLE_SSL_CERTIFICATE_VERIFICATION",
        "KAFKA_CLIENT_ID",
        "KAFKA_CLIENT_RACK",
        "KAFKA_BROKER_ADDRESS_FAMILY",
        "KAFKA_SOCKET_TIMEOUT_MS",
    }
)
READING = frozenset(
    {
        "KAFKA_SESSION_TIMEOUT_MS",
        "KAFKA_HEARTBEAT_INTERVAL_MS",
        "KAFKA_MAX_POLL_INTERVAL_MS",
        "KAFKA_PARTITION_ASSIGNMENT_STRATEGY",
        "KAFKA_GROUP_INSTANCE_ID",
        "KAFKA_AUTO_OFFSET_RESET",
        "KAFKA_FETCH_MIN_BYTES",
        "KAFKA_FETCH_WAIT_MAX_MS",
        "KAFKA_FETCH_MAX_BYTES",
        "KAFKA_QUEUED_MAX_MESSAGES_KBYTES",
    }
)
WRITING = frozenset({"KAFKA_COMPRESSION_TYPE", "KAFKA_LINGER_MS", "KAFKA_BATCH_SIZE", "KAFKA_MESSAGE_MAX_BYTES"})

_log = logging.getLogger(__name__)


def import_kafka() -> ModuleType:
    """The client's package. Raises ContractError, with the command that adds it, if it is not installed."""
    try:
        import confluent_kafka
    except ImportError:
        raise ContractError(
            "a kafka:// address needs confluent-kafka, which is not installed; add it with "
            "`uv add --optional serve 'confluent-kafka>=2.10,<3'`"
        ) from None
    return confluent_kafka


def settings(reads: bool, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """librdkafka's settings that the environment has, for who reads or who writes."""
    names = SINGLE | (READING if reads else WRITING)
    return {
        name.removeprefix(PREFIX).lower().replace("_", "."): value
        for name, value in environment.items()
        if name in names or name.startswith(GROUPS)
    }


class Trouble:
    """What librdkafka reports in the background: each kind once, until it is forgotten. `last` is None without any."""

    def __init__(self) -> None:
        self.last: str | None = None
        self._said: set[Any] = set()

    def note(self, error: Any) -> None:
        """Take an error of the client."""
        if error.code() != import_kafka().KafkaError._ALL_BROKERS_DOWN or self.last is None:
            self.last = error.str()  # that all are down says less than why
        if error.code() not in self._said:
            self._said.add(error.code())
            _log.warning("%s; the client tries again", self.last)

    def forget(self) -> None:
        """All is well again."""
        if self._said:
            self.last = None
            self._said.clear()


def client(make: Callable[..., Any], where: str, given: Mapping[str, Any], trouble: Trouble) -> Any:
    """A consumer or a producer. Raises ContractError that names the setting if librdkafka refuses one."""
    kafka = import_kafka()
    try:
        return make({**given, "error_cb": trouble.note, "log_level": 0})
    except (kafka.KafkaException, ValueError, TypeError) as error:
        told = error.args[0].str() if isinstance(error, kafka.KafkaException) else str(error)
        raise ContractError(f"{where}: {told}; look at the variables that begin with {PREFIX}") from None


def topics(one: Any, where: str, seconds: float, trouble: Trouble) -> dict[str, int]:
    """The topics that are there, with the number of their partitions. Raises ContractError if no broker answers."""
    kafka = import_kafka()
    try:
        found = one.list_topics(timeout=seconds).topics
    except kafka.KafkaException as error:
        one.poll(0)  # in which the client tells what it met
        raise ContractError(
            f"{where}: no broker answers within {seconds:g} s: {trouble.last or error.args[0].str()}; look at host and "
            f"port, and whether {PREFIX}SECURITY_PROTOCOL and {PREFIX}SASL_MECHANISM are what the broker expects"
        ) from None
    return {name: len(topic.partitions) for name, topic in found.items() if topic.error is None}


def check_topic(name: str, where: str, there: Mapping[str, int], what: str) -> int:
    """The number of a topic's partitions. Raises ContractError, with the command that makes it, if it is not there."""
    if not there.get(name):
        known = ", ".join(sorted(topic for topic in there if not topic.startswith("__"))[:20]) or "none"
        raise ContractError(
            f"{where}: there is no topic {name}, {what}; topics that are there: {known}. Make it first, as with "
            f"`kafka-topics.sh --bootstrap-server HOST:PORT --create --topic {name}`"
        )
    return there[name]
