"""How a verb ends: a person's mistake is told in a few lines, a mistake of ours keeps its traceback."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from pathlib import Path

from .runtime.contract import ContractError

REPORTS = Path("reports")
COST = REPORTS / "cost"
REFUSAL = REPORTS / "refusal.json"


class _NoPandas(MetaPathFinder):
    """Says of pandas what an environment without it would say."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("this command does without pandas", name=name)


def without_pandas() -> None:
    """Keep pandas out of this process, as if it were not installed.

    Many of pyarrow's calls look for pandas by importing it, which takes most of a second. A stage without frames has no
    use for it.
    """
    sys.meta_path.insert(0, _NoPandas())


def run(main: Callable[[], None]) -> None:
    """Run a verb; exit with status 1 and the message where the contract, the settings or the data are wrong."""
    try:
        main()
    except ContractError as error:
        sys.exit(f"error: {error}")


def run_stage(stage: str, main: Callable[[], None]) -> None:
    """Run a stage as `run` does, and leave for the report what it cost, or why it stopped.

    `reports/cost/<stage>.json`: its time in seconds and its peak of memory in 10^6 bytes, its imports included.
    `reports/refusal.json`: the stage and the message; it is there however the stage ends, unless that is well.
    """
    started = time.time() - time.process_time()  # what went before was imports, which wait for nothing
    _write(REFUSAL, {"stage": stage, "message": "it ended without a word, as when memory runs out; see the log"})
    try:
        main()
    except ContractError as error:
        _write(REFUSAL, {"stage": stage, "message": str(error)})
        sys.exit(f"error: {error}")
    except Exception as error:
        _write(REFUSAL, {"stage": stage, "message": f"{type(error).__name__}: {error}; the log has the traceback"})
        raise
    REFUSAL.unlink()
    unit = 1 if sys.platform == "darwin" else 1024  # what ru_maxrss counts in
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
    _write(COST / f"{stage}.json", {"seconds": round(time.time() - started, 2), "peak_mb": round(peak, 1)})


def _write(path: Path, content: dict[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content) + "\n", encoding="utf-8")
