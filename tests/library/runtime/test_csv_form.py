from __future__ import annotations

import csv
import subprocess

import numpy as np
import pytest
from modelyard.errors import ContractError
from modelyard.runtime.contract import Column, Contract
from modelyard.runtime.csv_form import encoding_fault, form_of
from modelyard.runtime.table_files import read_chunks

CONTRACT = Contract(
    "shop",
    "",
    "",
    {
        "key": Column("string", "id", ""),
        "size": Column("number", "feature", "", missing=True),
        "land": Column("string", "feature", "", values=["DE", "NA"], missing=True),
        "note": Column("string", "feature", "", values=["a", "b"], missing=True),
        "price": Column("number", "target", ""),
    },
)


@pytest.mark.parametrize(
    ("content", "separator"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\n1,5;2,5\n", ";"),
        ("a\tb\n1,5\t2\n", "\t"),
        ("a|b\n1|2\n", "|"),
        ("a|b,c\n1|2,3\n", ","),
        ("a,b|c\nx|1\ny|2\n", "|"),
        ('"a;b"|"c,d"|"e"\n"1"|"2;3"|"4"\n', "|"),
        ("a,b|c|d\nx|1\n", "|"),  # a line too short
        ('"a;b",c\n"x;y",3\n', ","),
        ("a;b,c\n1;2\n3;4\n", ";"),  # a comma in a name
        ("a;b,c\n1,5;2\n3;4\n", ";"),
        ("a,b;c\nx,1\nx;y,2\n", ","),
        ("sep=;\na;b\n1;2\n", ";"),
        ("sep=|\r\na|b,c\r\n", "|"),
        ("\n\na;b\n1;2\n", ";"),
        ("a\n1\n", ","),
        ("", ","),
    ],
)
def test_the_separator_divides_the_header_and_the_rows_alike(content, separator):
    assert form_of(content.encode(), "data.csv").separator == separator


def test_known_names_tell_the_separator_where_the_rows_do_not():
    assert form_of(b"key;size, m\n1;2,3\n", "data.csv", ["key", "size, m"]).separator == ";"
    assert form_of(b"key;a,size\n1;2,3\n", "data.csv", ["key;a", "size"]).separator == ","


def test_a_file_that_two_separators_fit_is_refused():
    with pytest.raises(ContractError, match=r"data.csv may be separated by commas or semicolons: put names and cells"):
        form_of(b"size, m;weight\n1,5;2\n", "data.csv")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"PK\x03\x04....", "a spreadsheet or a zip"),
        (b"PAR1....", "Parquet: give it a name that ends with .parquet"),
        (b"\x1f\x8b\x08\x00", r"gzip: give it a name that ends with .csv.gz"),
        (b"<!DOCTYPE html><html>", "a web page or XML"),
        (b'[{"a": 1}]', "JSON"),
        (b"SQLite format 3\0\x10", "a database: give its URL"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("a,b\n1,2\n".encode("utf-16-le"), r"UTF-16LE: convert it with\n  iconv -f UTF-16LE"),
        ("a,b\n1,2\n".encode("utf-16-be"), r"UTF-16BE: convert it with\n  iconv -f UTF-16BE"),
    ],
)
def test_what_is_no_csv_is_named(content, told):
    with pytest.raises(ContractError, match=rf"data.csv is (no CSV|not UTF-8).*{told}"):
        form_of(content, "data.csv", path="data.csv")


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16-le", "utf-16-be"])
def test_the_command_that_a_message_names_makes_the_file_readable(tmp_path, encoding):
    path = tmp_path / "it's $HOME [1].csv"
    path.write_bytes("key,size,note\n“x”,1,a\né €,2,b\n".encode(encoding))
    with pytest.raises(ContractError) as refused:
        list(read_chunks(path, CONTRACT))
    (command,) = [line for line in str(refused.value).split("\n") if line.startswith("  iconv")]
    subprocess.run(["sh", "-c", command], check=True)
    assert [row["key"] for chunk in read_chunks(path, CONTRACT) for row in chunk.rows] == ["“x”", "é €"]
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_bytes_that_no_windows_text_has_are_not_said_to_be_of_windows():
    fault = str(encoding_fault([b"a,b\n", b"\x81,2\n"], "data.csv", "data.csv"))
    assert "byte 0x81 in line 2" in fault
    assert "WINDOWS-1252" not in fault
    assert "iconv -f ENCODING" in fault


