"""Sockets at which a service is called, with the system's own."""

from __future__ import annotations

import socket
import sys
import threading

import pytest

from modelyard.runtime.contract import ContractError
from modelyard.serving.process.listeners import listen, turn_away


@pytest.fixture
def listeners():
    """Makes listeners, and closes what is left of them."""
    made = []

    def make(count, port=0):
        made.extend(listen("127.0.0.1", port, count))
        return made[-count:]

    yield make
    for one in made:
        one.close()


def test_as_many_sockets_as_are_asked_for_share_one_port(listeners):
    made = listeners(3)
    assert len({one.getsockname() for one in made}) == 1
    for one in made:
        one.setblocking(False)
    clients = [socket.create_connection(made[0].getsockname(), timeout=5) for _ in range(64)]
    taken = [0, 0, 0]
    for place, one in enumerate(made):
        while True:
            try:
                one.accept()[0].close()
            except BlockingIOError:
                break
            taken[place] += 1
    assert sum(taken) == 64
    assert all(taken)
    for client in clients:
        client.close()


def test_a_port_that_is_taken_is_told(listeners):
    port = listeners(1)[0].getsockname()[1]
    with pytest.raises(ContractError, match=rf"127\.0\.0\.1:{port}: Address already in use; say another with"):
        listen("127.0.0.1", port, 2)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such filters")
def test_who_came_before_is_taken_and_who_comes_after_is_refused_and_nobody_is_reset(listeners):
    (one,) = listeners(1)
    address = one.getsockname()
    before = [socket.create_connection(address, timeout=5) for _ in range(5)]
    turn_away(one)
    found = []

    def come():
        try:
            socket.create_connection(address, timeout=10).close()
        except OSError as error:
            found.append(type(error))

    after = [threading.Thread(target=come) for _ in range(5)]
    for thread in after:
        thread.start()
    one.settimeout(0.3)
    taken = [one.accept()[0] for _ in range(5)]
    with pytest.raises(TimeoutError):
        one.accept()
    one.close()
    for thread in after:
        thread.join(15)
    assert found == [ConnectionRefusedError] * 5
    for server in taken:
        server.sendall(b"well")
        server.close()
    assert [client.recv(10) for client in before] == [b"well"] * 5
    for client in before:
        client.close()
