"""Run with the project's Python: what one row costs in each part of the service, in microseconds, as JSON.

Each part is timed over many rows inside one process; a request pays for HTTP beside.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from modelyard.serving.access.access import Access
from modelyard.serving.answers.live import Live
from modelyard.serving.config import AccessConfig, Config, ModelConfig
from modelyard.serving.http.predictions import answer_json
from modelyard.serving.log.log_lines import Asked
from modelyard.serving.log.metrics import SECONDS, Metrics
from modelyard.serving.log.prediction_log import PredictionLog
from modelyard.serving.log.shared import Shared

from flight_delays import project

TIMES, ROUNDS = 2000, 7


def micros(action: Callable[[], object]) -> float:
    """The median over rounds of what one call takes."""

    def once() -> float:
        start = time.perf_counter()
        for _ in range(TIMES):
            action()
        return (time.perf_counter() - start) / TIMES * 1e6

    once()
    return statistics.median(once() for _ in range(ROUNDS))


def main(bundle: Path, keys: Path, key: str) -> None:
    """Print the parts."""
    row = json.loads((bundle / "probe.json").read_text())["rows"][7]
    body = json.dumps(row).encode()
    headers = [(b"host", b"127.0.0.1"), (b"authorization", b"Bearer " + key.encode())]
    with tempfile.TemporaryDirectory() as folder:
        metrics = Metrics(Shared(1), 0)
        log = PredictionLog(Path(folder), 0, 0.2, 64, 2)
        config = Config({"model": ModelConfig(str(bundle))})
        logged, quiet = (Live(project, "model", config, metrics, one) for one in (log, None))
        access = Access.from_config(AccessConfig(keys=str(keys)), False)
        asked = quiet.forms.read(body)
        done = quiet.answer(asked, None)
        decided = [part.decisions() for part in done.parts]
        count, seconds = metrics.counter("requests"), metrics.histogram("seconds", SECONDS)

        def observe() -> None:
            count(1.0)
            seconds.add(0.0004)

        found = {
            "validation, with reading the JSON": micros(lambda: quiet.forms.read(body)),
            "reading the JSON alone": micros(lambda: json.loads(body)),
            "features and model": micros(lambda: quiet.answer(asked, None)),
            "writing the answer": micros(lambda: answer_json(quiet, done, decided)),
            "access check": micros(lambda: access.check(headers, "predict")),
            "metrics": micros(lambda: (observe(), quiet.note(done, decided, Asked("id"), 0.0))),
        }
        both = micros(lambda: logged.note(done, decided, Asked("id"), time.perf_counter()))
        found["prediction log"] = both - micros(lambda: quiet.note(done, decided, Asked("id"), time.perf_counter()))
        log.close()
        for live in (logged, quiet):
            live.served.close()
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
