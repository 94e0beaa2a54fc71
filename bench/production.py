"""How the figures of production grow with the rows, and how often they alarm without a reason."""

from __future__ import annotations

import json
import shutil
from statistics import median

import pandas as pd
from scipy import stats
from vega_datasets import data

from .measure import Run, exponent
from .options import Options
from .table import Line, at_most, ratio
from .workspace import BENCH, PACKAGE, Project, Workspace

TITLE = "Production"
GIB = 2**30
GROWTH = 1.1
MOST_SECONDS, MOST_GIB = 600.0, 1.0  # of MOST_ROWS
MOST_ROWS = 100_000_000
ALPHA = 0.01  # of policy.yaml
COMPACTED, COPIES = 5_000_000, 1.5  # lines, and times the duration of duckdb's bare COPY
SOON = 0.95  # of planted changes are found as soon as they can be


def bench(workspace: Workspace, options: Options) -> list[Line]:
    """The verb `compact`, then `monitor` over so many logged rows with labels, then streams with and without change."""
    lines, seconds = [], []
    with workspace.project.scratch() as project:
        for stage in ("ingest", "train", "evaluate", "bundle"):
            project.stage(stage)
        lines += _compact(project, options.repeats)
        for rows in options.logged:
            first, again = _measure(project, rows)
            seconds.append(first.seconds)
            lines.append(_within(f"`monitor` over {rows:,} logged rows", first, rows))
            lines.append(Line("the same again, with nothing new", f"{again.seconds:.1f} s"))
        if len(seconds) > 1:
            lines.append(at_most("growth with the rows", "", exponent(options.logged, seconds), GROWTH))
        lines += _streams(project)
    return lines


def _compact(project: Project, rounds: int) -> list[Line]:
    """The verb `compact` beside a bare COPY of the same files; they take turns."""
    store, copied = project.root / "store", project.root / "copied.parquet"
    project.python(BENCH / "log_lines.py", store, str(COMPACTED))
    whole, cpu = [], []
    for _ in range(rounds):
        bare = project.python(BENCH / "bare_copy.py", store / "raw/host/*.jsonl.gz", copied)
        run = project.python("-m", PACKAGE, "compact", "--store", store)
        shutil.rmtree(store / "predictions")
        (store / "ledger.json").unlink()
        whole.append((run.seconds, bare.seconds))
        cpu.append((run.cpu_seconds, bare.cpu_seconds))
    shutil.rmtree(store)
    copied.unlink()
    what = f"`compact` of {COMPACTED:,} lines, beside a bare COPY"
    return [ratio(title, *_medians(pairs), COPIES) for title, pairs in ((what, whole), ("... in CPU time", cpu))]


def _medians(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    mine, bare = zip(*pairs, strict=True)
    return median(mine), median(bare)


def _measure(project: Project, rows: int) -> tuple[Run, Run]:
    store = project.root / "store"
    project.python(BENCH / "answered_rows.py", store, str(rows))
    runs = [project.python("-m", PACKAGE, "monitor", "--until", "2026-07-01") for _ in range(2)]
    shutil.rmtree(store)
    return runs[0], runs[1]


def _within(what: str, run: Run, rows: int) -> Line:
    peak = run.peak_bytes / GIB
    kept = run.seconds <= MOST_SECONDS and peak <= MOST_GIB if rows <= MOST_ROWS else None
    limit = f"{MOST_SECONDS:.0f} s, {MOST_GIB:g} GiB"
    return Line(what, f"{run.seconds:.1f} s, {peak:.2f} GiB", limit=limit, kept=kept)


def _streams(project: Project) -> list[Line]:
    temperatures = project.root / "temperatures.csv"
    hourly = data.seattle_temps()
    pd.DataFrame({"day": hourly["date"].dt.date, "value": hourly["temp"]}).to_csv(temperatures, index=False)
    run = project.python(BENCH / "streams.py", project.root / "store", temperatures)
    found = json.loads(run.output.splitlines()[-1])
    lines = []
    for title, one in (("rows one by one", found["rows"]), ("whole days of flights", found["days"])):
        lines += [
            _nominal(f"windows without a change, {title}: an input is significant", one["significant"], one["windows"]),
            _nominal("... and so far off that it counts as drift", one["drift"], one["windows"]),
            _nominal("streams of three such windows with an alarm", one["alarms"], one["streams"]),
        ]
    quantity, count = found["quantity"], found["days"]["windows"]
    lines += [
        _nominal("windows of whole days of Seattle's temperatures: significant", quantity["days"], count),
        _nominal("windows of the same rows one by one: significant", quantity["rows"], count),
        _nominal("windows whose performance is significantly worse, and is not", found["performance"]["null"], 300),
    ]
    for title, shares in found["planted"].items():
        lines.append(_planted(f"found after two windows: {title}", shares["rows"]))
        lines.append(Line("... in whole days, of which a window has seven", found=f"{shares['days']:.0%}"))
    lines.append(
        _planted("performance in one window, of which a fifth of the labels is wrong", found["performance"]["planted"])
    )
    return lines


def _planted(what: str, share: float) -> Line:
    return Line(what, found=f"{share:.0%}", limit=f"at least {SOON:.0%}", kept=share >= SOON)


def _nominal(what: str, share: float, count: int) -> Line:
    """A share of false alarms, beside the nominal one and what chance adds to it."""
    limit = stats.binom.isf(0.001, count, ALPHA) / count
    return Line(what, found=f"{share:.1%}", limit=f"{ALPHA:.0%} nominal, by chance {limit:.1%}", kept=share <= limit)
