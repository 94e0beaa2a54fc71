"""A shop whose model knows what was returned lately: a workspace with features with history, that is no flights."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import sample
from library.laid_out import LaidOut
from library.shop import PAID, SHOP, month, name
from modelyard.runtime.history import HistoryFeature
from modelyard.training.bundle import bundle
from modelyard.training.edit import edit_yaml, round_trip
from modelyard.training.evaluate import evaluate
from modelyard.training.ingest import ingest
from modelyard.training.train import train

from flight_delays import project

RECORDS = "rows/refunds.parquet"
COMMON: dict[str, Any] = {
    "source": RECORDS,
    "entity": ["shop"],
    "event_time": "refunded",
    "known_at": "booked",
    "owner": "Till",
}
FEATURES = {
    "refund_mean": HistoryFeature(
        **COMMON, value="amount_back", aggregate="mean", window="7d", description="Mean refund of the shop in a week"
    ),
    "refunds": HistoryFeature(**COMMON, aggregate="count", window="1d", description="Refunds of the shop in a day"),
    "last_way": HistoryFeature(
        **COMMON,
        value="way_back",
        maximum_age="2d",
        type="string",
        values=["post", "desk"],
        description="How the last refund came",
    ),
}
SMALL = {"bootstrap": 100, "slice_rows": 10, "importance_rows": 50, "importance_repeats": 2}


def refunds(months: int, seed: int = 3) -> pa.Table:
    """Refunds of the first months: one in ten is corrected some days later."""
    random, start = np.random.default_rng(seed), np.datetime64("2013-01-01", "s")
    number = 400 * months
    when = np.sort(random.integers(0, 30 * 86_400 * months, number))
    booked = when + random.choice([60, 3600, 2 * 86_400], number)
    amount, shop = random.gamma(2, 10, number).round(2), random.choice(["north", "south", "east", "west"], number)
    again = random.choice(number, number // 10, replace=False)
    rows = np.concatenate([np.arange(number), again])
    late = np.concatenate([np.zeros(number, int), random.integers(86_400, 5 * 86_400, len(again))])
    changed = np.concatenate([np.ones(number), random.normal(1, 0.5, len(again))])
    way = random.choice(["post", "desk"], number)
    return pa.table({
        "shop": shop[rows],
        "refunded": (start + when[rows]).astype("datetime64[us]"),
        "booked": (start + booked[rows] + late).astype("datetime64[us]"),
        "amount_back": (amount[rows] * changed).round(2),
        "way_back": way[rows],
    })  # fmt: skip


@dataclasses.dataclass(frozen=True)
class HistoryShop(LaidOut):
    """The shop's folder."""

    project = project

    def take(self) -> list[str]:
        """Ingest, in the folder."""
        return ingest(self.root, self.contract, self.params)

    def make(self) -> Path:
        """All stages, in the folder; the folder of the bundle."""
        self.take()
        train(self.project, self.root, self.contract, self.params)
        evaluate(self.project, self.root, self.contract, self.params)
        bundle(self.project, self.root, self.contract, self.params)
        return self.root / "bundle"


def write_shop(root: Path, months: int = 4, is_paid: bool = False) -> HistoryShop:
    """Write the project's files, the rows of so many months, all but one of which are taken, and the records."""
    for file in ("params.yaml", "policy.yaml", "dvc.yaml", "docs/model-card.md"):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(sample.SAMPLE / file, root / file)
    made = dataclasses.replace(PAID if is_paid else SHOP, features=FEATURES)
    content = {key: value for key, value in dataclasses.asdict(made).items() if key != "columns"}
    content["columns"] = {key: dataclasses.asdict(one) for key, one in (PAID if is_paid else SHOP).columns.items()}
    with (root / "contract.yaml").open("w", encoding="utf-8") as opened:
        round_trip().dump(_without_none(content), opened)
    (root / "rows/sales").mkdir(parents=True)
    for place in range(months):
        rows = month(place, contract=PAID if is_paid else SHOP)
        pyarrow.parquet.write_table(rows, root / f"rows/sales/{name(place)}.parquet")
    pyarrow.parquet.write_table(refunds(months), root / RECORDS)
    settings = {"estimator": "gradient_boosting", "gradient_boosting": {"max_iter": 10, "min_samples_leaf": 20}}
    changes: dict[str, Any] = {"source": {"kind": "files", "path": "rows/sales/*.parquet"}}
    changes["watermark"] = name(months - 2)
    edit_yaml(root / "params.yaml", {**changes, "model": settings, "evaluate": SMALL})
    (root / "docs/model-card.md").write_text("# {contract.name}\n\n{columns}\n")
    return HistoryShop(root)


def _without_none(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _without_none(value) for key, value in content.items() if value is not None}
    return content
