from __future__ import annotations

import datetime

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from modelyard.errors import ContractError
from modelyard.runtime import table_files
from modelyard.runtime.contract import Column, Contract
from modelyard.runtime.table_files import read_chunks, suffix, writer

CONTRACT = Contract(
    "trips",
    "trips",
    "somebody",
    {
        "id": Column("string", "id", "id"),
        "when": Column("timestamp", "time", "when"),
        "miles": Column("number", "feature", "miles", missing=True),
        "stops": Column("integer", "feature", "stops", missing=True),
        "kind": Column("integer", "feature", "kind", values=[1, 2], missing=True),
        "city": Column("string", "feature", "city", values=["a", "b"], missing=True),
        "night": Column("boolean", "feature", "night", missing=True),
        "late": Column("boolean", "target", "late"),
    },
)
HEADER = "id,when,miles,stops,kind,city,night\n"


@pytest.fixture
def csv(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "rows.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


def rows(path):
    return [row for chunk in read_chunks(path, CONTRACT) for row in chunk.rows]


def test_cells_have_the_types_of_the_contract(csv):
    (row,) = rows(csv(f"{HEADER}7,2013-01-01T05:00,1.5,3,2.0,a,TRUE\n"))
    assert row == {
        "id": "7",
        "when": "2013-01-01T05:00",
        "miles": 1.5,
        "stops": 3,
        "kind": 2,
        "city": "a",
        "night": True,
    }
    assert [type(row[name]) for name in ("miles", "stops", "kind", "night")] == [float, int, int, bool]


@pytest.mark.parametrize("text", ["", "NA", "NaN", "null"])
def test_what_training_takes_for_missing_is_missing(csv, text):
    (row,) = rows(csv(f"{HEADER}7,2013-01-01,{text},{text},{text},{text},{text}\n"))
    assert [row[name] for name in ("miles", "stops", "kind", "city", "night")] == [None] * 5


def test_what_is_no_value_of_its_type_stays_text_for_the_contract_to_refuse(csv):
    (row,) = rows(csv(f"{HEADER}7,2013-01-01,far,1_000,x,a,yes\n"))
    assert [row[name] for name in ("miles", "stops", "kind", "night")] == ["far", "1_000", "x", "yes"]


def test_a_row_is_placed_by_its_line_even_after_cells_of_several_lines(csv, monkeypatch):
    monkeypatch.setattr(table_files, "CHUNK", 2)
    path = csv(f'{HEADER}"a\nb",2013-01-01,,,,,\n\nc,2013-01-01,,,,,\nd,2013-01-01,,,,,\n')
    chunks = list(read_chunks(path, CONTRACT))
    assert [chunk.places for chunk in chunks] == [[2, 5], [6]]
    assert {chunk.unit for chunk in chunks} == {"line"}


def test_a_byte_order_mark_is_no_part_of_the_first_name(csv):
    assert rows(csv(f"{HEADER}7,2013-01-01,,,,,\n", "utf-8-sig"))[0]["id"] == "7"


def test_columns_that_no_model_is_given_are_not_read(csv):
    (row,) = rows(csv("when,late\n2013-01-01,true\n"))
    assert row == {"when": "2013-01-01"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "rows.csv is empty: a CSV file needs a header line"),
        ("id,miles\n", "rows.csv: column 'when' is not there, and must not be missing"),
        ("when,when\n", "rows.csv: column 'when' is there twice"),
        ("when,mile\n", "rows.csv: column 'mile' is not in the contract; leave it out"),
        (f"{HEADER}7,2013-01-01\n", "rows.csv: line 2 has 2 cells, and the header 7"),
        (f'{HEADER}"7,2013-01-01,,,,,\n', "rows.csv is no valid CSV: line 2: "),
    ],
)
def test_a_file_that_is_no_table_of_the_contract_is_refused(csv, text, told):
    with pytest.raises(ContractError, match=told.replace("'", ".")):
        rows(csv(text))


def test_another_encoding_is_named(csv):
    with pytest.raises(ContractError, match=r"rows.csv is not UTF-8: byte 0xe9 in line 2; write it as UTF-8"):
        rows(csv(f"{HEADER}é,2013-01-01,,,,,\n", "latin-1"))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ContractError, match=r"rows.csv cannot be read: No such file"):
        rows(tmp_path / "rows.csv")


def test_parquet_has_plain_values_and_rows_counted_from_1(tmp_path):
    path = tmp_path / "rows.parquet"
    zone = datetime.timezone(datetime.timedelta(hours=1))
    columns = {
        "when": pa.array([datetime.datetime(2013, 1, 1, tzinfo=zone)] * 2, pa.timestamp("ns", "+01:00")),
        "miles": pa.array([1, None], pa.float32()),
        "city": pa.array(["a", None]).dictionary_encode(),
        "night": pa.array([1, 0], pa.int8()),
    }
    pq.write_table(pa.table(columns), path)
    (chunk,) = read_chunks(path, CONTRACT)
    assert (chunk.places, chunk.unit) == ([1, 2], "row")
    assert [row["night"] for row in chunk.rows] == [True, False]
    assert [row["city"] for row in chunk.rows] == ["a", None]
    assert chunk.rows[0]["when"] == columns["when"][0].as_py()


