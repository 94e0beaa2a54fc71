from __future__ import annotations

import lzma
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from modelyard.errors import ContractError
from modelyard.runtime.contract import Column, Contract
from modelyard.runtime.table_files import read_chunks
from modelyard.training.data.refusal import DataRefused
from modelyard.training.data.sources.decisions import Decisions
from modelyard.training.data.sources.files import FileSource
from modelyard.training.draft.watched import watched_paths

CONTRACT = Contract(
    "shop",
    "",
    "",
    {
        "key": Column("integer", "id", ""),
        "size": Column("number", "feature", "", missing=True),
        "land": Column("string", "feature", "", values=["DE", "NA"], missing=True),
        "note": Column("string", "unused", "", missing=True),
        "late": Column("boolean", "target", ""),
    },
)
PLAIN = "key,size,land,note,late\n1,0.5,DE,NA,true\n2,,NA,é,false\n"
SEMICOLONS = PLAIN.replace(",", ";").replace("0.5", "0,5")


def source_of(path: Path, contract: Contract | None = CONTRACT) -> tuple[FileSource, pa.Table]:
    source = FileSource(str(path), contract and contract.columns)
    (name,) = source.objects()
    return source, source.read(name)


def read(path: Path, contract: Contract | None = CONTRACT) -> pa.Table:
    return source_of(path, contract)[1]


def written(folder: Path, text: str, name: str = "data.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (SEMICOLONS, "utf-8"),
        (SEMICOLONS, "utf-16"),
        ("sep=;\r\n" + SEMICOLONS.replace("\n", "\r\n"), "utf-8-sig"),
        (PLAIN.replace(",", "\t"), "utf-16"),
        (PLAIN.replace(",", "\t"), "utf-32"),
        (PLAIN.replace(",", "|"), "utf-8"),
        (SEMICOLONS.replace("late", "late;;").replace("e\n", "e;;\n").replace("late;;;;", "late;;"), "utf-8"),
    ],
)
def test_cells_are_read_however_they_are_written(tmp_path, text, encoding):
    plain = read(written(tmp_path, PLAIN, "plain.csv"))
    assert plain["land"].to_pylist() == ["DE", "NA"]
    assert plain["note"].to_pylist() == [None, "é"]
    assert read(written(tmp_path, text, "data.txt", encoding)).equals(plain)


@pytest.mark.parametrize("name", ["data.tsv", "data.TAB", "data.txt"])
def test_a_file_of_text_may_have_any_of_its_usual_names(tmp_path, name):
    assert read(written(tmp_path, PLAIN.replace(",", "\t"), name)).num_rows == 2


def test_training_and_scoring_read_the_same_values(tmp_path):
    path = written(tmp_path, SEMICOLONS + "3;1,25;;x;true\n")
    (chunk,) = read_chunks(path, CONTRACT)
    table = read(path)
    for name in ("key", "size", "land"):
        assert [row[name] for row in chunk.rows] == table[name].to_pylist()


def test_cells_of_several_lines_are_read_in_a_file_of_several_megabytes(tmp_path):
    cell = '"one\nline ""two"", x"'
    rows = "".join(f"{key},0.5,DE,{cell},true\n" for key in range(60_000))
    table = read(written(tmp_path, f"key,size,land,note,late\n{rows}"))
    assert table.num_rows == 60_000
    assert set(table["note"].to_pylist()) == {'one\nline "two", x'}


def test_types_are_inferred_from_the_last_row_too(tmp_path):
    table = read(written(tmp_path, "x,y\n" + "1,1\n" * 400_000 + "1.5,a\n"), None)
    assert table.schema.types == [pa.float64(), pa.string()]


def test_a_cell_that_is_no_number_is_named_in_a_file_with_decimal_commas(tmp_path):
    with pytest.raises(DataRefused) as refused:
        read(written(tmp_path, SEMICOLONS + "3;1,2,3;;;true\n"))
    assert [str(rule) for rule in refused.value.broken] == ["size: must be of type number: 1 row, for example '1,2,3'"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a;b\n1,500;1.5\n2;2.5\n", r"numbers with a comma, such as '1,500', and with a point, such as '1\.5'"),
        ("a\tb\n1,500\tx\n2,250\ty\n", "the comma in '1,500' may be a decimal mark or divide thousands"),
    ],
)
def test_what_a_comma_means_is_not_guessed(tmp_path, text, told):
    with pytest.raises(ContractError, match=told):
        read(written(tmp_path, text), None)


def test_numbers_with_a_point_are_text_where_a_comma_is_surely_the_decimal_mark(tmp_path):
    path = written(tmp_path, "size;clock\n1,5;12.30\n2;13.45\n")
    assert read(path, None).to_pydict() == {"size": [1.5, 2.0], "clock": ["12.30", "13.45"]}


def test_numbers_with_both_marks_are_refused_where_the_contract_says_number(tmp_path):
    with pytest.raises(ContractError, match=r"write all of them with a point"):
        read(written(tmp_path, SEMICOLONS + "3;2.5;;;true\n"))


