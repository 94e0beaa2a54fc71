"""What a bundle claims, and what the outputs beside it say, held against its model's own answers."""

from __future__ import annotations

import csv
import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
import pytest
from modelyard.judging.answers import answer
from modelyard.judging.claims import judge_claims, judge_outputs
from modelyard.runtime.bundle import Bundle, read_bundle
from modelyard.runtime.hashing import sha256
from modelyard.training.data.dataset import read_rows
from modelyard.training.metrics import Decision

TASKS = ["made", "made_regression", "made_multiclass"]


@pytest.fixture
def bundle(made) -> Bundle:
    return read_bundle(made.root / "bundle")


def claims(workspace: Any, metrics: dict[str, Any]) -> Any:
    bundle = dataclasses.replace(read_bundle(workspace.root / "bundle"), metrics=metrics)
    rows = read_rows(workspace.root, workspace.contract, workspace.params, "holdout")
    decision = None
    if workspace.contract.kind == "binary":
        costs = workspace.params.evaluate
        decision = Decision(bundle.manifest["threshold"], costs.false_positive_cost, costs.false_negative_cost)
    return judge_claims(bundle, rows, answer(workspace.project, bundle, [rows]), decision, workspace.params)


@pytest.mark.parametrize("task", TASKS)
def test_the_metrics_of_an_honest_bundle_are_those_of_its_model(request, task):
    workspace = request.getfixturevalue(task)
    metrics = read_bundle(workspace.root / "bundle").metrics
    found = claims(workspace, metrics)
    assert (found.found, found.kept, found.key) == (f"{len(metrics['holdout'])} metrics agree", True, "")


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    ("place", "name"),
    [
        (("holdout", "calibration_error", "value"), "calibration_error"),
        (("baseline", "calibration_error"), "the baseline's calibration_error"),
        (("gain", "value"), "gain.value"),
        (("gain", "low"), "gain.low"),
        (("gain", "high"), "gain.high"),
        (("holdout", "calibration_error", "low"), "calibration_error.low"),
        (("holdout", "calibration_error", "high"), "calibration_error.high"),
    ],
)
def test_a_number_that_was_edited_is_found_and_told(request, task, place, name):
    workspace = request.getfixturevalue(task)
    metrics = read_bundle(workspace.root / "bundle").metrics
    *steps, last = place
    node = metrics
    for step in steps:
        node = node[step]
    told = node[last] = node[last] + 0.001
    found = claims(workspace, metrics)
    assert found.kept is False
    assert found.found == f"{name} is {told - 0.001:.4f}, and the bundle says {told:.4f}"


def test_the_last_digits_may_differ(made, bundle):
    holdout = bundle.metrics["holdout"]
    close = {name: one | {"value": one["value"] * (1 + 1e-8)} for name, one in holdout.items()}
    assert claims(made, bundle.metrics | {"holdout": close}).kept is True


def test_a_metric_that_is_undefined_only_in_the_bundle_is_found(made, bundle):
    holdout = bundle.metrics["holdout"] | {"roc_auc": {"value": None, "low": None, "high": None}}
    found = claims(made, bundle.metrics | {"holdout": holdout})
    assert (found.kept, found.found.endswith("and the bundle says nan")) == (False, True)


@pytest.mark.parametrize("change", ["one less", "one more"])
def test_a_metric_that_only_one_side_has_is_found(made, bundle, change):
    holdout = dict(bundle.metrics["holdout"])
    holdout["f1"] = holdout["recall"] if change == "one more" else holdout.pop("recall")
    if change == "one less":
        del holdout["f1"]
    found = claims(made, bundle.metrics | {"holdout": holdout})
    name = "f1" if change == "one more" else "recall"
    assert found.kept is False
    assert found.found == f"{name} is in one of them only; make the bundle again with `make pipeline`"


def edit_csv(path: Path, column: str) -> None:
    """Add to the first number of a column of a bundle's table, and list its new hash, as a forger would."""
    with path.open(newline="") as opened:
        lines = list(csv.DictReader(opened))
    lines[0][column] = str(float(lines[0][column]) + 0.01)
    with path.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, lines[0])
        writer.writeheader()
        writer.writerows(lines)
    listed = path.with_name("manifest.json")
    manifest = json.loads(listed.read_text())
    manifest["files"][path.name] = sha256(path)
    listed.write_text(json.dumps(manifest))


@pytest.fixture
def copied(made, tmp_path) -> Any:
    """A workspace of one's own in which the pipeline has run."""
    shutil.copytree(made.root, tmp_path / "flights", ignore=shutil.ignore_patterns("source"))
    return dataclasses.replace(made, root=tmp_path / "flights")


@pytest.mark.parametrize(
    ("name", "column", "told"), [("slices", "high", "slices: "), ("calibration", "observed", "calibration: 0 observed")]
)
def test_an_edited_table_is_found(copied, bundle, name, column, told):
    edit_csv(copied.root / f"bundle/{name}.csv", column)
    found = claims(copied, bundle.metrics)
    assert found.kept is False
    assert found.found.startswith(told)


def outputs(workspace: Any) -> Any:
    bundle = read_bundle(workspace.root / "bundle")
    rows = read_rows(workspace.root, workspace.contract, workspace.params, "holdout")
    return judge_outputs(bundle, rows, answer(workspace.project, bundle, [rows]), workspace.root)


@pytest.mark.parametrize("task", TASKS)
def test_what_one_run_made_agrees(request, task):
    found = outputs(request.getfixturevalue(task))
    assert (found.kept, found.found.endswith(" predictions agree")) == (True, True)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("model/model.onnx", "model/model.onnx is not the file model.onnx of the bundle"),
        ("evaluation/metrics.json", "evaluation/metrics.json is not the file metrics.json of the bundle"),
        ("evaluation/importance.csv", "evaluation/importance.csv is not the file"),
    ],
)
def test_an_output_of_another_run_is_named(copied, name, told):
    with (copied.root / name).open("ab") as opened:
        opened.write(b" ")
    found = outputs(copied)
    assert found.kept is False
    assert found.found.startswith(told)
    assert "remove dvc.lock and .dvc/cache/runs" in found.found


def test_the_manifest_is_held_against_what_training_wrote(copied):
    path = copied.root / "model/training.json"
    path.write_text(path.read_text().replace('"rows": ', '"rows": 1'))
    assert outputs(copied).found.startswith("model/training.json is not what the bundle's manifest says of training")


def test_edited_predictions_are_counted(copied):
    path = copied.root / "evaluation/predictions.parquet"
    table = pyarrow.parquet.ParquetFile(path).read()
    name = table.column_names[-1]
    edited = pa.array([0.5, 0.25, *table[name].to_pylist()[2:]])
    pyarrow.parquet.write_table(table.set_column(table.num_columns - 1, name, edited), path)
    assert outputs(copied).found.startswith("2 rows of evaluation/predictions.parquet are not what")
    target = table.column_names.index("late")
    turned = table.set_column(target, "late", pc.invert(table["late"]))
    pyarrow.parquet.write_table(turned, path)
    assert outputs(copied).found.startswith("evaluation/predictions.parquet has other rows or targets")


def test_an_output_that_is_not_there_is_named(copied):
    (copied.root / "evaluation/predictions.parquet").unlink()
    assert "predictions.parquet: no such file" in outputs(copied).found
