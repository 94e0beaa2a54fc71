"""The addresses of topics."""

from __future__ import annotations

import pytest
from modelyard.errors import ContractError
from modelyard.runtime.kafka.address import TopicAddress, topic_address


@pytest.mark.parametrize(
    ("option", "text", "address"),
    [
        ("--from", "-", None),
        ("--to", "-", None),
        ("--from", "kafka://a:9092/t?group=g", TopicAddress("a:9092", "t", "g")),
        ("--from", "kafka://a:1,b.example:2/x.y_z-1?group=a%20b", TopicAddress("a:1,b.example:2", "x.y_z-1", "a b")),
        ("--to", "kafka://[::1]:9092/t", TopicAddress("[::1]:9092", "t")),
    ],
)
def test_an_address_names_brokers_topic_and_group(option, text, address):
    assert topic_address(option, text) == address


@pytest.mark.parametrize(
    ("option", "text", "message"),
    [
        ("--from", "kafka://a:9092/t", "name the consumer group"),
        ("--from", "kafka://a:9092/t?group=", "name the consumer group"),
        ("--from", "kafka://a:9092/t?offset=3", "no setting 'offset'"),
        ("--to", "kafka://a:9092/t?group=g", "no setting 'group'"),
        ("--to", "kafka://a/t", "'a' is no host:port"),
        ("--to", "kafka://a:1,/t", "'' is no host:port"),
        ("--to", "kafka://a:1/", "'' is no name of a topic"),
        ("--to", "kafka://a:1/a/b", "'a/b' is no name of a topic"),
        ("--to", "kafka://a:1/..", "'..' is no name of a topic"),
        ("--to", "amqp://a:1/t", "'amqp://a:1/t' is no kafka:// address"),
        ("--to", "out.jsonl", "or - for stdout"),
    ],
)
def test_what_is_wrong_with_an_address_is_told_with_an_example(option, text, message):
    with pytest.raises(ContractError, match="kafka://") as raised:
        topic_address(option, text)
    assert message in str(raised.value)


@pytest.mark.parametrize("text", ["kafka://me:secret@a:9092/t", "amqp://me:secret@a/t"])
def test_a_password_in_an_address_is_refused_and_not_repeated(text):
    with pytest.raises(ContractError) as raised:
        topic_address("--to", text)
    assert "secret" not in str(raised.value)
