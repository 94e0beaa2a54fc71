"""A table whose columns are called as something else is: a path, a parameter, an index, a count."""

from __future__ import annotations

import dataclasses
import datetime
import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from library.awkward import IDS, NUMBERS
from library.conftest import Workspace
from library.library_versions import vendor
from modelyard.errors import ContractError
from modelyard.judging.answers import answer_as_champion
from modelyard.runtime.bundle import read_bundle
from modelyard.runtime.score import score
from modelyard.training.data.dataset import Rows, read_rows
from modelyard.training.ingest import ingest
from modelyard.training.layout import PREDICTIONS

from flight_delays import project


def holdout(workspace: Workspace) -> Rows:
    return read_rows(workspace.root, workspace.contract, workspace.params, "holdout")


def test_no_column_is_lost_or_taken_for_another(named):
    contract = named.contract
    assert set(json.loads((named.root / "model/training.json").read_text())["features"]) == {
        *("[when]_hour", "[when]_weekday", "index", *NUMBERS)
    }
    saved = pyarrow.parquet.ParquetFile(named.root / PREDICTIONS).read()
    assert saved.column_names == [
        *IDS, "[when]", "index", "failure_case", *(f"prediction {label}" for label in contract.classes),
    ]  # fmt: skip
    scores = np.stack([saved[f"prediction {label}"].to_numpy() for label in contract.classes], axis=1)
    rows = holdout(named)
    predictor = project.predictor(named.root / "bundle")
    assert np.array_equal(scores, predictor.model.predict(rows.columns))
    assert json.loads((named.root / "evaluation/metrics.json").read_text())["gain"]["low"] > 0


def test_saved_answers_are_found_by_their_exact_names(named, tmp_path):
    shutil.copytree(named.root / "bundle", tmp_path / "bundle")
    shutil.copyfile(named.root / PREDICTIONS, tmp_path / PREDICTIONS.name)
    rows = holdout(named)
    without = dataclasses.replace(rows, table=rows.table.drop_columns(["file"]))
    bundle = read_bundle(tmp_path / "bundle")
    answers, remark = answer_as_champion(project, bundle, [without], named.contract)
    assert np.array_equal(answers, project.predictor(bundle.folder).model.predict(rows.columns))
    assert "needs the column 'file'" in str(remark)


def test_saved_answers_under_other_names_are_not_guessed(named, tmp_path):
    shutil.copytree(named.root / "bundle", tmp_path / "bundle")
    saved = pyarrow.parquet.ParquetFile(named.root / PREDICTIONS).read()
    renamed = saved.rename_columns({"prediction yes": "prediction yes?"})
    pyarrow.parquet.write_table(renamed, tmp_path / PREDICTIONS.name)
    rows = holdout(named)
    without = dataclasses.replace(rows, table=rows.table.drop_columns(["file"]))
    with pytest.raises(ContractError, match=r"its saved answers have no column 'prediction yes'$"):
        answer_as_champion(project, read_bundle(tmp_path / "bundle"), [without], named.contract)


def test_a_champion_that_answers_with_its_own_code_is_given_each_column(named, tmp_path):
    shutil.copytree(named.root / "bundle", tmp_path / "bundle")
    package = tmp_path / "code/flight_delays"
    shutil.copytree(project.folder, package, ignore=shutil.ignore_patterns("__pycache__"))
    changed = vendor(
        tmp_path / "code", "runtime/predictor.py", "return self.answer(matrix(", "return 1 - self.answer(matrix("
    )
    manifest = json.loads((tmp_path / "bundle/manifest.json").read_text())
    manifest["code"]["modelyard:predict"] = changed["predict"]
    (tmp_path / "bundle/manifest.json").write_text(json.dumps(manifest))
    rows = holdout(named)
    answers, remark = answer_as_champion(project, read_bundle(tmp_path / "bundle"), [rows], named.contract)
    assert remark == "The champion answers with its own code."
    assert answers == pytest.approx(1 - project.predictor(named.root / "bundle").model.predict(rows.columns))


def test_a_scored_file_has_each_id_and_each_answer(named, tmp_path):
    contract, source = named.contract, tmp_path / "rows.parquet"
    table = holdout(named).table.select([*contract.named("id"), *contract.inputs])
    pyarrow.parquet.write_table(table, source)
    score(project.predictor(named.root / "bundle"), source, tmp_path / "answers.parquet", ".parquet")
    answers = pyarrow.parquet.ParquetFile(tmp_path / "answers.parquet").read()
    assert answers.column_names == [*IDS, *(f"prediction_{label}" for label in contract.classes), "decision"]
    assert answers["prediction_id"].to_pylist() == table["prediction_id"].to_pylist()


def test_an_id_that_comes_twice_is_found_whatever_it_is_called(named, tmp_path):
    copy = Workspace(shutil.copytree(named.root, tmp_path / "shop"))
    again = pyarrow.parquet.ParquetFile(named.root / "source/all.parquet").read().slice(0, 1)
    later = pa.array([datetime.datetime(2023, 1, 2, 1)], pa.timestamp("us"))
    again = again.set_column(again.column_names.index("[when]"), "[when]", later)
    pyarrow.parquet.write_table(again, copy.root / "source/more.parquet")
    copy.edit(source={"kind": "files", "path": str(copy.root / "source/*.parquet")})
    with pytest.raises(ContractError, match="count_all, prediction_id: the same id twice: 1 row, for example 0"):
        ingest(copy.root, copy.contract, copy.params)
