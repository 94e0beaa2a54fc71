"""How many of the labels that `make labels-review` lists are wrong, where so many wrong ones were planted.

Of each set, PLANTED of the labels are made wrong at random: a class becomes another one, a number that of another row.
A set has wrong labels of its own, which nobody counted: they make the precision look lower than it is.
"""

from __future__ import annotations

import csv

import numpy as np
import pandas as pd
from modelyard.training.data.sources.sample import SampleSource
from modelyard.training.settings import read_contract

from .draft_data import SETS
from .drafts import write_sources
from .options import Options
from .table import Line
from .workspace import PACKAGE, Workspace

TITLE = "Wrong labels among those listed for review"
HEAD = (
    "data set",
    "rows",
    "kind",
    "planted",
    "listed",
    "wrong",
    "precision",
    "by chance",
    "of the first 100",
    "seconds",
    "kept",
)
PLANTED = 0.02
PER_SLICE = 100
SEED = 15
THIN = 10  # every so many flights are kept
ID = "row_id"
FLIGHTS = "flights"
NAMES = {FLIGHTS: ("late", "flight_id"), "digits": ("target", ID), "diamonds": ("price", ID)}
LIMIT = 2.0  # times as many as by chance, at least


def bench(workspace: Workspace, _: Options) -> list[Line]:
    """Two classes, ten classes and a number."""
    sources = write_sources(workspace, [name for name in NAMES if name != FLIGHTS])
    lines = []
    for name, (target, row_id) in NAMES.items():
        table = _flights() if name == FLIGHTS else pd.read_csv(sources / f"{name}.csv")
        if row_id == ID:
            table.insert(0, ID, [f"r{place}" for place in range(len(table))])
        wrong = _plant(table, target, row_id, is_number=name == "diamonds")
        path = workspace.folder / f"planted-{name}.csv"
        table.to_csv(path, index=False)
        with workspace.project.scratch() as project:
            told = SETS[name].told.split() if name in SETS else []
            project.python("-m", PACKAGE, "draft", f"--target={target}", f"--id={row_id}", *told, "--", path)
            project.stage("ingest")
            done = project.python("-m", PACKAGE, "labels-review", f"--per-slice={PER_SLICE}")
            with next((project.root / "corrections").glob("*.csv")).open(newline="", encoding="utf-8") as opened:
                listed = [row[row_id] in wrong for row in csv.DictReader(opened)]
            kind = read_contract(project.root / "contract.yaml").kind
        lines.append(_line(name, len(table), kind, len(wrong), listed, done.seconds))
    return lines


def _flights() -> pd.DataFrame:
    """Flights whose delay is known, so that each can be given a wrong label."""
    table = SampleSource().read("").drop_columns(["delay"])
    return table.take(list(range(0, table.num_rows, THIN))).to_pandas().dropna(subset=["late"])


def _plant(table: pd.DataFrame, target: str, row_id: str, is_number: bool) -> set[str]:
    """Make labels of a table wrong; the ids of their rows."""
    random = np.random.default_rng(SEED)
    labels = table[target].to_numpy().copy()
    values = labels.copy() if is_number else np.unique(labels)
    chosen = random.choice(len(labels), round(PLANTED * len(labels)), replace=False)
    for place in chosen:
        labels[place] = random.choice(values[values != labels[place]])
    table[target] = labels
    return set(table[row_id].to_numpy()[chosen].astype(str))


def _line(name: str, rows: int, kind: str, planted: int, listed: list[bool], seconds: float) -> Line:
    precision, chance = sum(listed) / len(listed), planted / rows
    cells = (
        f"{rows:,}",
        kind,
        f"{planted:,}",
        f"{len(listed):,}",
        f"{sum(listed):,}",
        f"{precision:.1%}",
        f"{chance:.1%}",
        f"{sum(listed[:100])}",
        f"{seconds:.0f}",
    )
    return Line(name, kept=precision >= LIMIT * chance, cells=cells)
