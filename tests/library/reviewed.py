"""Orders of a shop whose labels people review: two classes or a number by months, or three classes without a time."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
import sample
from library.laid_out import LaidOut
from modelyard.runtime.contract import Contract
from modelyard.runtime.matrix import Columns
from modelyard.training.data.difference import Answers
from modelyard.training.data.periods import read_periods
from modelyard.training.draft.draft import draft
from modelyard.training.draft.roles import Roles
from modelyard.training.edit import edit_yaml, round_trip
from modelyard.training.ingest import ingest
from modelyard.training.layout import CORRECTIONS, LEDGER, PERIODS

SETTINGS = ("contract.yaml", "params.yaml", "policy.yaml", "dvc.yaml", "docs/model-card.md")
TARGETS = {"binary": "returned", "regression": "weight", "multiclass": "grade"}
HEAD = ["order", "period", "given", "label", "reviewer", "reason"]
MONTHS = ("2024-01", "2024-02", "2024-03")
MONTH_ROWS = 200
WHOLE = "all"
SMALL = {"estimator": "gradient_boosting", "gradient_boosting": {"max_iter": 20, "min_samples_leaf": 10}}


def drafted(columns: Columns, contract: Contract) -> dict[str, Any]:
    """The features of a drafted project: every input as it is."""
    return {name: columns[name] for name, column in contract.inputs.items() if column.type != "timestamp"}


def orders(kind: str) -> pa.Table:
    """600 orders; the target follows from the others but for a little noise."""
    random = np.random.default_rng(7)
    count = MONTH_ROWS * len(MONTHS)
    size, colour = random.normal(0, 1, count), random.choice(["blue", "green", "red"], count)
    pull = size + (colour == "red") + random.normal(0, 0.2, count)
    targets: dict[str, Any] = {
        "binary": pull > 0.5,
        "regression": np.round(50 + 10 * pull, 3),
        "multiclass": np.array(["a", "b", "c"])[np.digitize(pull, [0, 1])],
    }
    columns: dict[str, Any] = {"order": [f"o-{place:04}" for place in range(count)], "colour": colour, "size": size}
    if kind != "multiclass":
        starts = np.repeat(np.array(MONTHS, "datetime64[M]").astype("datetime64[us]"), MONTH_ROWS)
        columns["placed"] = starts + np.tile(np.arange(MONTH_ROWS) * 12_000 * 10**6, len(MONTHS)).astype(
            "timedelta64[us]"
        )
    return pa.table({**columns, TARGETS[kind]: targets[kind]})


@dataclass(frozen=True)
class Orders(LaidOut):
    """A folder that is laid out as a project is, with one Parquet file of orders as its source."""

    kind: str

    @property
    def source(self) -> pa.Table:
        """The rows at the source."""
        return pyarrow.parquet.read_table(self.root / "orders.parquet")

    def write_source(self, table: pa.Table) -> None:
        """Replace the rows at the source."""
        pyarrow.parquet.write_table(table, self.root / "orders.parquet")

    def relabel(self, order: str, label: Any) -> None:
        """Give an order another label at the source."""
        table, name = self.source, TARGETS[self.kind]
        labels = pc.if_else(pc.equal(table["order"], order), pa.scalar(label, table[name].type), table[name])
        self.write_source(table.set_column(table.column_names.index(name), name, labels))

    def take(self, **answers: set[str]) -> list[str]:
        """Run ingest."""
        given = Answers(**{name: frozenset(periods) for name, periods in answers.items()})
        return ingest(self.root, self.contract, self.params, given)

    def labels(self) -> dict[str, Any]:
        """The labels that were taken, by order."""
        taken = read_periods(self.root / PERIODS, self.ledger(), ["order", TARGETS[self.kind]])
        return dict(zip(*(column.to_pylist() for column in taken.columns), strict=True))

    def ledger(self) -> dict[str, dict[str, Any]]:
        """The entries of data/ledger.json by period."""
        found: dict[str, dict[str, Any]] = json.loads((self.root / LEDGER).read_text())["periods"]
        return found

    def period(self, order: str) -> str:
        """The period of an order."""
        return WHOLE if self.kind == "multiclass" else MONTHS[int(order[2:]) // MONTH_ROWS]

    def review(self, *lines: Sequence[Any], name: str = "review-1.csv", head: Sequence[str] = HEAD) -> Path:
        """Write a file of corrections with these lines; without `head`, each is (order, given, label[, reviewer])."""
        path = self.root / CORRECTIONS / name
        path.parent.mkdir(exist_ok=True)
        with path.open("w", newline="", encoding="utf-8") as opened:
            writer = csv.writer(opened, lineterminator="\n")
            writer.writerow(head)
            for line in lines:
                writer.writerow(self._whole(*line) if head is HEAD else line)
        return path

    def _whole(
        self, order: str, given: str, label: str, reviewer: str = "Ada", reason: str = "the invoice"
    ) -> list[str]:
        return [order, self.period(order), given, label, reviewer, reason]


def lay_out_orders(root: Path, kind: str) -> Orders:
    """A folder with the settings drafted from the orders."""
    for name in SETTINGS:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(sample.SAMPLE / name, root / name)
    made = Orders(root, kind)
    made.write_source(orders(kind))
    source = {"kind": "files", "path": str(root / "orders.parquet")}
    draft(root, made.source, source, Roles(TARGETS[kind], ids=["order"]))
    _set(root / "contract.yaml", slices=["colour"])
    months = {"period": "month", "watermark": MONTHS[-1], "split": {"holdout": 1, "validation": 1}}
    source = {"kind": "files", "path": "orders.parquet"}  # from the folder, so that it can be copied
    edit_yaml(root / "params.yaml", {"source": source, "model": SMALL, **({} if kind == "multiclass" else months)})
    return made


def _set(path: Path, **values: object) -> None:
    yaml = round_trip()
    yaml.dump({**yaml.load(path), **values}, path)
