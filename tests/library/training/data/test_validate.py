from __future__ import annotations

import dataclasses
import datetime
import math

import pyarrow as pa
import pytest
from modelyard.runtime.contract import Column, Contract
from modelyard.training.data.refusal import DataRefused
from modelyard.training.data.validate import frame, schema, validate

COLUMNS = {
    "key": Column("integer", "id", ""),
    "when": Column("timestamp", "time", "", ascending=True),
    "kind": Column("string", "feature", "", values=["a", "b"], missing=True),
    "size": Column("number", "feature", "", minimum=0, maximum=10, missing=True),
    "pieces": Column("integer", "feature", "", minimum=1),
    "note": Column("string", "unused", "", missing=True),
    "good": Column("boolean", "target", "", missing=True),
}
CONTRACT = Contract("t", "", "", COLUMNS)
GOOD = {
    "key": [1, 2, 3],
    "when": [datetime.datetime(2013, 1, day) for day in (1, 1, 2)],
    "kind": ["a", None, "b"],
    "size": [0.0, None, 10.0],
    "pieces": [1, 2, 3],
    "note": ["x", "y", None],
    "good": [True, None, False],
}


def found(contract: Contract = CONTRACT, **columns: object) -> list[str]:
    with pytest.raises(DataRefused) as refused:
        validate(pa.table({**GOOD, **columns}), contract, "data.csv")
    return [str(rule) for rule in refused.value.broken]


def test_good_data_comes_out_in_the_contracts_order_and_types():
    shuffled = pa.table(GOOD).select(list(GOOD)[::-1])
    taken = validate(shuffled.set_column(2, "pieces", pa.array([1.0, 2.0, 3.0])), CONTRACT, "data.csv")
    assert taken.column_names == list(COLUMNS)
    assert taken.schema.field("pieces").type == pa.int64()
    assert taken["pieces"].to_pylist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("size", [0.0, -0.5, -2.0], "size: must be at least 0: 2 rows, for example -0.5, -2.0"),
        ("size", [0.0, 11.0, None], "size: must be at most 10: 1 row, for example 11.0"),
        ("kind", ["a", "z", "q"], "kind: must be one of the 2 values: 2 rows, for example 'z', 'q'"),
        ("key", [1, 2, 2], "key: the same id twice: 2 rows, for example 2"),
        ("pieces", [1, None, 2], "pieces: must not be missing: 1 row"),
        ("pieces", [1, 0, 2], "pieces: must be at least 1: 1 row, for example 0"),
        ("pieces", [1.0, 1.5, 2.0], "pieces: must be of type integer: 1 row, for example 1.5"),
        ("size", [math.nan, None, None], "size: every value is missing: 3 rows"),
        ("note", ["x", "a@b.org", "y"],
         "note: holds e-mail addresses, and the contract does not mark it as pii: 3 rows"),
        ("note", ["x", "+49 30 1234567", "y"],
         "note: holds telephone numbers, and the contract does not mark it as pii: 3 rows"),
    ],
)  # fmt: skip
def test_a_broken_rule_is_told_with_column_rule_rows_and_examples(name, values, message):
    assert found(**{name: values}) == [message]


def test_an_open_list_takes_any_value_of_its_type():
    kind = dataclasses.replace(COLUMNS["kind"], other=True)
    contract = dataclasses.replace(CONTRACT, columns=COLUMNS | {"kind": kind})
    given = ["new", None, ""]
    assert validate(pa.table({**GOOD, "kind": given}), contract, "data.csv")["kind"].to_pylist() == given
    assert found(contract, kind=[1, 2, 3]) == found(kind=[1, 2, 3])


def test_infinity_is_told_as_such():
    assert "size: must be finite: 1 row, for example inf" in found(size=[0.0, math.inf, 1.0])


def test_time_that_goes_backwards_is_told_at_the_row_where_it_does():
    backwards = found(when=GOOD["when"][::-1])
    assert len(backwards) == 1
    assert backwards[0].startswith("when: must not go backwards: 1 row, for example ")
    assert "2013-01-01" in backwards[0]


