"""Run with the project's Python in its root folder: the drafted model against the script, on the same holdout rows.

Prints JSON: the kind of model, the primary metric of both, and the 95 % interval of the difference on the same draws of
rows. The script reads the source by itself; each of its rows is found again by its place. Above 10,000 rows it stops
early, by rows that its seed draws: its loss is the mean over some seeds, as one alone is luck.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
from draft_script import script
from modelyard.runtime.contract import Contract
from modelyard.runtime.names import saved
from modelyard.training.bootstrap import intervals
from modelyard.training.data.dataset import encode_target, read_rows, split_rows
from modelyard.training.data.sources.files import FileSource
from modelyard.training.draft.types import typed_as
from modelyard.training.layout import PREDICTIONS
from modelyard.training.metrics import PRIMARY, primary_loss
from modelyard.training.settings import Params, read_contract, read_params
from threadpoolctl import threadpool_limits

RESAMPLES = 1000
SEEDS = range(5)  # of the script


def parts(table: pa.Table, contract: Contract, params: Params) -> tuple[np.ndarray, np.ndarray]:
    """The places in the source of the rows before the holdout and of the holdout, without those that have no target."""
    keys = table.select(list(contract.named("time") | contract.named("id")))
    keys = keys.rename_columns([str(place) for place in range(keys.num_columns)])
    sort = [(name, "ascending") for name in keys.column_names]
    order = pc.sort_indices(keys, sort).to_numpy() if sort else np.arange(len(table))  # as the pipeline holds them
    table = table.take(pa.array(order))
    if contract.time is None:
        held = split_rows(table, contract, params.split) == "holdout"
        early = ~held
    else:
        periods = table[contract.time].to_numpy().astype(f"datetime64[{params.unit}]").astype(str)
        holdout = read_rows(Path(), contract, params, "holdout").periods
        held, early = np.isin(periods, holdout), periods < min(holdout)
    known = table[contract.target].is_valid().to_numpy()
    return order[early & known], order[held & known]


def judge() -> dict[str, object]:
    """What is printed. Raises ValueError if the rows that were found are not those that the model was judged on."""
    contract, params = read_contract(), read_params()
    path = getattr(params.source, "path", "")
    source = FileSource(path)
    (name,) = source.objects()
    table = typed_as(contract, source.read(name))
    before, asked = parts(table, contract, params)
    judged = pyarrow.parquet.read_table(PREDICTIONS)
    target = encode_target(table.take(pa.array(asked)), contract)
    if not np.array_equal(target, encode_target(judged, contract)):
        raise ValueError("the rows of the holdout were not found again in the source")
    ours = np.column_stack([judged[column].to_numpy() for column in saved(contract)])
    frame = pd.read_csv(path)
    with threadpool_limits(params.threads):  # as many as the pipeline has
        theirs = [script(frame, contract.target, contract.time, before, asked, seed) for seed in SEEDS]
    every = [one if one.ndim == 1 or contract.kind == "multiclass" else one[:, -1] for one in (ours, *theirs)]
    loss = partial(primary_loss, contract.kind, target)

    def compared(weights: np.ndarray) -> dict[str, np.ndarray]:
        values = [loss(answers, weights) for answers in every]
        mean = np.mean(values[1:], axis=0)
        return {"ours": values[0], "script": mean, "difference": values[0] - mean}

    found = intervals(compared, np.arange(len(target)), RESAMPLES, params.seed)
    return {
        "kind": contract.kind,
        "time": contract.time,
        "rows": len(table),
        "columns": len(table.column_names),
        "holdout": len(target),
        "metric": PRIMARY[contract.kind],
        **{name: interval["value"] for name, interval in found.items()},
        "low": found["difference"]["low"],
        "high": found["difference"]["high"],
    }


if __name__ == "__main__":
    print(json.dumps(judge()))
