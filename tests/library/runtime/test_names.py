"""Names that the program makes, beside the columns of a contract."""

from __future__ import annotations

import pytest
from modelyard.errors import ContractError
from modelyard.runtime.contract import Column, Contract
from modelyard.runtime.names import clock_names, derived, saved, scored

NUMBER, ID = Column("number", "feature", ""), Column("string", "id", "")
MOMENT, TIME = Column("timestamp", "feature", ""), Column("timestamp", "time", "")
CLASSES = Column("string", "target", "", values=["a", "a ", "b"])
SHOP = Column("string", "feature", "", values=["x", "y"])


def contract(slices: tuple[str, ...] = (), target: Column | None = None, **columns: Column) -> Contract:
    columns = {"sold": target or Column("boolean", "target", ""), "price": NUMBER, **columns}
    if "target" in [column.role for name, column in columns.items() if name != "sold"]:
        del columns["sold"]
    return Contract("shop", "Sales", "Ada", columns, slices=list(slices))


@pytest.mark.parametrize(
    ("columns", "name", "table"),
    [
        ({"at": TIME, "at_hour": NUMBER}, "at_hour", "the features made of 'at'"),
        ({"at": MOMENT, "at_weekday": SHOP}, "at_weekday", "the features made of 'at'"),
        (
            {"at": Column("timestamp", "time", "", calendar=["year"]), "at_year": NUMBER},
            "at_year",
            "the features made of 'at'",
        ),
        ({"prediction": ID}, "prediction", "the predictions of an evaluation"),
        ({"prediction": TIME}, "prediction", "the predictions of an evaluation"),
        ({"prediction": Column("number", "target", "")}, "prediction", "the predictions of an evaluation"),
        ({"prediction": SHOP, "slices": ["prediction"]}, "prediction", "the predictions of an evaluation"),
        ({"prediction a": ID, "target": CLASSES}, "prediction a", "the predictions of an evaluation"),
        ({"prediction_b": ID, "target": CLASSES}, "prediction_b", "a scored file"),
        ({"decision": ID}, "decision", "a scored file"),
    ],
)
def test_a_column_that_has_the_name_of_one_that_is_made_beside_it_is_refused_by_name(columns, name, table):
    with pytest.raises(ContractError, match=f"^columns.{name}: the program makes a column of this name in {table}; "):
        contract(**columns)


@pytest.mark.parametrize(
    "columns",
    [
        {"prediction_id": ID, "predictions": TIME},  # begins as a name that is made
        {"prediction": NUMBER, "decision": SHOP},  # stands in no table of predictions
        {"decision": Column("boolean", "target", "")},
        {"at": TIME, "at_hours": NUMBER},
        {"at": Column("timestamp", "time", "", calendar=["year"]), "at_hour": NUMBER},
        {"at": TIME, "at_hour": MOMENT},  # is itself made into at_hour_hour
        {"at": TIME, "at_hour": Column("number", "unused", "")},
        {"at_hour": NUMBER, "at": ID},
        {"prediction_b": ID, "prediction c": ID},  # of no class
    ],
)
def test_a_column_that_meets_no_name_that_is_made_is_taken(columns):
    assert set(columns) <= set(contract(**columns).columns)


@pytest.mark.parametrize("target", [Column("number", "target", ""), Column("boolean", "target", ""), CLASSES])
def test_all_names_that_are_made_are_listed_once(target):
    ours = contract(target=target, at=TIME, seen=MOMENT, key=ID)
    listed = [(made.table, made.name) for made in derived(ours)]
    names = {name for _, name in listed}
    assert len(set(listed)) == len(listed)
    assert {*clock_names("at"), *clock_names("seen"), *saved(ours), *scored(ours), "decision"} == names


@pytest.mark.parametrize("name", ["line\nbreak", "tab\t", "\x00", "\x7f", "next\x85line", "line\u2028end", "\ud800"])
def test_a_name_with_a_control_character_is_refused_as_it_can_be_read(name):
    with pytest.raises(ContractError) as refused:
        contract(**{name: NUMBER})
    assert str(refused.value) == (
        f"columns: a name has a line break or another control character: {name!r}; rename it at the source"
    )
    assert len(str(refused.value).splitlines()) == 1
