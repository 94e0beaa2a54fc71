"""What the report and the verdict say of labels that people corrected."""

from __future__ import annotations

import dataclasses
import shutil

import pyarrow as pa
import pyarrow.parquet
import pytest
from library.reviewed import MONTH_ROWS, drafted, lay_out_orders
from modelyard.judging.gate import gate
from modelyard.judging.policy import read_policy
from modelyard.reporting.document import to_markdown
from modelyard.reporting.evidence import gather
from modelyard.reporting.sections.corrections import corrections
from modelyard.reporting.sections.lineage import lineage
from modelyard.runtime.bundle import read_bundle
from modelyard.training.bundle import bundle
from modelyard.training.evaluate import evaluate
from modelyard.training.train import train
from sklearn.metrics import log_loss

from flight_delays import project as flights_project

HOLDOUT = 2 * MONTH_ROWS  # the first order of the month that is held out
PROJECT = dataclasses.replace(flights_project, features=drafted)


def made(shop) -> None:
    shop.take()
    for stage in (train, evaluate, bundle):
        stage(PROJECT, shop.root, shop.contract, shop.params)


def section(shop) -> str | None:
    found = corrections(gather(shop.root))
    return to_markdown([found]) if found else None


def notes(shop) -> list[str]:
    verdict = gate(PROJECT, None, read_bundle(shop.root / "bundle"), read_policy(shop.root / "policy.yaml"), shop.root)
    return [note for note in verdict.notes if "corrected" in note]


@pytest.mark.parametrize("kind", ["binary", "regression"])
def test_the_report_says_what_was_corrected_by_whom_and_the_verdict_that_the_holdout_was(kind, tmp_path, monkeypatch):
    shop = lay_out_orders(tmp_path / "orders", kind)
    monkeypatch.chdir(shop.root)
    made(shop)
    assert (section(shop), notes(shop)) == (None, [])

    labels = shop.labels()
    text = {order: str(label).lower() for order, label in labels.items()}
    other = {order: str(not label).lower() if kind == "binary" else str(label + 1) for order, label in labels.items()}
    trained, held = "o-0000", f"o-{HOLDOUT:04}"
    shop.review(
        (trained, text[trained], other[trained], "Ada"),
        (held, text[held], other[held], "Ada"),
        ("o-0001", text["o-0001"], "keep", "Ada"),
    )
    shop.review((trained, text[trained], other[trained], "Ben|"), name="ben.csv")
    made(shop)
    told = section(shop)
    assert told is not None
    assert "**2 labels corrected by people**: `Ada` (2), `Ben|` (1). 1 reviewed label kept." in told
    assert "1 corrected label of the holdout" in told
    colours = dict(zip(shop.source["order"].to_pylist(), shop.source["colour"].to_pylist(), strict=True))
    assert f"| colour = {colours[held]} | " in told
    assert ("raised" in told) == (kind == "regression")
    assert r"| `Ada` and `Ben\|` | 1 | 100% | - |" in told
    assert notes(shop) == ["1 label of the holdout corrected by people: all models are judged by the corrected ones."]


def test_champion_and_challenger_are_judged_by_the_corrected_labels_alike(tmp_path, monkeypatch):
    shop = lay_out_orders(tmp_path / "orders", "binary")
    monkeypatch.chdir(shop.root)
    made(shop)
    shutil.copytree(shop.root / "bundle", shop.root / "champion/bundle")
    before = pyarrow.parquet.read_table(shop.root / "evaluation/predictions.parquet")
    flipped = before["order"].to_pylist()[:40]
    given = {order: str(label).lower() for order, label in shop.labels().items()}
    shop.review(*((order, given[order], {"true": "false", "false": "true"}[given[order]]) for order in flipped))
    made(shop)

    champion = read_bundle(shop.root / "champion/bundle")
    policy = read_policy(shop.root / "policy.yaml")
    verdict = gate(PROJECT, champion, read_bundle(shop.root / "bundle"), policy, shop.root)
    corrected = [
        label != (order in flipped) for order, label in zip(*_columns(before, "order", "returned"), strict=True)
    ]
    judged = verdict.comparison["metrics"]["log_loss"]["champion"]
    assert judged == pytest.approx(log_loss(corrected, before["prediction"].to_numpy()))
    assert judged > 2 * champion.metrics["holdout"]["log_loss"]["value"]
    told = to_markdown([corrections(gather(shop.root))])
    assert "**40 labels corrected by people** (0 on main): `Ada` (40)." in told
    assert "; 40 labels corrected" in to_markdown([lineage(gather(shop.root))])


def _columns(table: pa.Table, *names: str) -> list[list]:
    return [table[name].to_pylist() for name in names]
