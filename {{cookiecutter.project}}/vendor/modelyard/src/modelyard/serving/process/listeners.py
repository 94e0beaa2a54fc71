"""The listening sockets of the service."""

from __future__ import annotations

import socket

from ...errors import ContractError

BACKLOG = 2048


def listen(host: str, port: int, count: int) -> list[socket.socket]:
    """Open `count` sockets at one address. Raises ContractError if it is in use or not available."""
    sockets: list[socket.socket] = []
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        for _ in range(count):
            listener = socket.socket(family, socket.SOCK_STREAM)
            sockets.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if len(sockets) == 1:  # whether another service has the port is seen only without SO_REUSEPORT
                with socket.socket(family, socket.SOCK_STREAM) as alone:
                    alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    alone.bind((host, port))
                    port = alone.getsockname()[1]
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listener.bind((host, port))
            listener.listen(BACKLOG)
            listener.set_inheritable(True)
    except OSError as error:
        for listener in sockets:
            listener.close()
        raise ContractError(
            f"{host}:{port}: {error.strerror or error}; say another with --host and --port, as in ARGS='--port 9000'"
        ) from None
    return sockets
