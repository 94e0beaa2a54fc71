"""Features with history in the service: looked up where a row does not carry them, and the same as in training."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from library.production.logged import ship_lines
from library.serving.online.asked import config, looked_up, predictions, scores_of, write_csv, write_redefined
from library.serving.online.conftest import ROWS
from modelyard.errors import ContractError
from modelyard.production.compact import compact
from modelyard.production.parity import parity
from modelyard.production.predictions import newest
from modelyard.production.store import Store
from modelyard.runtime.bundle import read_bundle
from modelyard.runtime.online.store import OnlineStore
from modelyard.runtime.predict import main as predict
from modelyard.runtime.score import main as score
from modelyard.serving.config import Config, ModelConfig
from modelyard.serving.log.log_folder import read_lines
from modelyard.serving.log.prediction_log import PredictionLog
from modelyard.training.cluster.score_files import main as score_files_of
from modelyard.training.materialize import main as materialize


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
    write_redefined(shop, tmp_path / "online.sqlite")
    with pytest.raises(ContractError, match="does not hold refunds as the bundle's contract defines it"):
        called(config(shop, tmp_path / "online.sqlite"))
    with pytest.raises(ContractError, match=r"none.sqlite cannot be read.*make it with `materialize`"):
        called(config(shop, tmp_path / "none.sqlite"))


def test_a_store_of_another_definition_in_place_of_the_first_gives_missing_values(
    shop, taken, called, tmp_path, caplog
):
    _, sent = taken
    path = tmp_path / "online.sqlite"
    materialize(["--to", str(path)], shop.project)
    app = called(config(shop, path))
    write_redefined(shop, path)
    nothing = shop.project.predictor("bundle").predict(sent).tolist()
    assert predictions(app.post("/predict", {"rows": sent})) == nothing
    assert looked_up(app, "refunds", "failed") == ROWS
    assert "does not hold refunds as the bundle's contract defines it" in caplog.text
    materialize(["--to", str(path)], shop.project)
    app.post("/predict", {"rows": sent})
    assert looked_up(app, "refunds", "found") == ROWS


def test_the_command_line_looks_up_too(shop, taken, tmp_path, capsys):
    full, sent = taken
    expected = shop.project.predictor("bundle").predict(full)
    (tmp_path / "rows.json").write_text(json.dumps(sent))
    predict([str(tmp_path / "rows.json"), "--bundle", "bundle", "--online", "online.sqlite"], shop.project)
    told = [json.loads(line)["prediction"] for line in capsys.readouterr().out.splitlines()]
    assert told == expected.tolist()
    rows = write_csv(sent, tmp_path / "rows.csv")
    score([str(rows), "--bundle", "bundle", "--online", "online.sqlite"], shop.project)
    np.testing.assert_array_equal(scores_of(capsys.readouterr().out), expected)
    (tmp_path / "answers").mkdir()
    options = ["--jobs", "2", "--online", "online.sqlite"]
    score_files_of([str(rows), "--to", str(tmp_path / "answers"), *options], shop.project)
    np.testing.assert_array_equal(scores_of((tmp_path / "answers/rows.csv").read_text()), expected)


def test_a_stream_looks_up_too(shop, taken):
    full, sent = taken
    command = [sys.executable, "-m", "flight_delays", "stream", "--from", "-", "--to", "-", "--bundle", "bundle"]
    lines = "".join(json.dumps(row) + "\n" for row in sent)
    done = subprocess.run(
        [*command, "--online", "online.sqlite"], input=lines, capture_output=True, text=True, check=True, cwd=shop.root
    )
    told = [json.loads(line)["answer"]["predictions"][0]["prediction"] for line in done.stdout.splitlines()]
    assert told == shop.project.predictor("bundle").predict(full).tolist()


def test_the_workers_of_a_cluster_do_not_see_a_file(shop, tmp_path, monkeypatch):
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:1")
    rows = tmp_path / "rows.csv"
    rows.touch()
    with pytest.raises(ContractError, match=r"online.sqlite is a file, which the workers of tcp://127.0.0.1:1 do not"):
        score_files_of([str(rows), "--to", str(tmp_path), "--online", "online.sqlite"], shop.project)


def test_an_entity_of_which_nothing_is_known_gets_what_training_gives_it(shop):
    store = OnlineStore("online.sqlite", shop.contract)
    (row,) = store.filled([{"at": "2013-03-05T10:00:00", "shop": "closed"}])
    assert (row["refund_mean"], row["refunds"], row["last_way"]) == (None, 0, None)
    (row,) = store.filled([{"at": "no time", "shop": "north", "refunds": 3}])
    assert (row["refund_mean"], row["refunds"]) == (None, 3)
