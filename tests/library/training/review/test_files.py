"""Files of reviews as spreadsheets leave them, and lines removed without touching the others."""

from __future__ import annotations

import pytest
from modelyard.errors import ContractError
from modelyard.training.review.files import files_of, read_file, remove_records

NEEDED = ["order", "given", "label", "reviewer", "reason"]
TEXT = (
    'order,note,given,label,reviewer,reason\no-1,,true,false,Ada,"two\nlines"\no-2,,true,,,\n,,,,,\no-3,,1,keep,Ben,x\n'
)


def written(tmp_path, content: bytes | str):
    path = tmp_path / "corrections/review-1.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_each_record_has_the_line_in_which_it_begins(tmp_path):
    found = list(read_file(written(tmp_path, TEXT), tmp_path, NEEDED))
    assert [(record.place.rpartition(" ")[2], record.cells["order"]) for record in found] == [
        ("2", "o-1"),
        ("4", "o-2"),
        ("6", "o-3"),
    ]
    assert found[0].cells["reason"] == "two\nlines"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_other_separators_and_encodings_are_read(tmp_path, encoding, separator):
    path = written(tmp_path, TEXT.replace(",", separator).replace("Ada", "Åsa").encode(encoding))
    first, *_ = read_file(path, tmp_path, NEEDED)
    assert (first.cells["reviewer"], first.decimal_comma) == ("Åsa", separator != ",")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "review-1.csv is empty"),
        ("order,label,reviewer,reason\n", "line 1: the column 'given' is not there"),
        ("order,given,given,label,reviewer,reason\n", "line 1: the column 'given' is twice there"),
        (TEXT + "o-4,a,b\n", "line 7: it has 3 cells, and the header 6"),
        (TEXT.replace("Ada", "Åsa").encode("cp1252"), "is not UTF-8"),
    ],
)
def test_a_file_that_is_no_review_is_refused_by_name(tmp_path, content, told):
    with pytest.raises(ContractError, match=told):
        list(read_file(written(tmp_path, content), tmp_path, NEEDED))


def test_files_in_the_folder_that_are_no_csv_are_left_alone(tmp_path):
    path = written(tmp_path, TEXT)
    (path.parent / "README.md").write_text("# How we review")
    assert files_of(tmp_path) == [path]


def test_removed_records_leave_all_other_bytes_as_they_were(tmp_path):
    text = TEXT.replace("\n", "\r\n")
    path = written(tmp_path, text)
    assert remove_records(path, tmp_path, lambda cells: cells["order"] == "o-1") == 1
    assert path.read_bytes().decode() == text.replace('o-1,,true,false,Ada,"two\r\nlines"\r\n', "")
    assert remove_records(path, tmp_path, lambda cells: cells["order"] == "o-1") == 0
