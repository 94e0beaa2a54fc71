"""Write a store of answered rows with labels: the sample's rows over a hundred days. Run in a project with a bundle."""

from __future__ import annotations

import datetime
import hashlib
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from modelyard.production.layout import input_column
from modelyard.production.store import Store
from modelyard.runtime.bundle import read_bundle
from modelyard.runtime.predictor import OnnxModel
from modelyard.training.data.dataset import encode_table, read_rows
from modelyard.training.edit import edit_yaml
from modelyard.training.settings import read_contract, read_params

from flight_delays import project

DAYS = 100
FIRST = datetime.date(2026, 1, 5)
REQUEST = 1000  # rows


def main(url: str, rows: int) -> None:
    """Write so many rows, and name the store in policy.yaml."""
    contract = read_contract()
    store, pool = Store(url), read_rows(Path(), contract, read_params(), "train").table
    scores = OnnxModel(Path("bundle/model.onnx"), contract, project.features).predict(encode_table(pool, contract))
    label = pool[contract.target].cast(pa.string())
    bundle, random, each = read_bundle(Path("bundle")).digest[:12], np.random.default_rng(1), rows // DAYS
    for number in range(DAYS):
        day = FIRST + datetime.timedelta(number)
        place = np.arange(each)
        chosen = random.integers(pool.num_rows, size=each)
        names = pa.array([f"{day}-{one:08}" for one in range(each // REQUEST + 1)])
        key = {"request": names.take(pa.array(place // REQUEST)), "row": pa.array(place % REQUEST, pa.int32())}
        times = np.datetime64(day, "us") + (place * (86_400_000_000 // each)).astype("timedelta64[us]")
        fixed = {"time": times, "bundle": same(bundle, each), "answered_by": same("model", each)}
        fixed |= {"shadow": pa.array(np.zeros(each, dtype=bool)), "latency_ms": random.gamma(2, 2, size=each).round(3)}
        inputs = {input_column(name): pool[name].take(pa.array(chosen)) for name in contract.inputs}
        put(store, f"predictions/day={day}/000001", key | fixed | {"score": scores[chosen]} | inputs)
        known = np.full(each, np.datetime64(day, "us") + np.timedelta64(2, "D"))
        days = pa.array(np.full(each, np.datetime64(day, "D")))
        labels = {"day": days} | key | {"label": label.take(pa.array(chosen)), "known": known}
        put(store, f"labels/{number + 1:06}", labels)
    edit_yaml(Path("policy.yaml"), {"monitor": {"store": url}})


def same(text: str, count: int) -> pa.Array:
    """A text for each row."""
    return pa.DictionaryArray.from_arrays(np.zeros(count, dtype=np.int8), [text])


def put(store: Store, name: str, columns: dict[str, object]) -> None:
    """Write a Parquet file, with a part of its hash in its name."""
    part = store.folder / "part"  # type: ignore[operator]
    part.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pa.table(columns), part, compression="zstd", row_group_size=100_000)
    with part.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()[:16]
    store.put(part, f"{name}-{digest}.parquet")
    part.unlink()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
