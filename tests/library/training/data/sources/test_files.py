from __future__ import annotations

import bz2
import dataclasses
import functools
import gzip
import threading
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from modelyard.errors import ContractError
from modelyard.runtime.contract import Column, Contract
from modelyard.training.data.refusal import DataRefused
from modelyard.training.data.sources.files import FileSource
from modelyard.training.data.validate import validate

CSV = b"key,when,kind,size,good\n1,2013-01-01 05:00:00,NO,0.5,true\n2,2013-01-02,,1.5,false\n"
CONTRACT = Contract(
    "t", "", "",
    {
        "key": Column("integer", "id", ""),
        "when": Column("timestamp", "time", ""),
        "kind": Column("string", "unused", "", missing=True),
        "size": Column("number", "feature", ""),
        "good": Column("boolean", "target", ""),
    },
)  # fmt: skip


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Not into the tests' output."""


@pytest.fixture
def served(tmp_path) -> Iterator[str]:
    """The address under which the files of `tmp_path` are served; the server knows no ranges and sends no ETag."""
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=tmp_path)) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


def read(path: Path | str, contract: Contract | None = CONTRACT) -> pa.Table:
    source = FileSource(str(path), contract and contract.columns)
    (name,) = source.objects()
    return source.read(name)


def written(path: Path, content: bytes = CSV) -> Path:
    path.write_bytes(content)
    return path


