"""The agent's script, run as it is on a host: by a bare Python, from its text."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from typing import Any

import pytest
from modelyard.deploying import inside
from modelyard.deploying.compose import runtime_api
from modelyard.deploying.scripts import script


def run(*tasks: Any, program: str = script("main()", inside)) -> list[Any]:
    """What the script answers to some tasks, after which its input ends."""
    command = [sys.executable, "-I", "-S", "-c", program]
    given = "".join(json.dumps(task) + "\n" for task in tasks)
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=True, timeout=30)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_it_answers_line_by_line_and_ends_with_its_input() -> None:
    assert run({}, {}) == [{}, {}]
    assert run() == []


def test_what_cannot_be_reached_is_an_answer_too() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        task = {"host": "127.0.0.1", "port": closed.getsockname()[1], "path": "/"}
        (answer,) = run(task)
    assert answer["fault"].startswith("ConnectionRefusedError: ")


def test_a_command_of_the_router_is_answered_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(runtime_api, "ADMIN", server.getsockname())

        def serve() -> None:
            opened, _ = server.accept()
            with opened:
                assert opened.recv(100) == b"show stat\n"
                for part in (b"a", b"b", b"\n"):
                    opened.sendall(part)

        thread = threading.Thread(target=serve)
        thread.start()
        assert runtime_api.ask_router("show stat") == {"text": "ab\n"}
        thread.join()


def test_a_target_can_have_more_asked_there() -> None:
    program = script("ADMIN = ('127.0.0.1', 1)\nmain({'admin': ask_router})", inside, runtime_api)
    empty, answer = run({}, {"admin": "show stat"}, program=program)
    assert empty == {}
    assert answer["fault"].startswith("ConnectionRefusedError: ")
