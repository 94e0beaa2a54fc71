"""Sockets at which a service is called, with the system's own."""

from __future__ import annotations

import socket

import pytest
from modelyard.errors import ContractError
from modelyard.serving.process.listeners import listen


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
