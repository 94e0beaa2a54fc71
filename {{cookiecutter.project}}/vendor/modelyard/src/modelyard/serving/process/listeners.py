"""The sockets at which the service is called."""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct

from ...runtime.contract import ContractError

BACKLOG = 2048
SO_ATTACH_FILTER = 26  # Linux's, which the module `socket` does not name
DROP = struct.pack("HBBI", 0x06, 0, 0, 0)  # a filter of one step (BPF_RET): nothing of a packet is kept


def listen(host: str, port: int, count: int) -> list[socket.socket]:
    """As many sockets at one address. Raises ContractError where it is taken or not to be had."""
    made: list[socket.socket] = []
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        for _ in range(count):
            one = socket.socket(family, socket.SOCK_STREAM)
            made.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if len(made) == 1:  # whether another service has the port is seen only without SO_REUSEPORT
                with socket.socket(family, socket.SOCK_STREAM) as alone:
                    alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    alone.bind((host, port))
                    port = alone.getsockname()[1]
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            one.bind((host, port))
            one.listen(BACKLOG)
            one.set_inheritable(True)
    except OSError as error:
        for one in made:
            one.close()
        raise ContractError(f"{host}:{port}: {error.strerror or error}; say another with --host and --port") from None
    return made


def turn_away(listener: socket.socket) -> None:
    """Have nobody come in any more: who connects from now on waits, and is refused when the socket is closed.

    Closing it resets those who have come in and were not taken yet. With nobody coming, all can be taken before.
    """
    listener.listen(0)
    step = ctypes.create_string_buffer(DROP, len(DROP))
    with contextlib.suppress(OSError):  # a system without filters, where few can come and be reset
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(step)))