def zipped(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.csv", CSV)
    return path


def test_csv_is_read_in_the_contracts_types(tmp_path):
    table = read(written(tmp_path / "data.csv"))
    types = {
        "key": pa.int64(),
        "when": pa.timestamp("us"),
        "kind": pa.string(),
        "size": pa.float64(),
        "good": pa.bool_(),
    }
    assert {field.name: field.type for field in table.schema} == types
    assert table["kind"].to_pylist() == ["NO", None]


def test_a_column_of_digits_stays_text_where_the_contract_says_so(tmp_path):
    assert read(written(tmp_path / "data.csv", CSV.replace(b"NO", b"007")))["kind"][0].as_py() == "007"


def test_compressed_csv_is_the_same_as_plain(tmp_path):
    plain = read(written(tmp_path / "plain.csv"))
    for path in (
        written(tmp_path / "data.csv.gz", gzip.compress(CSV)),
        written(tmp_path / "data.csv.bz2", bz2.compress(CSV)),
        zipped(tmp_path / "data.csv.zip"),
        written(tmp_path / "LOUD.CSV"),
        written(tmp_path / "mark.csv", b"\xef\xbb\xbf" + CSV),
    ):
        assert read(path).equals(plain)


def test_parquet_is_the_same_as_csv(tmp_path):
    table = read(written(tmp_path / "data.csv"))
    pyarrow.parquet.write_table(table, tmp_path / "data.parquet")
    assert read(tmp_path / "data.parquet").equals(table)


def test_whole_floats_are_whole_numbers(tmp_path):
    content = CSV.replace(b"1,2013", b"1.0,2013").replace(b"2,2013", b"2.0,2013")
    taken = validate(read(written(tmp_path / "data.csv", content)), CONTRACT, "data.csv")
    assert taken["key"].to_pylist() == [1, 2]


def test_times_with_an_offset_are_local_times_of_the_columns_zone(tmp_path):
    in_london = dataclasses.replace(
        CONTRACT, columns=CONTRACT.columns | {"when": Column("timestamp", "time", "", timezone="Europe/London")}
    )
    content = CSV.replace(b"05:00:00", b"05:00:00+02:00").replace(b"2013-01-02,", b"2013-01-02T00:00:00Z,")
    table = read(written(tmp_path / "data.csv", content))
    with pytest.raises(DataRefused, match="when: has an offset from UTC, and the contract names no `timezone`"):
        validate(table, CONTRACT, "data.csv")
    taken = validate(table, in_london, "data.csv")
    assert [time.isoformat() for time in taken["when"].to_pylist()] == ["2013-01-01T03:00:00", "2013-01-02T00:00:00"]


def test_every_cell_that_cannot_be_read_is_told(tmp_path):
    content = CSV.replace(b"1,2013", b"1.0,2013").replace(b"0.5,true", b"half,perhaps").replace(b"2,2013", b"two,2013")
    with pytest.raises(DataRefused) as refused:
        read(written(tmp_path / "data.csv", content))
    assert [str(rule) for rule in refused.value.broken] == [
        "key: must be of type integer: 1 row, for example 'two'",
        "size: must be of type number: 1 row, for example 'half'",
        "good: must be of type boolean: 1 row, for example 'perhaps'",
    ]


def test_without_a_contract_types_are_inferred_and_a_time_of_day_stays_text(tmp_path):
    content = b"day,hour,count\n2013-01-01,12:30,1\n2013-01-02,13:40,2\n"
    table = read(written(tmp_path / "data.csv", content), None)
    assert [str(kind) for kind in table.schema.types] == ["date32[day]", "string", "int64"]
    assert table["hour"].to_pylist() == ["12:30", "13:40"]


def test_a_glob_gives_the_files_in_the_order_of_their_names(tmp_path):
    for name in ("b.csv", "a.csv", "c.txt"):
        written(tmp_path / name)
    assert [Path(name).name for name in FileSource(f"{tmp_path}/*.csv").objects()] == ["a.csv", "b.csv"]


def test_a_path_is_taken_from_the_working_folder(tmp_path, monkeypatch):
    written(tmp_path / "data.csv")
    monkeypatch.chdir(tmp_path)
    assert read("data.csv").num_rows == 2


def test_the_same_bytes_have_the_same_fingerprint_wherever_they_are(tmp_path):
    paths = [written(tmp_path / "a.csv"), written(tmp_path / "b.csv")]
    assert len({mark for path in paths for mark in FileSource(str(path)).objects().values()}) == 1


def test_other_bytes_of_the_same_length_have_another_fingerprint(tmp_path):
    path = written(tmp_path / "data.csv")
    before = FileSource(str(path)).objects()
    written(path, CSV.replace(b"0.5", b"0.6"))
    assert FileSource(str(path)).objects() != before


def test_csv_and_parquet_are_read_from_a_web_server(tmp_path, served):
    table = read(written(tmp_path / "data.csv"))
    pyarrow.parquet.write_table(table, tmp_path / "data.parquet", row_group_size=1)
    written(tmp_path / "data.csv.gz", gzip.compress(CSV))
    for name in ("data.csv", "data.csv.gz", "data.parquet", "data.csv?version=1"):
        assert read(f"{served}/{name}").equals(table)


def test_the_fingerprint_of_a_file_on_a_web_server_is_its_contents(tmp_path, served):
    written(tmp_path / "data.csv")
    marks = [FileSource(f"{served}/data.csv").objects() for _ in range(2)]
    written(tmp_path / "data.csv", CSV.replace(b"0.5", b"0.6"))
    marks.append(FileSource(f"{served}/data.csv").objects())
    assert marks[0] == marks[1] != marks[2]


def test_a_file_that_the_web_server_does_not_have_is_told(served):
    with pytest.raises(ContractError, match=r"/none\.csv cannot be read"):
        FileSource(f"{served}/none.csv").objects()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/nowhere/data.csv", r"^/nowhere/data\.csv cannot be read: No such file or directory$"),
        ("/nowhere/*.csv", r"source /nowhere/\*\.csv matches no file"),
        ("nothing://data.csv", "source nothing://data.csv cannot be opened: Protocol not known: nothing"),
        ("github://data.csv", "source github://data.csv cannot be opened: GithubFileSystem"),
    ],
)
def test_a_source_that_is_not_there_is_told(path, message):
    with pytest.raises(ContractError, match=message):
        FileSource(path).objects()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("data.csv", b"", "is empty: a CSV file needs a header line and rows"),
        ("data.csv", b" \n\n", "is empty: a CSV file needs a header line and rows"),
        ("data.csv", CSV + b"3,2013-01-03\n", "is no valid CSV: line 4 has 2 cells, and the header 5"),
        ("data.csv", CSV.replace(b"NO", b"\xd8l"), r"is not UTF-8: byte 0xd8 in line 2; write it as UTF-8"),
        ("data.csv.gz", gzip.compress(CSV)[:-20], "cannot be read: Compressed file ended"),
        ("data.csv.gz", gzip.compress(CSV)[:10] + b"\xff" * 30, "cannot be read: Error -3 while decompressing"),
        ("data.csv.gz", CSV, "cannot be read: Not a gzipped file"),
        ("data.csv.zip", CSV, "cannot be read: File is not a zip file"),
        ("data.csv.xz", CSV, "cannot be read: Input format not supported"),
        ("data.csv", CSV + b'3,2013-01-03,"a,1,true\n', "is no valid CSV: line 4: unexpected end of data"),
        ("data.csv", b"sep=;\n" + CSV.replace(b",", b";") + b"3;4\n", "is no valid CSV: line 5 has 2 cells"),
        ("data.parquet", b"", "is no whole Parquet file"),
        ("data.parquet", CSV, "is no whole Parquet file"),
    ],
    ids=[
        "empty",
        "blank",
        "ragged",
        "Latin-1",
        "cut off",
        "scrambled",
        "no gzip",
        "no zip",
        "no xz",
        "open quote",
        "ragged, announced",
        "no bytes",
        "no Parquet",
    ],
)
def test_a_broken_file_is_told_with_its_name(tmp_path, name, content, message):
    with pytest.raises(ContractError, match=rf"{tmp_path}/{name} {message}"):
        read(written(tmp_path / name, content))
