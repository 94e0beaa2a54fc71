from __future__ import annotations

import json
import math

import pyarrow as pa
import pyarrow.parquet
import pytest
from modelyard.proving.tolerance import Difference, Tolerance, compare_files

PROBABILITY, UNIT = Tolerance(), Tolerance(relative=True)


def compared(tmp_path, ending: str, committed: object, retrained: object, tolerance: Tolerance = PROBABILITY):
    """What two files with these contents have otherwise."""
    paths = [tmp_path / f"{name}{ending}" for name in ("committed", "retrained")]
    for path, content in zip(paths, (committed, retrained), strict=True):
        if isinstance(content, pa.Table):
            pyarrow.parquet.write_table(content, path)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
    return list(compare_files("file", *paths, tolerance))


@pytest.mark.parametrize(
    ("tolerance", "committed", "retrained", "same"),
    [
        (PROBABILITY, 0.5, 0.5 + 9e-7, True),
        (PROBABILITY, 0.5, 0.5 + 2e-6, False),
        (PROBABILITY, 0.0, 9e-7, True),
        (PROBABILITY, 1e9, 1e9 + 100, True),
        (UNIT, 40.0, 40.00002, True),
        (UNIT, 40.0, 40.0001, False),
        (UNIT, 0.0, 9e-7, False),
        (PROBABILITY, math.nan, math.nan, True),
        (PROBABILITY, math.nan, 0.5, False),
        (PROBABILITY, 0.5, None, False),
        (PROBABILITY, True, 1, False),
        (PROBABILITY, 1, 1.0, True),
        (PROBABILITY, "EWR", "EWR", True),
        (PROBABILITY, "EWR", "JFK", False),
        (Tolerance(amount=0), 0.1, math.nextafter(0.1, 1), False),
    ],
)
def test_numbers_may_be_as_far_apart_as_their_kind_allows(tolerance, committed, retrained, same):
    assert tolerance.same(committed, retrained) is same


def test_json_is_compared_by_its_keys_whatever_its_form(tmp_path):
    before = {"holdout": {"roc_auc": {"value": 0.7}}, "rows": [1, 2], "threshold": None, "gone": 1}
    now = '{"rows": [1,3], "holdout":  {"roc_auc": {"value": 0.70000001}}, "threshold": 0.5, "new": {}}'
    assert compared(tmp_path, ".json", before, now) == [
        Difference("file: rows.1", 2, 3),
        Difference("file: threshold", None, 0.5),
        Difference("file: gone", 1, None),
        Difference("file: new", None, {}),
    ]


def test_a_key_with_nothing_in_it_is_not_one_that_is_missing(tmp_path):
    assert compared(tmp_path, ".json", {"a": None}, {}) != []


def test_lines_are_found_by_their_words_whatever_their_order(tmp_path):
    before = "input,loss,std\ncarrier,0.03,0.001\norigin,0.02,0.001\n"
    now = "input,loss,std\norigin,0.0200000001,0.001\ncarrier,0.05,0.001\n"
    assert compared(tmp_path, ".csv", before, now) == [Difference("file: carrier.loss", 0.03, 0.05)]


def test_lines_without_words_are_found_by_their_number(tmp_path):
    before, now = "rows,predicted\n9,-0.5\n9,1e-05\n", "rows,predicted\n9,-0.5\n8,1e-05\n"
    assert compared(tmp_path, ".csv", before, now) == [Difference("file: line 3.rows", 9.0, 8.0)]


def test_a_line_more_is_a_difference(tmp_path):
    before, now = "input,loss\ncarrier,0.03\n", "input,loss\ncarrier,0.03\norigin,0.02\n"
    assert [one.where for one in compared(tmp_path, ".csv", before, now)] == [
        "file: origin.input",
        "file: origin.loss",
    ]


def test_a_text_may_break_its_lines_elsewhere_and_round_its_numbers_otherwise(tmp_path):
    before = "An AUC of 0.7018675069382606 (from\n  0.67).\n"
    assert compared(tmp_path, ".md", before, "An AUC of 0.7018675069382609 (from 0.67).") == []


@pytest.mark.parametrize("now", ["An AUC of 0.99.", "An AUC of 0.70, surely.", "The AUC of 0.70.", ""])
def test_another_word_or_number_in_a_text_is_a_difference(tmp_path, now):
    (found,) = compared(tmp_path, ".md", "An AUC of 0.70.", now)
    assert found.committed in "An AUC of 0.70."


def test_columns_of_a_table_are_compared_row_by_row(tmp_path):
    before = pa.table({"id": ["a", "b"], "prediction": [0.5, math.nan]})
    now = pa.table({"id": ["a", "b"], "prediction": [0.5 + 1e-9, math.nan]})
    assert compared(tmp_path, ".parquet", before, now) == []
    other = pa.table({"id": ["a", "c"], "prediction": [0.6, math.nan]})
    assert compared(tmp_path, ".parquet", before, other) == [
        Difference("file: id of 1 rows, such as", "b", "c"),
        Difference("file: prediction of 1 rows, such as", 0.5, 0.6),
    ]


def test_other_columns_or_rows_of_a_table_are_a_difference(tmp_path):
    before = pa.table({"a": [1, 2]})
    assert compared(tmp_path, ".parquet", before, pa.table({"a": [1]})) == [Difference("file: rows", 2, 1)]
    assert compared(tmp_path, ".parquet", before, pa.table({"b": [1.5]})) == [
        Difference("file: columns", "a int64", "b double")
    ]


@pytest.mark.parametrize("ending", [".json", ".parquet"])
def test_a_file_that_cannot_be_read_is_a_difference(tmp_path, ending):
    (found,) = compared(tmp_path, ending, "[", "[1]")
    assert "not to be read" in found.committed


def test_a_kind_that_is_not_known_must_have_the_same_bytes(tmp_path):
    assert compared(tmp_path, ".bin", "a", "a") == []
    (found,) = compared(tmp_path, ".bin", "a", "b")
    assert found.committed.startswith("sha256 ")
