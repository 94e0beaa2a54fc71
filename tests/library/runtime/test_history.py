from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from modelyard.errors import ContractError
from modelyard.runtime.bundle import bundled_contract
from modelyard.runtime.column import Column
from modelyard.runtime.contract import Contract
from modelyard.runtime.history import HistoryFeature
from modelyard.training.contract_schema import contract_schema
from modelyard.training.settings import read_contract

COLUMNS = {
    "at": Column("timestamp", "time", "When it was asked"),
    "shop": Column("string", "unused", "The shop"),
    "price": Column("number", "feature", "The price"),
    "sold": Column("integer", "target", "Pieces"),
}
SALES = HistoryFeature(
    source="rows/sales.csv",
    entity=["shop"],
    event_time="sold_at",
    known_at="reported_at",
    value="pieces",
    aggregate="mean",
    window="7d",
    maximum_age="30d",
    description="Mean sale of the shop",
    owner="Ada",
)
YAML = """\
name: shop
description: Sales
owner: Ada
columns:
  at: {type: timestamp, role: time, description: When}
  shop: {type: string, role: unused, description: The shop}
  price: {type: number, role: feature, description: The price}
  sold: {type: integer, role: target, description: Pieces}
features:
  mean_sale:
    source: rows/sales.csv
    entity: [shop]
    event_time: sold_at
    known_at: reported_at
    value: pieces
    aggregate: mean
    window: 7d
    description: Mean sale of the shop
    owner: Ada
"""


def contract(**changes: Any) -> Contract:
    return Contract(
        "shop", "Sales", "Ada", dict(COLUMNS), features={"mean_sale": dataclasses.replace(SALES, **changes)}
    )


def test_a_feature_is_an_input_that_may_be_missing_after_the_columns_of_the_rows():
    made = contract()
    assert list(made.inputs) == ["at", "price", "mean_sale"]
    column = made.columns["mean_sale"]
    assert (column.type, column.role, column.missing) == ("number", "feature", True)


def test_a_copy_keeps_the_feature_once():
    made = contract()
    assert dataclasses.replace(made, owner="Bo").columns == made.columns


def test_the_bundle_keeps_it_and_a_contract_without_features_is_written_as_before(tmp_path):
    made = contract(record=["receipt"])
    (tmp_path / "contract.json").write_text(made.to_json())
    assert bundled_contract(tmp_path) == made
    assert "mean_sale" not in json.loads(made.to_json())["columns"]
    assert "features" not in json.loads(Contract("shop", "Sales", "Ada", COLUMNS).to_json())


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"known_at": None}, "known_at is missing: name the records' column with the time at which each became known"),
        ({"window": "-1h"}, "window is '-1h': such a window looks ahead"),
        ({"window": "0d"}, "window is '0d': nothing is so new"),
        ({"window": "soon"}, "window is 'soon': a length of time such as 90m"),
        (
            {"window": "9999999d"},
            "window is '9999999d': a length of time such as 90m, 1h, 7d or 2w is expected, of at most",
        ),
        ({"maximum_age": "0s"}, "maximum_age is '0s': nothing is so new"),
        ({"value": "sold"}, "value is 'sold', which is the target"),
        ({"value": None}, "value is missing: name the records' column with the value"),
        ({"entity": []}, "entity is empty"),
        ({"entity": ["store"]}, "entity 'store' is no column of the contract; those are: at, shop, price, sold"),
        ({"entity": ["sold"]}, "entity 'sold' has role target"),
        ({"entity": ["price"]}, "entity 'price' has role feature and type number"),
        ({"entity": ["shop", "shop"]}, "entity has the same column twice"),
        ({"entity": ["mean_sale"]}, "entity 'mean_sale' is no column of the contract"),
        ({"aggregate": None}, "aggregate and window belong together"),
        ({"window": None}, "aggregate and window belong together"),
        ({"aggregate": None, "window": None, "maximum_age": None}, "maximum_age is missing"),
        ({"type": "integer"}, "type must be number and values absent, because aggregate is mean"),
        ({"aggregate": "distinct", "type": "number"}, "type must be integer and values absent"),
        ({"aggregate": "last", "type": "timestamp"}, "type timestamp is no type of a feature with history"),
        ({"aggregate": "last", "type": "string"}, "columns.mean_sale: a string that is a feature needs `values`"),
    ],
)
def test_what_contradicts_itself_is_refused_by_name(changes, fault):
    with pytest.raises(ContractError) as refused:
        contract(**changes)
    named = fault if fault.startswith("columns.") else f"features.mean_sale: {fault}"
    assert named in str(refused.value)


def test_a_column_of_the_rows_has_another_name():
    with pytest.raises(ContractError, match=r"features\.price: columns has a column of this name too"):
        Contract("shop", "Sales", "Ada", COLUMNS, features={"price": SALES})


def test_rows_without_a_time_have_no_history():
    columns = {name: column for name, column in COLUMNS.items() if name != "at"}
    with pytest.raises(ContractError, match="features: no column has role time"):
        Contract("shop", "Sales", "Ada", columns, features={"mean_sale": SALES})


def test_the_file_is_read_strictly(tmp_path):
    path = tmp_path / "contract.yaml"
    path.write_text(YAML)
    assert read_contract(path).features["mean_sale"].window == "7d"
    path.write_text(YAML.replace("known_at: reported_at", "known: reported_at"))
    with pytest.raises(ContractError, match=r"features\.mean_sale\.known is no key that is known here.*\(line \d+\)"):
        read_contract(path)
    path.write_text(YAML.replace("    known_at: reported_at\n", ""))
    with pytest.raises(ContractError, match=r"contract.yaml: features\.mean_sale: known_at is missing"):
        read_contract(path)


def test_the_schema_knows_it():
    keys = contract_schema()["$defs"]["HistoryFeature"]["properties"]
    assert "became known" in keys["known_at"]["description"]
    assert keys["aggregate"]["anyOf"][0]["enum"] == ["count", "sum", "mean", "last", "distinct"]