@pytest.mark.parametrize("name", ["note", "good"])
def test_what_nobody_uses_and_labels_that_come_late_may_be_wholly_missing(name):
    assert validate(pa.table({**GOOD, name: pa.nulls(3)}), CONTRACT, "data.csv")[name].null_count == 3


def test_a_column_that_may_be_empty_may_be_wholly_missing():
    column = Column("number", "feature", "", missing=True, empty=True)
    contract = Contract("t", "", "", COLUMNS | {"size": column})
    assert validate(pa.table({**GOOD, "size": pa.nulls(3)}), contract, "data.csv")["size"].null_count == 3


def test_what_allows_a_column_without_a_value_is_told():
    with pytest.raises(DataRefused, match=r"size: every value is missing.*\n.* has `missing: true` and `empty: true`"):
        validate(pa.table({**GOOD, "size": pa.nulls(3)}), CONTRACT, "data.csv")


def test_every_broken_rule_is_told_at_once():
    told = found(size=[-1.0, 99.0, 1.0], kind=["a", "b", "c"], key=["x", "y", "z"])
    assert [line.split(":")[0] for line in told] == ["key", "kind", "size", "size"]


def test_a_missing_and_an_extra_column_are_told():
    table = pa.table(GOOD).rename_columns({"size": "siez"})
    with pytest.raises(DataRefused) as refused:
        validate(table, CONTRACT, "data.csv")
    assert [(broken.column, broken.rule) for broken in refused.value.broken] == [
        ("size", "the contract has this column and the data has not"),
        ("siez", "the data has this column and the contract has not"),
    ]


@pytest.mark.parametrize("name", ["email", "Phone", "passport_no", "date_of_birth", "last_name", "IBAN"])
def test_an_extra_column_that_is_personal_by_its_name_is_told_without_its_values(name):
    (told,) = found(**{name: ["x", "y", "z"]})
    assert told == f"{name}: is personal data (by its name), and the contract does not allow it: 3 rows"


def test_an_extra_column_of_addresses_is_told_without_its_values():
    (told,) = found(contact=["a@b.org", "c@d.org", None])
    assert told == "contact: is personal data (e-mail addresses), and the contract does not allow it: 3 rows"


def test_personal_data_that_the_contract_states_a_purpose_for_is_taken():
    stated = Column("string", "unused", "", missing=True, pii=True, purpose="to answer the sender")
    allowed = Contract("t", "", "", COLUMNS | {"note": stated})
    assert validate(pa.table({**GOOD, "note": ["a@b.org"] * 3}), allowed, "data.csv").num_rows == 3


def test_a_column_that_occurs_twice_is_refused():
    with pytest.raises(DataRefused, match="size: the data has this column twice: 3 rows"):
        validate(pa.table(GOOD).append_column("size", pa.array([1.0, 2.0, 3.0])), CONTRACT, "data.csv")


def test_no_rows_are_refused():
    with pytest.raises(DataRefused, match="every column: the data has no rows"):
        validate(pa.table(GOOD).slice(0, 0), CONTRACT, "data.csv")


def test_two_ids_are_one_key_together():
    keys = Contract("t", "", "", COLUMNS | {"kind": Column("string", "id", "")})
    assert validate(pa.table({**GOOD, "key": [1, 1, 2], "kind": ["a", "b", "a"]}), keys, "data.csv").num_rows == 3
    assert found(keys, key=[1, 1, 2], kind=["a", "a", "a"]) == [
        "key: the same id twice: 2 rows, for example 1",
        "kind: the same id twice: 2 rows, for example 'a'",
    ]


def test_the_schema_takes_what_was_taken():
    taken = validate(pa.table(GOOD), CONTRACT, "data.csv")
    assert len(schema(CONTRACT).validate(frame(taken))) == 3


def test_whole_numbers_and_booleans_keep_their_type_in_a_frame_with_gaps():
    made = frame(validate(pa.table(GOOD), CONTRACT, "data.csv"))
    assert [str(made[name].dtype) for name in ("pieces", "good", "size")] == ["Int64", "boolean", "float64"]
