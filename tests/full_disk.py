"""Run by test_full_disk.py inside a project: the prediction log on a file system that is full, and on a read-only one.

Prints what happened as JSON. The file system has one megabyte and is mounted already.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from modelyard.serving.log import prediction_log
from modelyard.serving.log.log_lines import Asked, LogEntry, LoggedModel
from modelyard.serving.log.prediction_log import PredictionLog

prediction_log.MOST = 500_000  # bytes may wait, so that some are dropped soon
MOUNT = Path(sys.argv[1])


def until(reached: Callable[[], object]) -> None:
    ends = time.monotonic() + 60
    while not reached():
        if time.monotonic() > ends:
            sys.exit(f"waited in vain: {log.written=} {log.dropped=} {log.waiting=} {log.failure=}")
        time.sleep(0.01)


def write(start: int, count: int) -> None:
    for number in range(start, start + count):
        inputs = [{"distance": 529.0, "carrier": "US"}]
        log.write(LogEntry(SOURCE, Asked(str(number)), time.time(), "b", "model", inputs, np.zeros(1), [False], 0.1))


SOURCE = LoggedModel("flights", "hash", "stable")
log = PredictionLog(MOUNT / "log", 0, 0.05, 64, 4)
told: dict[str, object] = {}
write(0, 100)
until(lambda: log.written == 100)

ballast = MOUNT / "ballast"
with ballast.open("wb") as opened:
    opened.write(bytes(800_000))
write(1000, 10_000)
until(lambda: log.failure is not None and log.dropped["disk"])
told["full"] = log.failure
told["lines on the full disk"] = (MOUNT / "log/predictions-service-0-0-000001.jsonl").read_text()
ballast.unlink()
until(lambda: log.failure is None and not log.waiting)
write(20_000, 100)
until(lambda: not log.waiting)

# a read-only volume takes the folder's place, as the file that is open keeps this one from being made read-only
subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", MOUNT / "log"], check=True)
before = log.written
write(30_000, 100)
until(lambda: log.failure is not None)
told["read-only"] = log.failure
told["written while read-only"] = log.written - before
subprocess.run(["umount", MOUNT / "log"], check=True)
until(lambda: not log.waiting)
write(40_000, 100)
log.close()

told |= {"written": log.written, "dropped": log.dropped["disk"], "failure": log.failure}
told["lines"] = (MOUNT / "log/predictions-service-0-0-000001.jsonl").read_text()
print(json.dumps(told))
