"""Logged rows, answered again: a service that computes other features is found, and the feature is named."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from library.production.answered import rows_of, scores_of, write_day
from modelyard.production.predictions import newest
from modelyard.production.skew import skew
from modelyard.production.store import Store
from modelyard.runtime.bundle import read_bundle

DAY = "2026-03-02"


def replayed(workspace, tmp_path, rows, **columns):
    store = Store(str(tmp_path / "store"))
    write_day(store, workspace, DAY, rows, **columns)
    bundle = read_bundle(workspace.root / "bundle").digest[:12]
    return skew(workspace.project, workspace.root, bundle, store.copies(list(newest(store).values()), tmp_path))


@pytest.mark.parametrize("kind", ["made", "made_regression", "made_multiclass", "other"])
def test_what_the_bundle_answered_it_answers_again(kind, request, tmp_path):
    workspace = request.getfixturevalue(kind)
    assert replayed(workspace, tmp_path, rows_of(workspace).slice(0, 90)) == {"rows": 90, "different": 0}


@pytest.mark.parametrize("kind", ["made", "made_regression", "made_multiclass"])
def test_a_feature_that_the_service_computed_otherwise_is_named(kind, request, tmp_path):
    workspace = request.getfixturevalue(kind)
    rows = rows_of(workspace).slice(0, 400)
    place = rows.column_names.index("temp")
    celsius = pc.divide(pc.subtract(rows["temp"], 32.0), 1.8)
    served = scores_of(workspace, rows.set_column(place, "temp", celsius))
    found = replayed(workspace, tmp_path, rows, scores=served)
    assert found["feature"] == "temp"
    assert found["explained"] == found["tried"]
    own = scores_of(workspace, rows)
    (example, *_) = found["examples"]
    number = int(example["request"].removeprefix(f"{DAY}-"))
    assert example["logged"] == pytest.approx(served.reshape(400, -1)[number])
    assert example["answered"] == pytest.approx(own.reshape(400, -1)[number])
    assert found["different"] == sum((served != own).reshape(400, -1).any(axis=1))


def test_a_score_that_no_single_feature_explains_names_none(made, tmp_path):
    found = replayed(made, tmp_path, rows_of(made).slice(0, 10), scores=[0.999999] * 10)
    assert (found["different"], found["feature"]) == (10, None)
    assert found["largest"] > 0.1


def test_a_bundle_that_is_not_here_cannot_be_asked(made, tmp_path):
    store = Store(str(tmp_path / "store"))
    write_day(store, made, DAY, rows_of(made).slice(0, 5), bundle="0123456789ab")
    paths = store.copies(list(newest(store).values()), tmp_path)
    assert skew(made.project, made.root, "0123456789ab", paths) is None


def test_rows_of_other_columns_are_said(made, tmp_path):
    found = replayed(made, tmp_path, rows_of(made).slice(0, 5).drop_columns(["temp"]), scores=pa.array([0.5] * 5))
    assert found["rows"] == 0
    assert "can be answered again" in found["note"]
