"""How often streams without any change raise an alarm, and how soon a planted change does.

Run in a project with a bundle. Arguments: an empty store, and a CSV file with columns day and value.

Each stream is some windows of rows drawn from those that the bundle was made and judged with, or from the file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from modelyard.judging.monitoring import Monitor
from modelyard.production.cells import input_cell, numeric_cell, numeric_cells, reference_shares
from modelyard.production.counts import BundleDay
from modelyard.production.drift import Subject, drift, measure
from modelyard.production.known import KnownBundle, known_bundles
from modelyard.production.layout import input_column
from modelyard.production.outcomes import Outcomes
from modelyard.production.performance import judge
from modelyard.production.store import Store
from modelyard.runtime.contract import Column, Contract
from modelyard.runtime.predictor import OnnxModel
from modelyard.training.data.dataset import Rows, encode_table, read_rows
from modelyard.training.reference import reference
from modelyard.training.settings import read_contract, read_params

from flight_delays import project

STREAMS, WINDOWS, DAYS, EACH = 300, 3, 7, 300


class Pool:
    """Rows of which streams are drawn, as the cells that production counts them in."""

    def __init__(self, known: KnownBundle, table: pa.Table, scores: np.ndarray) -> None:
        self.rows = table.num_rows
        inputs = {input_column(name): table[name] for name in known.contract.inputs}
        given = duckdb.from_arrow(pa.table(inputs | {"score": scores}))
        cells = {name: input_cell(name, column, known) for name, column in known.contract.inputs.items()}
        self.cells = {}
        for name, expression in {**cells, "": numeric_cell("score", known.score_edges)}.items():
            column = given.project(f"{expression} AS cell").to_arrow_table()["cell"]
            coded = column.combine_chunks().dictionary_encode()
            self.cells[name] = coded.dictionary.to_pylist(), coded.indices.to_numpy()

    def day(self, places: np.ndarray) -> BundleDay:
        """The counts of some rows."""
        counted = {
            name: {cell: int(count) for cell, count in zip(names, np.bincount(codes[places]), strict=False) if count}
            for name, (names, codes) in self.cells.items()
        }
        return BundleDay(len(places), {}, True, {name: one for name, one in counted.items() if name}, counted[""])


def drifts(
    pool: Pool, known: KnownBundle, random: np.random.Generator, days: list[np.ndarray] | None
) -> dict[str, Any]:
    """Shares of windows and streams; of rows drawn one by one, or of whole days if there are any."""
    settings, significant, found, alarmed = Monitor(), 0, 0, 0
    for _ in range(STREAMS):
        windows: list[list[BundleDay]] = []
        flagged: dict[str, int] = {}
        for _ in range(WINDOWS):
            windows.append([pool.day(one) for one in _places(pool, random, days)])
            held = drift(windows, known, settings)
            parts = {**held["inputs"], "": held["score"]}
            significant += any(one["p"] is not None and one["p"] < settings.alpha for one in parts.values())
            drifted = [name for name, one in parts.items() if one["state"] == "drift"]
            found += bool(drifted)
            flagged |= {name: flagged.get(name, 0) + 1 for name in drifted}
        alarmed += any(count >= settings.alarm.windows for count in flagged.values())
    count = STREAMS * WINDOWS
    return {
        "significant": significant / count,
        "drift": found / count,
        "alarms": alarmed / STREAMS,
        "windows": count,
        "streams": STREAMS,
    }


def quantities(file: Path, random: np.random.Generator) -> dict[str, float]:
    """The shares of windows of a quantity that are significant: of whole days of a file, and of its rows one by one."""
    given = pyarrow.csv.read_csv(file)
    column = Column("number", "feature", "A quantity")
    contract = Contract("x", "x", "x", {"value": column, "y": Column("number", "target", "y")})
    held = reference({"value": given["value"].to_numpy()}, contract)["value"]
    cells, shares = numeric_cells(held["edges"]), reference_shares(column, held) or {}
    cell = numeric_cell("value", held["edges"])
    counts = f"SELECT day, {cell} AS cell, count(*) FROM given GROUP BY ALL ORDER BY ALL"  # noqa: S608
    days: dict[Any, np.ndarray] = {}
    for day, name, rows in duckdb.execute(counts).fetchall():
        days.setdefault(day, np.zeros(len(cells)))[cells.index(name)] = rows
    whole, expected = np.stack(list(days.values())), np.array([shares[name] for name in cells])
    alone = random.multinomial(EACH, expected / expected.sum(), size=STREAMS * WINDOWS * DAYS).astype(np.float64)
    found = {}
    for title, pool in (("days", whole), ("rows", alone)):
        significant = 0
        for _ in range(STREAMS):
            windows: list[np.ndarray] = []
            for _ in range(WINDOWS):
                windows.append(pool[random.integers(len(pool), size=DAYS)])
                subject = Subject(cells, windows, expected, given.num_rows, held["edges"], None)
                significant += measure(subject)[0] < Monitor().alpha
        found[title] = significant / STREAMS / WINDOWS
    return found


def delays(
    pool: Pool, changed: Pool, name: str, known: KnownBundle, random: np.random.Generator, days: list[np.ndarray] | None
) -> float:
    """The share of streams in which a change is alarmed as soon as it can be: after `alarm.windows` windows."""
    settings, soon, streams = Monitor(), 0, STREAMS // 10
    for _ in range(streams):
        windows = [[pool.day(one) for one in _places(pool, random, days)]]
        states = []
        for _ in range(settings.alarm.windows):
            windows.append([changed.day(one) for one in _places(pool, random, days)])
            held = drift(windows, known, settings)
            states.append((held["inputs"].get(name) or held["score"])["state"])
        soon += states == ["drift"] * len(states)
    return soon / streams


def _places(pool: Pool, random: np.random.Generator, days: list[np.ndarray] | None) -> list[np.ndarray]:
    """The rows of each day of a window: drawn one by one, or whole days if there are any."""
    if days is None:
        return list(random.integers(pool.rows, size=(DAYS, EACH)))
    return [days[number] for number in random.integers(len(days), size=DAYS)]


def performances(rows: Rows, scores: np.ndarray, known: KnownBundle, random: np.random.Generator) -> dict[str, Any]:
    """The share of windows that are significantly worse than the release, and of those with one label of five wrong."""
    settings = Monitor()
    shares = {}
    for name, wrong in (("null", 0.0), ("planted", 0.2)):
        worse = 0
        streams = STREAMS if name == "null" else STREAMS // 10
        for _ in range(streams):
            held = []
            for places in random.integers(len(scores), size=(DAYS, EACH)):
                target = rows.target[places] ^ (random.random(EACH) < wrong)
                held.append(Outcomes(overall=sums(target, scores[places], known)))
            worse += (judge(held, known, settings, 1).p or 0.0) < settings.alpha
        shares[name] = worse / streams
    return shares


def sums(target: np.ndarray, scores: np.ndarray, known: KnownBundle) -> dict[str, float]:
    """The sums of some rows of a binary task, as production makes them."""
    called = scores >= (known.threshold or 0.5)
    return {
        "rows": len(target),
        "positives": int(target.sum()),
        "log_loss": float(-np.log(np.where(target == 1, scores, 1 - scores)).sum()),
        "brier": float(((scores - target) ** 2).sum()),
        "hits": int((called & (target == 1)).sum()),
        "false_alarms": int((called & (target == 0)).sum()),
    }


def main(url: str, file: str) -> None:
    """Print the shares as one line of JSON."""
    contract, params = read_contract(), read_params()
    (known,) = known_bundles(Store(url), Path()).values()
    model = OnnxModel(Path("bundle/model.onnx"), contract, project.features)
    train, holdout = (read_rows(Path(), contract, params, part) for part in ("shipped", "holdout"))
    scored = {id(rows): model.predict(encode_table(rows.table, contract)) for rows in (train, holdout)}
    random = np.random.default_rng(11)
    # the scores of a stream come from the holdout, as those of the reference do
    drawn = random.choice(scored[id(holdout)], size=train.table.num_rows)
    pool = Pool(known, train.table, drawn)
    day = train.table[contract.time or ""].to_numpy().astype("datetime64[D]")
    days = [np.flatnonzero(day == one) for one in np.unique(day)]

    def put(name: str, values: Any) -> pa.Table:
        table = train.table
        return table.set_column(table.column_names.index(name), name, values.cast(table[name].type))

    temp, missing = train.table["temp"], pa.array(random.random(train.table.num_rows) < 0.3)
    changes = {
        "temp in Celsius": ("temp", put("temp", pc.divide(pc.subtract(temp, 32.0), 1.8)), drawn),
        "temp 10 degF higher": ("temp", put("temp", pc.add(temp, 10.0)), drawn),
        "wind_speed missing in 30 %": (
            "wind_speed",
            put("wind_speed", pc.if_else(missing, pa.scalar(None, pa.float64()), train.table["wind_speed"])),
            drawn,
        ),
        "carrier EV named XE": (
            "carrier",
            put("carrier", pc.replace_substring(train.table["carrier"], "EV", "XE")),
            drawn,
        ),
        "scores half as high again": ("", train.table, np.minimum(drawn * 1.5, 1.0)),
    }
    found = {
        "rows": drifts(pool, known, random, None),
        "days": drifts(pool, known, random, days),
        "quantity": quantities(Path(file), random),
        "performance": performances(holdout, scored[id(holdout)], known, random),
        "planted": {
            title: {
                kind: delays(pool, Pool(known, table, scores), name, known, random, drawn_days)
                for kind, drawn_days in (("rows", None), ("days", days))
            }
            for title, (name, table, scores) in changes.items()
        },
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
