"""The verb `labels-review`: planted errors come first, and what was reviewed does not come again."""

from __future__ import annotations

import csv
import dataclasses
import shutil

import numpy as np
import pyarrow as pa
import pytest
from library.reviewed import TARGETS, drafted, lay_out_orders
from modelyard.judging.review import review
from modelyard.training.bundle import bundle
from modelyard.training.evaluate import evaluate
from modelyard.training.train import train

from flight_delays import project as flights_project

PLANTED = 12


@pytest.fixture(params=TARGETS)
def spoilt(request, tmp_path, monkeypatch):
    """Orders of which some have wrong labels; and those."""
    shop = lay_out_orders(tmp_path / "orders", request.param)
    monkeypatch.chdir(shop.root)
    table, name = shop.source, TARGETS[shop.kind]
    wrong = np.random.default_rng(5).choice(table.num_rows, PLANTED, replace=False)
    labels = table[name].to_pylist()
    for place in wrong:
        labels[place] = {
            "binary": lambda value: not value,
            "regression": lambda value: value + 40,
            "multiclass": lambda value: {"a": "c", "b": "a", "c": "a"}[value],
        }[shop.kind](labels[place])
    shop.write_source(table.set_column(table.column_names.index(name), name, pa.array(labels)))
    shop.take()
    return shop, {f"o-{place:04}" for place in wrong}


def rows(path) -> list[dict[str, str]]:
    with path.open(newline="") as opened:
        return list(csv.DictReader(opened))


def test_wrong_labels_come_first_and_those_reviewed_do_not_come_again(spoilt):
    shop, wrong = spoilt
    project = dataclasses.replace(flights_project, features=drafted)
    said = review(project, shop.root, shop.contract, shop.params, per_slice=10)
    found = rows(shop.root / "corrections/review-1.csv")
    assert "the 10 most suspicious of each of 3 slices (colour), of 600 labelled rows" in said[0]
    assert len(found) == 30
    hits = [row["order"] in wrong for row in found]
    assert sum(hits[:PLANTED]) >= PLANTED / 3  # by chance it would be one in fifty
    told = "residual" if shop.kind == "regression" else "probability"
    order = [abs(float(row[told])) * (-1 if shop.kind == "regression" else 1) for row in found]
    assert order == sorted(order)
    assert {row["slice"] for row in found} == {"colour=blue", "colour=green", "colour=red"}
    assert {row["label"] + row["reviewer"] + row["reason"] + row["disagreement"] for row in found} == {""}
    assert {row["given"] for row in found} <= {str(label).lower() for label in shop.labels().values()}

    shop.review((found[0]["order"], found[0]["given"], "keep"), name="ours.csv")
    said = review(project, shop.root, shop.contract, shop.params, per_slice=10, name="again.csv")
    assert found[0]["order"] not in {row["order"] for row in rows(shop.root / "corrections/again.csv")}
    assert not any("dvc.yaml" in line for line in said)


def test_what_a_person_fills_in_is_what_ingest_takes(spoilt):
    shop, _ = spoilt
    project = dataclasses.replace(flights_project, features=drafted)
    review(project, shop.root, shop.contract, shop.params, per_slice=3)
    path = shop.root / "corrections/review-1.csv"
    found = rows(path)
    before = shop.labels()
    for row in found[:2]:
        row |= {"label": row["predicted"], "reviewer": "Ada", "reason": "seen"}
    with path.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, found[0])
        writer.writeheader()
        writer.writerows(found)
    shop.take()
    after = shop.labels()
    changed = {order for order in before if before[order] != after[order]}
    assert changed == {row["order"] for row in found[:2] if row["predicted"] != row["given"]}


def test_two_versions_are_compared_where_there_are_two(made, tmp_path):
    root = tmp_path / "flights"
    shutil.copytree(made.root, root)
    workspace = dataclasses.replace(made, root=root)
    shutil.copytree(root / "bundle", root / "champion/bundle")
    same = review(workspace.project, root, workspace.contract, workspace.params, 2, folds=2)
    assert "the column disagreement is empty: the model here is main's" in same
    workspace.edit(model={"gradient_boosting": {"max_iter": 5}})
    for stage in (train, evaluate, bundle):
        stage(workspace.project, root, workspace.contract, workspace.params)
    said = review(workspace.project, root, workspace.contract, workspace.params, 2, folds=2, name="two.csv")
    assert not any("disagreement" in line for line in said)
    away = [float(row["disagreement"]) for row in rows(root / "corrections/two.csv")]
    assert max(away) > 0.01
    assert all(0 <= one <= 1 for one in away)