def test_a_binary_file_is_told_to_be_one():
    content = np.random.default_rng(7).bytes(5000)
    fault = str(encoding_fault(content.splitlines(keepends=True), "data.csv", "data.csv"))
    assert "data.csv is no text but a binary file, as by byte 0x" in fault
    assert "iconv" not in fault


def test_lines_of_two_encodings_are_not_said_to_be_of_one():
    lines = ["é,1\n".encode(), "é,2\n".encode("cp1252")]
    fault = str(encoding_fault(lines, "data.csv", "data.csv"))
    assert "byte 0xe9 in line 2" in fault
    assert "mend that line" in fault
    assert "iconv" not in fault


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("key;size;land\n7;1,25;NA\n", "utf-8"),
        ("sep=;\nkey;size;land\n7;1,25;NA\n", "utf-8-sig"),
        ("key\tsize\tland\n7\t1,25\tNA\n", "utf-16"),
        ("key\tsize\tland\n7\t1.25\tNA\n", "utf-32"),
        ('key,size,land\n7,1.25,"NA"\n', "utf-8"),
    ],
)
def test_a_file_is_scored_from_however_its_cells_are_written(tmp_path, text, encoding):
    path = tmp_path / "rows.txt"
    path.write_bytes(text.encode(encoding))
    (chunk,) = read_chunks(path, CONTRACT)
    assert chunk.rows == [{"key": "7", "size": 1.25, "land": "NA"}]


def test_a_value_of_the_contract_is_no_missing_value_in_its_column_alone(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("key,land,note\nx,NA,NA\ny,,null\n")
    (chunk,) = read_chunks(path, CONTRACT)
    assert [(row["land"], row["note"]) for row in chunk.rows] == [("NA", None), (None, None)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("key;size\nx;1,5\ny;2.5\n", r"numbers with a comma, such as '1,5', and with a point, such as '2\.5'"),
        ("key\tsize\nx\t1,500\ny\t20\n", "the comma in '1,500' may be a decimal mark or divide thousands"),
        ("key;size;\nx;1;\ny;2;3\n", "line 3 has '3' in column 3, which has no name"),
    ],
)
def test_numbers_that_can_be_meant_in_two_ways_are_refused(tmp_path, text, told):
    path = tmp_path / "rows.csv"
    path.write_text(text)
    with pytest.raises(ContractError, match=told):
        list(read_chunks(path, CONTRACT))


def test_columns_without_a_name_or_a_value_are_no_columns(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("key;size;;\nx;1,5;;\n")
    (chunk,) = read_chunks(path, CONTRACT)
    assert chunk.rows == [{"key": "x", "size": 1.5}]


def test_empty_lines_at_the_end_of_a_file_are_no_rows(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("key;size\nx;1,5\n;\n\ny;2\n;\n;\n\n")
    (chunk,) = read_chunks(path, CONTRACT)
    assert [row["key"] for row in chunk.rows] == ["x", None, "y"]
    assert chunk.places == [2, 3, 5]


def test_a_cell_may_be_longer_than_the_csv_module_allows_at_first(tmp_path):
    path = tmp_path / "rows.csv"
    before = csv.field_size_limit(1000)
    try:
        path.write_text(f"key,price\n{'x' * 200_000},1\n")
        (chunk,) = read_chunks(path, CONTRACT)
    finally:
        csv.field_size_limit(before)
    assert len(chunk.rows[0]["key"]) == 200_000
