"""Features with history in the service: looked up where a row does not carry them, and the same as in training."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from library.history_shop import write_shop
from library.production.logged import ship_lines
from modelyard.errors import ContractError
from modelyard.production.compact import compact
from modelyard.production.parity import parity
from modelyard.production.predictions import newest
from modelyard.production.store import Store
from modelyard.runtime.bundle import read_bundle
from modelyard.runtime.online import OnlineStore
from modelyard.runtime.predict import main as predict
from modelyard.runtime.score import main as score
from modelyard.serving.config import Config, ModelConfig
from modelyard.serving.log.log_folder import read_lines
from modelyard.serving.log.prediction_log import PredictionLog
from modelyard.training.data.periods import read_periods
from modelyard.training.edit import edit_yaml
from modelyard.training.layout import PERIODS
from modelyard.training.materialize import main as materialize

ROWS = 100


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A shop whose model is made, in its folder, with an online store."""
    folder, before = tmp_path_factory.mktemp("shop"), os.getcwd()
    os.chdir(folder)
    made = write_shop(folder)
    made.make()
    materialize(["--to", "online.sqlite"], made.project)
    yield made
    os.chdir(before)


@pytest.fixture(scope="module")
def taken(shop):
    """Rows as they were taken for training: with the features, and as a client sends them, without."""
    contract = shop.contract
    table = read_periods(PERIODS, ["2013-03"], list(contract.columns)).slice(0, ROWS)
    full = [dict(row, at=row["at"].isoformat()) for row in table.drop_columns(["returned", "sale"]).to_pylist()]
    sent = [{name: value for name, value in row.items() if name not in contract.features} for row in full]
    return full, sent


def config(shop, store="online.sqlite"):
    return Config({"shop": ModelConfig(str(shop.root / "bundle"), online=str(store))})


def looked_up(app, feature, outcome):
    """How many values of a feature had this outcome."""
    lines = app.get("/metrics").body.decode().splitlines()
    named = [line for line in lines if line.startswith("modelyard_online_values_total{") and f'"{feature}"' in line]
    return sum(float(line.split()[-1]) for line in named if f'"{outcome}"' in line)


def predictions(answer):
    return [one["prediction"] for one in answer.json()["predictions"]]


def test_every_form_gets_the_answers_of_rows_with_the_values_of_training(shop, taken, called):
    full, sent = taken
    expected = shop.project.predictor("bundle").predict(full).tolist()
    without = called(Config({"shop": ModelConfig(str(shop.root / "bundle"))}))
    assert predictions(without.post("/predict", {"rows": sent})) != expected
    app = called(config(shop))
    assert predictions(app.post("/predict", {"rows": sent})) == expected
    by_column = {name: [row[name] for row in sent] for name in sent[0]}
    assert app.post("/predict", {"columns": by_column}).json()["columns"]["prediction"] == expected
    assert [predictions(app.post("/predict", row))[0] for row in sent[:40]] == expected[:40]
    wholes = [dict(row, amount=int(row["amount"]), weekend=row["weekend"]) for row in sent[:5]]
    assert len(predictions(app.post("/predict", {"rows": wholes}))) == 5
    assert looked_up(app, "refunds", "found") == 2 * ROWS + 45


def test_what_was_looked_up_is_logged_and_joins_again_to_the_last_bit(shop, taken, called, tmp_path):
    full, sent = taken
    log = PredictionLog(tmp_path / "log", 0, 0.1, 64, 4, "shop")
    app = called(config(shop), log=log)
    app.post("/predict", {"rows": sent})
    log.close()
    lines = list(read_lines(tmp_path / "log"))
    assert [json.loads(line)["inputs"].get("refund_mean") for line in lines] == [row["refund_mean"] for row in full]
    store, bundle = Store(str(tmp_path / "store")), read_bundle(shop.root / "bundle").digest[:12]
    ship_lines(store, b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines) + b"\n")
    compact(store, shop.contract)
    paths = store.copies(list(newest(store).values()), tmp_path)
    assert parity(shop.root, bundle, paths) == {"rows": ROWS, "features": {}}


