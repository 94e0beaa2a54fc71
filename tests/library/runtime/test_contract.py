from __future__ import annotations

from typing import Any

import pytest
from modelyard.errors import ContractError
from modelyard.runtime.contract import Column, Contract


def contract(**columns: Column) -> Contract:
    return Contract("shop", "Sales", "Ada", columns)


def sales(**changes: Any) -> Contract:
    settings = {"type": "number", "role": "feature", "description": "Price"} | changes
    return contract(price=Column(**settings), sold=Column("integer", "target", "Pieces"))


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"role": "time"}, "role time needs type timestamp"),
        ({"role": "time", "type": "timestamp", "missing": True}, "role time cannot be missing"),
        ({"role": "group"}, "role group needs type string or integer"),
        ({"role": "group", "type": "string", "missing": True}, "role group cannot be missing"),
        ({"role": "id", "missing": True}, "role id cannot be missing"),
        ({"type": "string"}, "a string that is a feature needs `values`"),
        ({"type": "boolean", "minimum": 0}, "minimum and maximum belong to integer, number and timestamp only"),
        ({"minimum": 2, "maximum": 1}, "minimum 2 is above maximum 1"),
        ({"values": [1, 2]}, "values belong to string and integer only"),
        ({"type": "integer", "values": [1, "2"]}, "each of values must be of type integer"),
        ({"type": "integer", "values": [1, True]}, "each of values must be of type integer"),
        ({"type": "string", "values": ["a", "b", "a"]}, "values has the same value twice"),
        ({"type": "integer", "values": []}, "values is empty"),
        ({"minimum": "2013-01-01"}, "minimum and maximum of type number are numbers; found '2013-01-01'"),
        ({"type": "timestamp", "maximum": 2013}, "minimum and maximum of a timestamp are local times such as"),
        ({"type": "timestamp", "minimum": "2013-01-01T00:00Z"}, "minimum and maximum of a timestamp are local times"),
        (
            {"type": "timestamp", "minimum": "2013-02-02", "maximum": "2013-02-01"},
            "minimum 2013-02-02 is above maximum",
        ),
        ({"type": "integer", "minimum": 2**54}, f"minimum {2**54} is above maximum None"),
        ({"timezone": "UTC"}, "timezone belongs to timestamp only"),
        ({"type": "timestamp", "timezone": "Berlin"}, "this machine knows no timezone 'Berlin'"),
        ({"type": "timestamp", "timezone": "Europe"}, "this machine knows no timezone 'Europe'"),
        ({"type": "timestamp", "timezone": "../UTC"}, "this machine knows no timezone '../UTC'"),
        ({"type": "timestamp", "timezone": "localtime"}, "this machine knows no timezone 'localtime'"),
        ({"type": "timestamp", "format": "%d.%m.%Y %z"}, "format reads an offset .%z., so the column needs a timezone"),
        ({"type": "timestamp", "format": "%d.%m.%Y %Z"}, "format reads the name of a zone .%Z., which does not tell"),
        ({"other": True}, "other belongs to a feature with `values`"),
        ({"type": "string", "values": ["a", "(other)"], "other": True}, "values has '.other.', as which all others"),
        ({"calendar": ["year"]}, "calendar belongs to timestamp only"),
        ({"type": "timestamp", "calendar": ["year", "month", "year"]}, "calendar has the same part twice"),
        ({"type": "timestamp", "calendar": []}, "calendar is empty, so the feature is none: give it role unused"),
        ({"ascending": True}, "ascending belongs to timestamp only"),
        ({"empty": True}, "empty needs missing: true"),
        ({"format": "%Y"}, "format of a number is one of '1,234.5', '1.234,5'; found '%Y'"),
        ({"type": "boolean", "format": "%Y"}, "format belongs to timestamp only, and to numbers"),
        ({"type": "timestamp", "format": "dd.mm.yyyy"}, "format is a strptime format such as '%d.%m.%Y', or one of"),
        ({"pii": True, "purpose": " "}, "it is marked pii and gives no purpose"),
    ],
)
def test_a_column_that_contradicts_itself_is_refused_by_name(changes, fault):
    with pytest.raises(ContractError, match=f"columns.price: {fault}"):
        sales(**changes)


@pytest.mark.parametrize(
    ("column", "fault"),
    [
        (Column("string", "target", ""), "a target must be a number, a boolean or have `values`"),
        (Column("timestamp", "target", ""), "a target must be a number, a boolean or have `values`"),
        (Column("string", "target", "", values=["a"]), "a target with `values` needs at least two"),
    ],
)
def test_a_target_that_cannot_be_predicted_is_refused(column, fault):
    with pytest.raises(ContractError, match=fault):
        contract(price=Column("number", "feature", ""), sold=column)