def test_what_was_decided_without_a_contract_is_kept_to_be_told(tmp_path):
    text = "land;zip;size\nNA;01234;9,232\nDE;12345;1,5\nnull;00001;\nNA;2;NA\n"
    source, table = source_of(written(tmp_path, text), None)
    assert table["size"].to_pylist() == [9.232, 1.5, None, None]
    assert table["land"].to_pylist() == [None, "DE", None, None]
    assert source.decisions.forms == {"cells separated by semicolons", "numbers with a decimal comma, such as '1,5'"}
    assert source.decisions.missing == {"land": {"NA": 2, "null": 1}}
    assert source.decisions.zeros == {"zip": "01234"}


def test_a_usual_file_has_nothing_to_tell(tmp_path):
    source, _ = source_of(written(tmp_path, "a,b,c\n1.05,x,0.1\n2,,2013-01-02\n"), None)
    assert source.decisions == Decisions()


def test_empty_rows_at_the_end_of_a_file_are_left_out(tmp_path):
    assert read(written(tmp_path, "a;b\n1;x\n;\n2;y\n;\n;\n"), None).to_pydict() == {
        "a": [1, None, 2],
        "b": ["x", None, "y"],
    }


def test_a_header_that_comes_again_is_refused(tmp_path):
    with pytest.raises(ContractError, match=r"data.csv has its header line among its rows too"):
        read(written(tmp_path, "a,b\n1,x\n2,y\na,b\n3,z\n"), None)
    assert read(written(tmp_path, "a,b\na,x\ny,b\n"), None).num_rows == 2


def test_two_columns_with_values_and_no_name_are_refused(tmp_path):
    with pytest.raises(ContractError, match=r"data.csv: columns 1, 3 have values and no name; name them in the header"):
        read(written(tmp_path, ",a, ,\n1,2,3,\n"), None)


def zipped(path: Path, **members: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("_dot_", "."), text)
    return path


def test_a_zip_with_several_files_is_refused_by_their_names(tmp_path):
    path = zipped(tmp_path / "data.csv.zip", a_dot_csv=PLAIN, b_dot_csv=PLAIN)
    with pytest.raises(ContractError, match=r"data\.csv\.zip holds 2 files: a\.csv, b\.csv; a zip with one file is"):
        read(path)


def test_a_zip_without_a_file_is_refused(tmp_path):
    with pytest.raises(ContractError, match=r"data\.zip holds 0 files; a zip with one file is read"):
        read(zipped(tmp_path / "data.zip"))


def test_a_zip_is_read_by_what_is_in_it(tmp_path):
    plain = read(written(tmp_path, PLAIN))
    with zipfile.ZipFile(zipped(tmp_path / "data.zip", rows_dot_csv=PLAIN), "a") as archive:
        archive.writestr("__MACOSX/._rows.csv", b"\0")
        archive.mkdir("folder")
    assert read(tmp_path / "data.zip").equals(plain)
    pyarrow.parquet.write_table(plain, tmp_path / "rows.parquet")
    with zipfile.ZipFile(tmp_path / "binary.zip", "w") as archive:
        archive.write(tmp_path / "rows.parquet", "rows.parquet")
    assert read(tmp_path / "binary.zip").equals(plain)


def test_xz_is_read_and_parquet_under_any_name(tmp_path):
    plain = read(written(tmp_path, PLAIN))
    (tmp_path / "data.csv.xz").write_bytes(lzma.compress(PLAIN.encode()))
    assert read(tmp_path / "data.csv.xz").equals(plain)
    pyarrow.parquet.write_table(plain, tmp_path / "part-0000")
    assert read(tmp_path / "part-0000").equals(plain)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("data.xlsx", r"save the sheet as CSV \(UTF-8\)"),
        ("data.json", "convert it to one of them"),
        ("data.csv.zst", "convert it to one of them"),
        ("data.csv.dvc", "make pull"),
        ("data", "convert it to one of them"),
    ],
)
def test_another_kind_of_file_is_refused_by_naming_what_is_read(tmp_path, name, advice):
    with pytest.raises(ContractError, match=rf"{name} is no such file as is read: CSV \(\.csv, .*\.parquet.*{advice}"):
        read(written(tmp_path, PLAIN, name))


NAMES = ["sales [2023].csv", "a::b.csv", "what?.csv", "~x.csv", "a*.csv", "100%.csv", "a#b.csv", "[!a].csv"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("folder", ["plain", "old [1]::*"])
def test_a_file_is_meant_by_its_name_whatever_signs_are_in_it(tmp_path, monkeypatch, folder, name):
    (tmp_path / folder).mkdir()
    written(tmp_path / folder, PLAIN, name)
    written(tmp_path / folder, PLAIN, "other.csv")
    monkeypatch.chdir(tmp_path)
    assert [Path(found).name for found in FileSource(f"{folder}/{name}").objects()] == [name]
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    assert watched_paths(f"{folder}/{name}", tmp_path) == [f"{folder}/{name}"]
    assert len(FileSource(f"{folder}/*.csv").objects()) == 2
    assert watched_paths(f"{folder}/*.csv", tmp_path) == [folder]
    monkeypatch.chdir(folder)
    assert read(Path(name)).num_rows == 2


def test_a_folder_is_refused_with_the_glob_that_names_its_files(tmp_path):
    with pytest.raises(
        ContractError, match=rf"source {tmp_path} is a folder; name its files, as in {tmp_path}/\*\.csv"
    ):
        FileSource(str(tmp_path))
