"""A service whose online store is in a real Redis server."""

from __future__ import annotations

import json
import signal
import time

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
from modelyard.runtime.predict import main as predict
from modelyard.serving.log.log_folder import read_lines
from modelyard.serving.log.prediction_log import PredictionLog
from modelyard.training.cluster.local import local_cluster
from modelyard.training.cluster.score_files import main as score_files_of
from modelyard.training.materialize import main as materialize
from redis_server import needs_redis, redis_server

pytestmark = needs_redis


@pytest.fixture
def server(tmp_path, monkeypatch):
    with redis_server(tmp_path) as started:
        monkeypatch.setenv("REDIS_PASSWORD", started.password)
        yield started


@pytest.fixture
def store(shop, server):
    """The address of an online store with the shop's features."""
    materialize(["--to", server.address("shop")], shop.project)
    return server.address("shop")


def test_a_day_in_production_is_answered_as_from_a_file_and_joins_again_to_the_last_bit(
    shop, taken, called, store, tmp_path
):
    full, sent = taken
    log = PredictionLog(tmp_path / "log", 0, 0.1, 64, 4, "shop")
    app = called(config(shop, store), log=log)
    expected = shop.project.predictor("bundle").predict(full).tolist()
    assert predictions(app.post("/predict", {"rows": sent})) == expected
    assert [predictions(app.post("/predict", row))[0] for row in sent[:40]] == expected[:40]
    assert looked_up(app, "refunds", "found") == ROWS + 40
    log.close()
    lines = [line if isinstance(line, bytes) else line.encode() for line in read_lines(tmp_path / "log")]
    shipped, bundle = Store(str(tmp_path / "store")), read_bundle(shop.root / "bundle").digest[:12]
    ship_lines(shipped, b"\n".join(lines) + b"\n")
    compact(shipped, shop.contract)
    paths = shipped.copies(list(newest(shipped).values()), tmp_path)
    assert parity(shop.root, bundle, paths) == {"rows": ROWS + 40, "features": {}}


def test_another_store_is_taken_without_a_restart_and_one_of_another_definition_is_not(
    shop, taken, called, store, caplog
):
    full, sent = taken
    expected = shop.project.predictor("bundle").predict(full).tolist()
    app = called(config(shop, store))
    materialize(["--to", store], shop.project)
    assert predictions(app.post("/predict", {"rows": sent})) == expected
    write_redefined(shop, store)
    assert predictions(app.post("/predict", {"rows": sent})) == shop.project.predictor("bundle").predict(sent).tolist()
    assert looked_up(app, "refunds", "failed") == ROWS
    assert "does not hold refunds as the bundle's contract defines it" in caplog.text
    with pytest.raises(ContractError, match="does not hold refunds"):
        called(config(shop, store))
    materialize(["--to", store], shop.project)
    assert predictions(app.post("/predict", {"rows": sent})) == expected


def test_a_server_that_hangs_delays_five_requests_and_then_none(shop, taken, called, store, server):
    full, sent = taken
    app = called(config(shop, store))
    nothing = shop.project.predictor("bundle").predict(sent[:1]).tolist()
    server.process.send_signal(signal.SIGSTOP)
    try:
        for _ in range(5):
            began = time.perf_counter()
            assert predictions(app.post("/predict", sent[0])) == nothing
            assert time.perf_counter() - began < 10, "a request waits without end"
        started = time.process_time(), time.perf_counter()
        for _ in range(100):
            assert predictions(app.post("/predict", sent[0])) == nothing
        waited = time.perf_counter() - started[1] - (time.process_time() - started[0])
        assert waited < 100 * 0.1, "each request waited for the server"
    finally:
        server.process.send_signal(signal.SIGCONT)
    assert looked_up(app, "refunds", "failed") == 105
    again = called(config(shop, store))
    assert predictions(again.post("/predict", sent[0])) == shop.project.predictor("bundle").predict(full[:1]).tolist()


def test_a_server_that_is_gone_is_told_once(shop, taken, called, store, server, caplog):
    _, sent = taken
    app = called(config(shop, store))
    server.process.kill()
    server.process.wait()
    for row in sent[:3]:
        assert app.post("/predict", row).status == 200
    assert caplog.text.count("features with history are missing: the online store redis://") == 1
    assert server.password not in caplog.text


def test_the_command_line_looks_up_there_too(shop, taken, store, tmp_path, capsys):
    full, sent = taken
    (tmp_path / "rows.json").write_text(json.dumps(sent))
    predict([str(tmp_path / "rows.json"), "--bundle", "bundle", "--online", store], shop.project)
    told = [json.loads(line)["prediction"] for line in capsys.readouterr().out.splitlines()]
    assert told == shop.project.predictor("bundle").predict(full).tolist()


def test_the_workers_of_a_cluster_look_up_there(shop, taken, store, tmp_path, monkeypatch):
    full, sent = taken
    rows = write_csv(sent, tmp_path / "rows.csv")
    (tmp_path / "answers").mkdir()
    with local_cluster(2) as address:
        monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", address)
        score_files_of([str(rows), "--to", str(tmp_path / "answers"), "--online", store], shop.project)
    found = scores_of((tmp_path / "answers/rows.csv").read_text())
    assert found == shop.project.predictor("bundle").predict(full).tolist()