def test_a_day_is_the_time_of_its_start_and_a_decimal_a_number(tmp_path):
    path = tmp_path / "rows.parquet"
    miles = pa.array([1]).cast(pa.decimal128(21, 2))
    pq.write_table(pa.table({"when": pa.array([datetime.date(2013, 1, 2)]), "miles": miles}), path)
    assert rows(path) == [{"when": datetime.datetime(2013, 1, 2), "miles": 1.0}]


def test_half_a_parquet_file_is_refused(tmp_path):
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"when": ["2013-01-01"]}), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ContractError, match=r"rows.parquet is no whole Parquet file"):
        rows(path)


def test_without_pyarrow_parquet_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ContractError, match=r"Parquet needs pyarrow; install \w+\[score\], or use .csv"):
        rows(tmp_path / "rows.parquet")


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(ContractError, match=r"rows.xlsx: a name that ends with .csv or .parquet is expected"):
        suffix(tmp_path / "rows.xlsx")


COLUMNS = {"id": "string", "n": "integer", "when": "timestamp", "prediction": "number", "decision": "boolean"}
LINES = [["a", 1, "2013-01-01T05:00:00", 0.1 + 0.2, True], [None, 2, datetime.datetime(2013, 1, 2), 1e-300, False]]


def test_csv_is_written_so_that_numbers_read_back_the_same(tmp_path):
    path = tmp_path / "made"
    with writer(path, ".csv", COLUMNS) as write:
        write(LINES)
    assert path.read_text() == (
        "id,n,when,prediction,decision\n"
        "a,1,2013-01-01T05:00:00,0.30000000000000004,true\n"
        ",2,2013-01-02T00:00:00,1e-300,false\n"
    )


def test_parquet_is_written_in_the_types_of_the_contract(tmp_path):
    path = tmp_path / "made"
    with writer(path, ".parquet", COLUMNS) as write:
        write(LINES)
        write([])
    table = pq.read_table(path)
    kinds = [pa.string(), pa.int64(), pa.timestamp("us"), pa.float64(), pa.bool_()]
    assert table.schema.types == kinds
    assert table["prediction"].to_pylist() == [0.1 + 0.2, 1e-300]


def test_an_id_of_another_type_cannot_be_written(tmp_path):
    with (
        pytest.raises(ContractError, match=r"column 'n' has values of another type than the contract's"),
        writer(tmp_path / "made", ".parquet", {"n": "integer"}) as write,
    ):
        write([["x"]])


def wide(count: int) -> Contract:
    """A contract of so many numbers."""
    columns = {f"x{number}": Column("number", "feature", "x") for number in range(count)}
    return Contract("wide", "wide", "somebody", columns | {"y": Column("number", "target", "y")})


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_of_many_columns_fewer_rows_are_in_memory_at_once(tmp_path, kind):
    path, contract = tmp_path / f"wide.{kind}", wide(4000)
    table = pa.table({name: [0.5] * 250 for name in contract.inputs})
    pq.write_table(table, path) if kind == "parquet" else pa.csv.write_csv(table, path)
    sizes = [len(chunk.rows) for chunk in read_chunks(path, contract)]
    assert sum(sizes) == 250
    assert max(sizes) <= 100


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_of_long_rows_fewer_are_in_memory_at_once(tmp_path, kind):
    path = tmp_path / f"long.{kind}"
    table = pa.table({"id": [f"{number}{'x' * 1_000_000}" for number in range(40)], "when": ["2013-01-01"] * 40})
    if kind == "parquet":
        pq.write_table(table, path, use_dictionary=False, compression="none")
    else:
        pa.csv.write_csv(table, path)
    sizes = [len(chunk.rows) for chunk in read_chunks(path, CONTRACT)]
    assert sum(sizes) == 40
    assert max(sizes) <= 17


def test_lines_without_a_value_are_rows_where_others_follow_and_none_at_the_end(csv):
    missing = {"id": None, "when": None, "miles": None, "stops": None, "kind": None, "city": None, "night": None}
    path = csv(f"{HEADER}7,2013,,,,,\n,,,,,,\n\n,,,,,,\n,,,,,,\n8,2014,,,,,\n" + ",,,,,,\n" * 5)
    (chunk,) = read_chunks(path, CONTRACT)
    assert chunk.places == [2, 3, 5, 6, 7]
    assert chunk.rows[1:4] == [missing] * 3
    with pytest.raises(ContractError, match="line 3 has 6 cells, and the header 7"):
        rows(csv(f"{HEADER}7,2013,,,,,\n,,,,,\n8,2014,,,,,\n"))
