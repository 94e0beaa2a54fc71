"""The settings of the Kafka client, and what it says of a cluster that it cannot use."""

from __future__ import annotations

import sys

import pytest
from modelyard.errors import ContractError
from modelyard.runtime.kafka.address import TopicAddress
from modelyard.runtime.kafka.client import settings
from modelyard.serving.log.metrics import Metrics
from modelyard.serving.log.shared import Shared
from modelyard.serving.streaming.consumer import TopicInput
from modelyard.serving.streaming.producer import TopicOutput

HIDDEN = "s3cret-value"
NOWHERE = TopicAddress("127.0.0.1:1", "rows", "g")


def read(address, seconds=20.0):
    return TopicInput(address, 10, Metrics(Shared(1), 0), seconds)


def test_the_environment_gives_the_settings_that_librdkafka_names():
    environment = {
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SASL_PASSWORD": HIDDEN,
        "KAFKA_SSL_CA_LOCATION": "/ca.pem",
        "KAFKA_SESSION_TIMEOUT_MS": "6000",
        "KAFKA_LINGER_MS": "20",
        "KAFKA_PORT": "tcp://10.0.0.1:9092",  # as Kubernetes sets it for a Service called kafka
        "KAFKA_SERVICE_HOST": "10.0.0.1",
        "PATH": "/bin",
    }
    both = {"security.protocol": "SASL_SSL", "sasl.password": HIDDEN, "ssl.ca.location": "/ca.pem"}
    assert settings(True, environment) == {**both, "session.timeout.ms": "6000"}
    assert settings(False, environment) == {**both, "linger.ms": "20"}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("KAFKA_SASL_SECRET", HIDDEN, "sasl.secret"),
        ("KAFKA_SECURITY_PROTOCOL", "SASL", "security.protocol"),
        ("KAFKA_SESSION_TIMEOUT_MS", "soon", "session.timeout.ms"),
        ("KAFKA_SSL_KEY_PEM", HIDDEN, "ssl.key.pem"),
    ],
)
def test_a_setting_that_is_wrong_is_named_without_a_secret(monkeypatch, name, value, message):
    monkeypatch.setenv(name, value)
    if "SSL" in name:
        monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "SSL")
    with pytest.raises(ContractError) as raised:
        read(NOWHERE)
    assert message in str(raised.value)
    assert HIDDEN not in str(raised.value)


def test_a_broker_that_does_not_answer_is_an_error_in_time():
    for make in (lambda: read(NOWHERE, 1.0), lambda: TopicOutput(NOWHERE, "to which answers go", 1.0)):
        with pytest.raises(ContractError, match=r"no broker answers within 1 s: .*Connection refused"):
            make()


def test_a_missing_topic_is_an_error_that_names_those_that_are_there(broker):
    topic = broker.topic()
    missing = TopicAddress(broker.address, "nowhere", "g")
    for make in (lambda: read(missing), lambda: TopicOutput(missing, "to which answers go")):
        with pytest.raises(ContractError, match=f"no topic nowhere, .*{topic}.*--create --topic nowhere"):
            make()


def test_without_the_client_it_is_said_how_to_add_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(ContractError, match="uv add --optional serve 'confluent-kafka"):
        read(NOWHERE)