@pytest.mark.parametrize(
    ("columns", "fault"),
    [
        ({"price": Column("number", "feature", "")}, "0 columns have role target"),
        ({"a": Column("number", "target", ""), "b": Column("number", "target", "")}, "2 columns have role target"),
        ({"a": Column("timestamp", "time", ""), "b": Column("timestamp", "time", "")}, "2 columns have role time"),
        ({"sold": Column("integer", "target", "")}, "no column has role feature"),
    ],
)
def test_roles_that_do_not_add_up_are_refused(columns, fault):
    with pytest.raises(ContractError, match=fault):
        contract(**columns)


def test_every_fault_is_told_at_once():
    with pytest.raises(ContractError) as refused:
        contract(price=Column("number", "feature", "", ascending=True), sold=Column("string", "target", ""))
    assert [line.split(":")[0] for line in str(refused.value).splitlines()] == ["columns.price", "columns.sold"]


def test_a_slice_must_be_a_feature_with_values_and_those_are_named():
    columns = {
        "shop": Column("string", "feature", "", values=["north", "south"]),
        "sold": Column("integer", "target", ""),
    }
    with pytest.raises(ContractError, match="slices: 'town' is no feature with a list of values; those are: shop"):
        Contract("shop", "", "", columns, slices=["shop", "town"])


def test_personal_data_is_held_where_a_purpose_is_given():
    assert sales(pii=True, purpose="to call the customer back").columns["price"].pii


@pytest.mark.parametrize(
    ("column", "kind", "classes"),
    [
        (Column("number", "target", ""), "regression", []),
        (Column("integer", "target", ""), "regression", []),
        (Column("boolean", "target", ""), "binary", [False, True]),
        (Column("string", "target", "", values=["no", "yes"]), "binary", ["no", "yes"]),
        (Column("integer", "target", "", values=[3, 1, 2]), "multiclass", [3, 1, 2]),
    ],
)
def test_the_target_says_what_there_is_to_predict(column, kind, classes):
    made = contract(price=Column("number", "feature", ""), sold=column)
    assert (made.kind, made.classes) == (kind, classes)


def test_the_inputs_are_the_features_and_the_time_in_the_order_of_the_contract():
    made = contract(
        price=Column("number", "feature", ""),
        number=Column("integer", "id", ""),
        day=Column("timestamp", "time", ""),
        sold=Column("integer", "target", ""),
        note=Column("string", "unused", ""),
        weight=Column("number", "feature", ""),
    )
    assert list(made.inputs) == ["price", "day", "weight"]
    assert (made.time, made.target) == ("day", "sold")


def test_data_may_have_no_time():
    assert sales().time is None


def test_what_a_bundle_says_of_the_contract_is_the_contract(made, tmp_path):
    path = tmp_path / "contract.json"
    path.write_text(made.contract.to_json(), encoding="utf-8")
    assert Contract.from_json(path) == made.contract


@pytest.mark.parametrize("empty", [True, False])
def test_a_bundle_names_empty_only_where_it_is_used(tmp_path, empty):
    path = tmp_path / "contract.json"
    path.write_text(sales(missing=True, empty=empty).to_json(), encoding="utf-8")
    assert ('"empty"' in path.read_text()) == empty
    assert Contract.from_json(path) == sales(missing=True, empty=empty)


def test_a_timezone_is_kept_in_a_bundle_and_not_written_without_one(tmp_path):
    zoned = sales(type="timestamp", timezone="Asia/Tokyo", minimum="2013-01-01", maximum="2013-12-31")
    (tmp_path / "contract.json").write_text(zoned.to_json(), encoding="utf-8")
    assert Contract.from_json(tmp_path / "contract.json") == zoned
    assert "timezone" not in sales(type="timestamp").to_json()


@pytest.mark.parametrize(
    ("roles", "fault"),
    [
        (["group", "group"], "2 columns have role group; at most one may"),
        (["group", "time"], "a has role group, which is for a random split, and the data has a time"),
    ],
)
def test_a_group_that_no_split_could_go_by_is_refused(roles, fault):
    types = {"group": "string", "time": "timestamp"}
    columns = {name: Column(types[role], role, "") for name, role in zip("ab", roles, strict=True)}
    with pytest.raises(ContractError, match=fault):
        contract(**columns, price=Column("number", "feature", ""), sold=Column("integer", "target", ""))
