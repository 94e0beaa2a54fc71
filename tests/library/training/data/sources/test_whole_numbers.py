"""Whole numbers in CSV that a float would round."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from modelyard.errors import ContractError
from modelyard.runtime.contract import Column, Contract
from modelyard.training.data.refusal import DataRefused
from modelyard.training.data.sources.files import FileSource
from modelyard.training.data.validate import validate
from modelyard.training.draft.guess import guess_contract
from modelyard.training.draft.roles import Roles

LARGE = [2**64 - 1 - place for place in range(60)]  # none fits into an int64


def contract(**columns: Column) -> Contract:
    return Contract("t", "", "", {**columns, "sold": Column("boolean", "target", "")})


def read(path: Path, content: str, of: Contract | None = None) -> pa.Table:
    path.write_text(content)
    return FileSource(str(path), of and of.columns).read(str(path))


def test_ids_keep_every_digit_where_another_column_is_read_in_a_wider_type(tmp_path):
    of = contract(
        key=Column("integer", "id", ""),
        at=Column("timestamp", "time", "", timezone="UTC"),
        size=Column("integer", "feature", ""),
    )
    text = f"key,at,size,sold\n{2**60 + 1},2013-01-01T00:00Z,1.0,1\n{2**60 + 2},2013-01-02T00:00Z,2e0,0\n"
    taken = validate(read(tmp_path / "rows.csv", text, of), of, "the data")
    assert taken["key"].to_pylist() == [2**60 + 1, 2**60 + 2]
    assert taken["size"].to_pylist() == [1, 2]


def test_a_fraction_in_a_column_of_whole_numbers_is_told_as_it_is(tmp_path):
    of = contract(size=Column("integer", "feature", ""))
    with pytest.raises(DataRefused, match=r"size: must be of type integer: 1 row, for example 1\.5"):
        validate(read(tmp_path / "rows.csv", "size,sold\n1.5,1\n2,0\n", of), of, "the data")


def test_a_whole_number_that_a_float_rounds_is_refused_in_a_column_of_numbers(tmp_path):
    of = contract(size=Column("number", "feature", "", missing=True), note=Column("number", "unused", ""))
    text = "size,note,sold\n0.5,1,1\n9007199254740993,9007199254740993,0\n1e300,1,1\n100000000000000000000,1,0\n,1,1\n"
    with pytest.raises(DataRefused) as refused:
        read(tmp_path / "rows.csv", text, of)
    (broken,) = refused.value.broken
    assert (broken.column, broken.rows, broken.examples) == ("size", 1, (2**53 + 1,))
    assert broken.rule.startswith("must not be beyond 2^53")


@pytest.mark.parametrize("roles", [Roles(target="sold"), Roles(target="k")])
def test_a_draft_refuses_whole_numbers_that_no_int64_holds_by_name(tmp_path, roles):
    rows = "".join(f"{number},{number % 7}.5,{'yes' if number % 2 else 'no'}\n" for number in LARGE)
    table = read(tmp_path / "rows.csv", f"k,x,sold\n{rows}")
    with pytest.raises(ContractError, match=rf"the column 'k' has whole numbers beyond 2\^53, such as {2**64 - 1}"):
        guess_contract(table, "t", "me", roles)


def test_as_an_id_they_are_text_with_every_digit(tmp_path):
    rows = "".join(f"{number},{number % 7}.5,{'yes' if number % 2 else 'no'}\n" for number in LARGE)
    table = read(tmp_path / "rows.csv", f"k,x,sold\n{rows}")
    drafted = guess_contract(table, "t", "me", Roles(target="sold", ids=["k"]))
    assert drafted.columns["k"].type == "string"
    for given in (table, read(tmp_path / "rows.csv", f"k,x,sold\n{rows}", drafted)):
        assert validate(given, drafted, "the data")["k"].to_pylist() == list(map(str, LARGE))
