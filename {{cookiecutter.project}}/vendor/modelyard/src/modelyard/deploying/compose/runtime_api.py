"""Asks HAProxy's runtime API, beside the router.

It is sent there as text together with inside.py, so it requires the standard library only.
"""

import socket

ADMIN = ("127.0.0.1", 9999)
ADMIN_TIMEOUT = 10.0


def ask_router(command: str) -> dict:
    """The text that the runtime API prints for a command."""
    with socket.create_connection(ADMIN, ADMIN_TIMEOUT) as opened:
        opened.sendall(command.encode() + b"\n")
        return {"text": b"".join(iter(lambda: opened.recv(65536), b"")).decode()}
