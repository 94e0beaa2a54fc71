from __future__ import annotations

import os

import pytest
from library.history_shop import write_shop
from modelyard.training.data.periods import read_periods
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
