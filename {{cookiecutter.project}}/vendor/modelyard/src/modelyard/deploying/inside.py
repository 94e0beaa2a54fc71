"""Runs inside a stage, where the variants can be reached: sends them requests, which it reads as JSON, one a line.

It is sent there as text and run by the serving image's Python, so it requires the standard library only.
"""

import http.client
import json
import signal
import sys

IDLE = 60  # seconds without a task after which it ends
TIMEOUT = 10.0


def ask(task: dict) -> dict:
    """The answer to a request: host, port and path, and where needed method, headers, body and timeout."""
    connection = http.client.HTTPConnection(task["host"], task["port"], timeout=task.get("timeout", TIMEOUT))
    body = task.get("body")
    connection.request(task.get("method", "GET"), task["path"], body and body.encode(), task.get("headers", {}))
    answer = connection.getresponse()
    return {"status": answer.status, "text": answer.read().decode(errors="replace")}


def main(actions: dict = {}) -> None:  # noqa: B006 - never changed
    """Answer each task until the input ends. A failure is an answer too; an empty task keeps this process alive.

    actions: functions for other tasks, by the key of the task whose value is the function's argument.
    """
    signal.alarm(IDLE)
    for line in sys.stdin:
        signal.alarm(IDLE)
        task = json.loads(line)
        action = next((key for key in actions if key in task), None)
        try:
            answer = actions[action](task[action]) if action else ask(task) if task else {}
        except (OSError, http.client.HTTPException) as fault:
            answer = {"fault": f"{type(fault).__name__}: {fault}"}
        print(json.dumps(answer), flush=True)
