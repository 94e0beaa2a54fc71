"""Runs on the Docker host, beside the router: asks it and the service what it is told to, a JSON object a line.

It is sent there as text and run by the serving image's Python, so it is the standard library only. Its container has
one name a stage, and so it is also the lock: it ends when its standard input does, or when nothing was asked for
IDLE seconds, and then another deployment may begin.
"""

import http.client
import json
import signal
import socket
import sys

IDLE = 60
ADMIN = ("127.0.0.1", 9999)
TIMEOUT = 10.0


def ask(task: dict) -> dict:
    """The answer to one task: a request over HTTP, or a command of the router's runtime API."""
    if "admin" in task:
        with socket.create_connection(ADMIN, TIMEOUT) as opened:
            opened.sendall(task["admin"].encode() + b"\n")
            return {"text": b"".join(iter(lambda: opened.recv(65536), b"")).decode()}
    if "host" in task:
        connection = http.client.HTTPConnection(task["host"], task["port"], timeout=task.get("timeout", TIMEOUT))
        body = task.get("body")
        connection.request(task.get("method", "GET"), task["path"], body and body.encode(), task.get("headers", {}))
        answer = connection.getresponse()
        return {"status": answer.status, "text": answer.read().decode(errors="replace")}
    return {}


def main() -> None:
    """Answer until there is no more to ask. What fails is an answer too."""
    signal.alarm(IDLE)
    for line in sys.stdin:
        signal.alarm(IDLE)
        try:
            answer = ask(json.loads(line))
        except (OSError, http.client.HTTPException) as fault:
            answer = {"fault": f"{type(fault).__name__}: {fault}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