def test_a_value_that_was_served_otherwise_is_named_by_feature_and_row(shop, taken, called, tmp_path):
    _, sent = taken
    log = PredictionLog(tmp_path / "log", 0, 0.1, 64, 4, "shop")
    app = called(config(shop), log=log)
    app.post("/predict", {"rows": [*sent[:4], {**sent[4], "refunds": 99}]})
    log.close()
    store, bundle = Store(str(tmp_path / "store")), read_bundle(shop.root / "bundle").digest[:12]
    lines = [line if isinstance(line, bytes) else line.encode() for line in read_lines(tmp_path / "log")]
    ship_lines(store, b"\n".join(lines) + b"\n")
    compact(store, shop.contract)
    found = parity(shop.root, bundle, store.copies(list(newest(store).values()), tmp_path))
    assert list(found["features"]) == ["refunds"]
    (example,) = found["features"]["refunds"]["examples"]
    assert (example["row"], example["served"]) == (4, 99)


def test_a_store_that_is_replaced_is_noticed_and_one_that_is_gone_gives_missing_values(shop, taken, called, tmp_path):
    full, sent = taken
    path = tmp_path / "online.sqlite"
    materialize(["--to", str(path)], shop.project)
    app = called(config(shop, path))
    expected = shop.project.predictor("bundle").predict(full).tolist()
    assert predictions(app.post("/predict", {"rows": sent})) == expected
    materialize(["--to", str(path)], shop.project)
    assert predictions(app.post("/predict", {"rows": sent})) == expected
    path.unlink()
    nothing = shop.project.predictor("bundle").predict(sent).tolist()
    assert predictions(app.post("/predict", {"rows": sent})) == nothing
    assert looked_up(app, "refunds", "failed") == ROWS


def test_a_store_of_another_definition_is_refused(shop, called, tmp_path):
    before = (shop.root / "contract.yaml").read_text()
    try:
        edit_yaml(shop.root / "contract.yaml", {"features": {"refunds": {"window": "2d"}}})
        materialize(["--to", str(tmp_path / "online.sqlite")], shop.project)
    finally:
        (shop.root / "contract.yaml").write_text(before)
    with pytest.raises(ContractError, match="does not hold refunds as the contract defines it"):
        called(config(shop, tmp_path / "online.sqlite"))
    with pytest.raises(ContractError, match=r"none.sqlite cannot be read.*make it with `materialize`"):
        called(config(shop, tmp_path / "none.sqlite"))


def test_the_command_line_looks_up_too(shop, taken, tmp_path, capsys):
    full, sent = taken
    expected = shop.project.predictor("bundle").predict(full)
    (tmp_path / "rows.json").write_text(json.dumps(sent))
    predict([str(tmp_path / "rows.json"), "--bundle", "bundle", "--online", "online.sqlite"], shop.project)
    told = [json.loads(line)["prediction"] for line in capsys.readouterr().out.splitlines()]
    assert told == expected.tolist()
    names = list(sent[0])
    text = [",".join(names), *(",".join("" if row[name] is None else str(row[name]) for name in names) for row in sent)]
    (tmp_path / "rows.csv").write_text("\n".join(text) + "\n")
    score([str(tmp_path / "rows.csv"), "--bundle", "bundle", "--online", "online.sqlite"], shop.project)
    written = capsys.readouterr().out.splitlines()
    place = written[0].split(",").index("prediction")
    np.testing.assert_array_equal([float(line.split(",")[place]) for line in written[1:]], expected)


def test_an_entity_of_which_nothing_is_known_gets_what_training_gives_it(shop):
    store = OnlineStore("online.sqlite", shop.contract)
    (row,) = store.filled([{"at": "2013-03-05T10:00:00", "shop": "closed"}])
    assert (row["refund_mean"], row["refunds"], row["last_way"]) == (None, 0, None)
    (row,) = store.filled([{"at": "no time", "shop": "north", "refunds": 3}])
    assert (row["refund_mean"], row["refunds"]) == (None, 3)
