"""How a verb ends: a user's error is reported as a message, a bug of the library keeps its traceback."""

from __future__ import annotations

import json
import os
import re
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from pathlib import Path

from .errors import YardError

REPORTS = Path("reports")
COST = REPORTS / "cost"
REFUSAL = REPORTS / "refusal.json"
CPU_INFO = Path("/proc/cpuinfo")
CORE_TYPE = "OPENBLAS_CORETYPE"
# What a stage leaves that a signal ends, because it cannot write any more by which; DVC prints that as `exited with -9`
SILENT = "it ended without a word"
UNTOLD = (
    f"{SILENT}; the log has its status: `exited with -9` as when memory runs out, `-4` at an instruction that this "
    "processor does not have"
)


class _NoPandas(MetaPathFinder):
    """Refuses to import pandas, as an environment without it would."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("this command does without pandas", name=name)


def without_pandas() -> None:
    """Make pandas unavailable in this process, as if it were not installed.

    Many of pyarrow's calls try to import pandas, which takes most of a second. A stage without frames does not use it.
    """
    sys.meta_path.insert(0, _NoPandas())


def pin_kernels() -> None:
    """Start this process again with the kernels of OpenBLAS that all its processors with AVX2 can run.

    OpenBLAS chooses by the processor, when it is loaded, and each choice rounds otherwise; this one can be asked for on
    machines of both large makers. Whoever sets the variable decides. Other machines have nothing in common to pin.
    """
    if CORE_TYPE not in os.environ and _has_avx2():
        sys.stdout.flush()
        again = [sys.executable, *sys.orig_argv[1:]]
        os.execve(sys.executable, again, {**os.environ, CORE_TYPE: "Haswell"})  # noqa: S606


def _has_avx2() -> bool:
    try:
        told = CPU_INFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    listed = next((line.split() for line in told.splitlines() if line.startswith("flags")), [])
    return {"avx2", "fma"} <= {*listed}


def run_command(main: Callable[[], None]) -> None:
    """Run a verb; on a YardError, print its message and exit with status 1."""
    try:
        main()
    except YardError as error:
        sys.exit(f"error: {error}")
    except BrokenPipeError:
        if not _is_unread():
            raise
        sys.exit(1)


def _is_unread() -> bool:
    """Whether what reads the output has ended, as `head` does; then the rest of it goes nowhere."""
    output = select.poll()
    output.register(sys.stdout.fileno(), 0)
    if not any(state & (select.POLLERR | select.POLLHUP) for _, state in output.poll(0)):
        return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return True


def run_stage(stage: str, main: Callable[[], None]) -> None:
    """Run a stage as `run_command` does, and write for the report what it cost or why it stopped.

    `reports/cost/<stage>.json`: its time in seconds and its peak memory in 10^6 bytes, including its imports.
    `reports/refusal.json`: the stage and the message. Only a stage that succeeds removes this file.
    """
    started = time.time() - time.process_time()  # CPU time so far is that of the imports
    refuse(stage, UNTOLD)
    try:
        main()
    except YardError as error:
        refuse(stage, str(error))
        sys.exit(f"error: {error}")
    except Exception as error:
        refuse(stage, f"{type(error).__name__}: {error}; the log has the traceback")
        raise
    REFUSAL.unlink()
    unit = 1 if sys.platform == "darwin" else 1024  # what ru_maxrss counts in
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
    _write(COST / f"{stage}.json", {"seconds": round(time.time() - started, 2), "peak_mb": round(peak, 1)})


def refuse(stage: str, message: str) -> None:
    """Write for the report why the pipeline stopped."""
    _write(REFUSAL, {"stage": stage, "message": message})


def ended_by(printed: str) -> str | None:
    """By which signal a stage ended, as DVC printed its status; None if it did not end by one.

    A shell in between gives the signal as 128 and its number.
    """
    found = re.findall(r"exited with (-?\d+)", printed)
    status = int(found[-1]) if found else 0
    number = -status if status < 0 else status - 128
    try:
        name = signal.Signals(number).name
    except ValueError:
        return None
    message = f"{SILENT}, by the signal {name}"
    if number == signal.SIGKILL:
        return f"{message}, as the kernel ends a process when memory runs out"
    if number == signal.SIGILL:
        core = os.environ.get(CORE_TYPE)
        cause = f"; {CORE_TYPE} is {core}, so see whether it has those of that one" if core else ""
        return f"{message}: an instruction that this processor does not have{cause}"
    return message


def _write(path: Path, content: dict[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content) + "\n", encoding="utf-8")
