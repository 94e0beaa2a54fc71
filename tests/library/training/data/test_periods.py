from __future__ import annotations

import datetime

import pyarrow as pa
import pyarrow.parquet
import pytest
from modelyard.errors import ContractError
from modelyard.training.data.incoming import incoming
from modelyard.training.data.periods import read_periods, rows_sha256, written_sha256

TABLE = pa.table(
    {
        "key": ["a", "b", None, ""],
        "when": pa.array([datetime.datetime(2013, 1, 1, 5, 0, 0, 7)] * 4, pa.timestamp("us")),
        "size": [1.5, 0.1 + 0.2, None, 1e-300],
        "good": [True, None, False, True],
    }
)


def write(folder, tables: dict[str, pa.Table], keep: list[str] | None = None) -> None:
    with incoming(folder, {}) as arrived:
        for period, table in tables.items():
            arrived.add(period, table, rows_sha256(table))
            arrived.settle(period, tables.__getitem__)
        arrived.move(tables, tables if keep is None else keep)


@pytest.mark.parametrize("version", ["1.0", "2.4", "2.6"])
@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
def test_the_hash_does_not_depend_on_how_parquet_held_the_rows(tmp_path, version, compression):
    pyarrow.parquet.write_table(
        TABLE, tmp_path / "x.parquet", version=version, compression=compression, row_group_size=2
    )
    assert rows_sha256(pyarrow.parquet.read_table(tmp_path / "x.parquet")) == rows_sha256(TABLE)


def test_the_hash_does_not_depend_on_how_the_rows_lie_in_memory():
    assert rows_sha256(pa.concat_tables([TABLE.slice(0, 1), TABLE.slice(1)])) == rows_sha256(TABLE)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("key", ["a", "b", "", ""]),
        ("size", [1.5, 0.3, None, 1e-300]),
        ("good", [True, None, False, False]),
        ("when", pa.array([datetime.datetime(2013, 1, 1, 5, 0, 0, 8)] * 4, pa.timestamp("us"))),
    ],
)
def test_the_hash_changes_with_any_value(name, values):
    place = TABLE.column_names.index(name)
    other = TABLE.set_column(place, name, values if isinstance(values, pa.Array) else pa.array(values))
    assert rows_sha256(other) != rows_sha256(TABLE)


def test_the_hash_changes_with_the_order_of_the_rows_and_the_names_of_the_columns():
    turned = TABLE.take([1, 0, 2, 3])
    named = TABLE.rename_columns({"size": "length"})
    assert len({rows_sha256(table) for table in (TABLE, turned, named)}) == 3


def test_what_was_written_is_read_back_with_the_periods_in_order(tmp_path):
    write(tmp_path / "periods", {"2013-02": TABLE.slice(2), "2013-01": TABLE.slice(0, 2)})
    assert read_periods(tmp_path / "periods", ["2013-02", "2013-01"], ["size", "key"]).equals(
        TABLE.select(["size", "key"])
    )


def test_a_file_says_the_hash_of_its_rows(tmp_path):
    write(tmp_path / "periods", {"2013-01": TABLE})
    assert written_sha256(tmp_path / "periods", "2013-01") == rows_sha256(TABLE)


def test_no_file_or_no_whole_file_has_no_hash(tmp_path):
    write(tmp_path, {"2013-01": TABLE})
    whole = (tmp_path / "2013-01.parquet").read_bytes()
    (tmp_path / "2013-02.parquet").write_bytes(whole[:-10])
    assert written_sha256(tmp_path, "2013-02") is None
    assert written_sha256(tmp_path, "2013-03") is None


def test_a_period_that_is_not_on_this_machine_says_how_to_get_it(tmp_path):
    write(tmp_path, {"2013-01": TABLE})
    with pytest.raises(ContractError, match=r"2013-02\.parquet is not on this machine; get it with `make pull`"):
        read_periods(tmp_path, ["2013-01", "2013-02"], ["key"])


def test_periods_that_are_not_kept_are_removed_and_the_others_not_touched(tmp_path):
    write(tmp_path, {"2013-01": TABLE, "2013-02": TABLE})
    before = (tmp_path / "2013-02.parquet").stat().st_mtime_ns
    write(tmp_path, {"2013-03": TABLE}, ["2013-02", "2013-03"])
    assert sorted(file.stem for file in tmp_path.iterdir()) == ["2013-02", "2013-03"]
    assert (tmp_path / "2013-02.parquet").stat().st_mtime_ns == before


def test_a_file_that_dvc_made_read_only_is_replaced(tmp_path):
    write(tmp_path, {"2013-01": TABLE})
    (tmp_path / "2013-01.parquet").chmod(0o444)
    write(tmp_path, {"2013-01": TABLE.slice(1)})
    assert written_sha256(tmp_path, "2013-01") == rows_sha256(TABLE.slice(1))


def test_an_interrupted_write_leaves_the_old_files_whole(tmp_path, monkeypatch):
    folder = tmp_path / "periods"
    write(folder, {"2013-01": TABLE, "2013-02": TABLE})
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    write_table = pyarrow.parquet.write_table

    def stop_in_the_second(table: pa.Table, path, **settings: object) -> None:
        write_table(table, path, **settings)
        if path.stem == "2013-02":
            path.write_bytes(path.read_bytes()[:20])
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(pyarrow.parquet, "write_table", stop_in_the_second)
    with pytest.raises(OSError, match="No space left"):
        write(folder, {"2013-01": TABLE.slice(1), "2013-02": TABLE.slice(1)})
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["periods"]
