"""Say how the model does in production: performance, drift, coverage of labels, skew, and what is beyond its limit.

Writes reports/monitor.json, .md and .html, and the store's figures/latest.json. Exit status: 0, alarms or not.
"""

from __future__ import annotations

import argparse
import datetime
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..command import REPORTS
from ..errors import counted
from ..github.this_run import this_run
from ..judging.monitoring import Monitor
from ..judging.policy import read_policy
from ..runtime.contract import Contract
from ..runtime.project import Project
from ..training.metrics import PRIMARY
from ..training.settings import read_contract, read_params
from . import alarms
from .counts import BundleDay, Day, count_days
from .drift import HISTORY, drift
from .known import KnownBundle, known_bundles
from .labels import CACHE
from .labels import REPORT as LABELS_REPORT
from .layout import LATEST
from .ledger import read_ledger
from .outcomes import Outcomes, outcomes
from .page import write_page
from .parity import parity
from .performance import judge
from .predictions import newest
from .skew import skew
from .store import Store
from .tables import page
from .windows import Window, complete_windows, looks_back, parse_time, until_argument

FORMAT = 1
JSON, TABLES, PAGE = (REPORTS / f"monitor.{ending}" for ending in ("json", "md", "html"))
REPLAYED = 3  # the newest days with rows of the bundle, from which rows are answered again


def monitor(
    project: Project, root: Path, contract: Contract, settings: Monitor, seed: int, until: datetime.datetime
) -> dict[str, Any]:
    """The figures of a project's production at a time. Raises YardError if the store or a bundle cannot be read."""
    store = Store(str(settings.store))
    known = known_bundles(store, root)
    cache = root / CACHE
    days = {day: held for day, held in count_days(store, known, cache).items() if day <= until.date().isoformat()}
    judged = outcomes(store, known, {day: _rows(held) for day, held in days.items()}, until, cache) if days else {}
    windows = complete_windows(days, until, settings.window_days)
    entries = _entries(windows, days, judged, known, settings, seed, until)
    report = _read(root / LABELS_REPORT)
    replayed, joined = _replayed(project, root, store, days, cache) if days else (None, None)
    logs = read_ledger(store).totals()
    found = [*alarms.of_labels(report, until), *alarms.of_skew(replayed, until), *alarms.of_parity(joined, until)]
    if days:
        found += [*alarms.silence(days, until, settings), *alarms.torn(logs, until)]
        found += alarms.alarms(entries, settings, PRIMARY[contract.kind])
    return {
        "format": FORMAT,
        "model": contract.name,
        "until": until.isoformat(),
        "run": this_run(),
        "primary": PRIMARY[contract.kind],
        "unit": contract.columns[contract.target].unit,
        "logs": logs,
        "labels": report,
        "windows": entries,
        "skew": replayed,
        **({} if joined is None else {"parity": joined}),
        "alarms": found,
        "retrain": alarms.retrain(found),
    }


def _rows(day: Day) -> int:
    return sum(held.rows + sum(held.others.values()) for held in day.values())


def _entries(
    windows: Sequence[Window],
    days: Mapping[str, Day],
    judged: Mapping[str, dict[str, Outcomes]],
    known: Mapping[str, KnownBundle],
    settings: Monitor,
    seed: int,
    until: datetime.datetime,
) -> list[dict[str, Any]]:
    """Each window of each bundle that answered in it, in order."""
    entries = []
    before: dict[str, list[list[BundleDay]]] = {}
    for window in windows:
        within = window.days(days)
        for bundle in sorted({bundle for day in within for bundle in days[day]}):
            held = [days[day][bundle] for day in within if bundle in days[day]]
            before.setdefault(bundle, []).append(held)
            labelled = [judged[day][bundle] for day in within if bundle in judged.get(day, {})]
            is_mature = window.is_mature(until, settings.maturity_days)
            entry = _entry(held, labelled, known.get(bundle), settings, seed, is_mature)
            if bundle in known:
                entry["drift"] = drift(before[bundle][-HISTORY:], known[bundle], settings)
            entries.append({"start": str(window.start), "end": str(window.end), "bundle": bundle, **entry})
    return entries


def _entry(
    held: Sequence[BundleDay],
    labelled: Sequence[Outcomes],
    known: KnownBundle | None,
    settings: Monitor,
    seed: int,
    is_mature: bool,
) -> dict[str, Any]:
    rows = sum(day.rows for day in held)
    others: dict[str, int] = {}
    for day in held:
        for reason, count in day.others.items():
            others[reason] = others.get(reason, 0) + count
    with_label = int(sum(day.overall.get("rows", 0) for day in labelled))
    entry: dict[str, Any] = {
        "rows": rows,
        "others": others,
        "labelled": with_label,
        "unusable_labels": sum(day.unusable for day in labelled),
        "coverage": with_label / rows if rows else 0.0,
        "matured": is_mature,
        "performance": None,
        "slices": {},
        "state": "cannot tell",
        "p": None,
        "below_baseline": False,
        "release": known.metrics if known else {},
        "release_slices": known.slices if known else {},
        "baseline": {},
        "drift": None,
    }
    if known is not None and is_mature and with_label and entry["coverage"] >= settings.coverage:
        entry |= vars(judge(labelled, known, settings, seed))
    return entry


def _replayed(
    project: Project, root: Path, store: Store, days: Mapping[str, Day], cache: Path
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The replay of the newest rows of the bundle that answers now: `skew` and `parity`."""
    last = max(days)
    bundle = max(days[last], key=lambda name: days[last][name].rows)
    with_rows = [day for day in days if bundle in days[day] and days[day][bundle].rows][-REPLAYED:]
    if not with_rows:
        return None, None
    current = newest(store)
    paths = store.copies([current[day] for day in with_rows if day in current], cache)
    return skew(project, root, bundle, paths), parity(root, bundle, paths)


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


def write(root: Path, store: Store, found: Mapping[str, Any]) -> None:
    """Write the figures as JSON, here and in the store, as tables and as a page."""
    text = json.dumps(found, ensure_ascii=False, indent=1) + "\n"
    (root / JSON).parent.mkdir(parents=True, exist_ok=True)
    (root / JSON).write_text(text, encoding="utf-8")
    (root / TABLES).write_text(page(found), encoding="utf-8")
    write_page(found, root / PAGE)
    if not looks_back(store, parse_time(found["until"])):  # alerts and gauges are about now
        store.write(LATEST, text.encode())


def main(arguments: Sequence[str], project: Project) -> None:
    """The verb `monitor`."""
    parser = argparse.ArgumentParser(prog="monitor", description=__doc__)
    until_argument(parser)
    options = parser.parse_args(arguments)
    settings = read_policy().monitor
    if not settings.store:
        print("monitor: policy.yaml names no monitor.store, so nothing is watched")
        return
    found = monitor(project, Path(), read_contract(), settings, read_params().seed, options.until)
    write(Path(), Store(settings.store), found)
    print(f"monitor: {counted(len(found['windows']), 'window')}, {counted(len(found['alarms']), 'alarm')}; see {PAGE}")
    for alarm in found["alarms"]:
        print(f"{alarm['key']}: {alarm['summary']}")
