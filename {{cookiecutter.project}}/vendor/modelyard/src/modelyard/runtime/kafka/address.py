"""`kafka://host:port/topic?group=...`: where a stream is read or written."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

from ...errors import ContractError

SCHEME = "kafka://"
STANDARD = "-"  # stdin or stdout
TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")  # what brokers allow
BROKER = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}")
EXAMPLES = {"--from": "kafka://localhost:9092/orders?group=scoring", "--to": "kafka://localhost:9092/orders.answers"}


class TopicAddress(NamedTuple):
    """A topic of a Kafka cluster. brokers: `host:port`, several with commas. group: the consumer group, if named."""

    brokers: str
    topic: str
    group: str | None = None

    def __str__(self) -> str:
        return f"{SCHEME}{self.brokers}/{self.topic}"


def topic_address(option: str, text: str) -> TopicAddress | None:
    """What an option of `stream`, or a setting, names; None for the option `-`.

    Raises ContractError that says what is wrong, without any password.
    """
    example = f"as in {option} '{EXAMPLES.get(option, EXAMPLES['--to'])}', or - for {_standard(option)}"
    if not option.startswith("--"):
        example = f"as in {option}: {EXAMPLES['--to']}"
    elif text == STANDARD:
        return None
    if not text.startswith(SCHEME):
        raise ContractError(f"{option}: {text.rpartition('@')[2]!r} is no {SCHEME} address; write one {example}")
    place, _, query = text.removeprefix(SCHEME).partition("?")
    brokers, _, topic = place.partition("/")
    if "@" in brokers:
        raise ContractError(
            f"{option}: a name and a password do not belong in the address, where a list of processes shows them; set "
            "KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"
        )
    if wrong := [broker for broker in brokers.split(",") if not BROKER.fullmatch(broker)]:
        raise ContractError(f"{option}: {wrong[0]!r} is no host:port; write the address {example}")
    topic = unquote(topic)
    if not TOPIC.fullmatch(topic) or topic in (".", ".."):
        raise ContractError(
            f"{option}: {topic!r} is no name of a topic (letters, digits, '.', '_' and '-', at most 249); {example}"
        )
    settings = dict(parse_qsl(query, keep_blank_values=True))
    allowed = {"group"} if option == "--from" else set()
    if unknown := sorted(settings.keys() - allowed):
        raise ContractError(f"{option}: there is no setting {unknown[0]!r} in the address; write one {example}")
    if option == "--from" and not settings.get("group"):
        raise ContractError(
            f"{option}: name the consumer group, {example}; streams with one group share the messages, and a group "
            "goes on where it stopped"
        )
    return TopicAddress(brokers, topic, settings.get("group"))


def _standard(option: str) -> str:
    return "stdin" if option == "--from" else "stdout"
