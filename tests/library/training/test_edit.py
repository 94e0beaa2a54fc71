from __future__ import annotations

import pytest
from modelyard.training.edit import edit_yaml, round_trip

TEXT = """\
# What the file is for.
name: "trips" # quoted, because it was
source:
  kind: files # where from
  path: data.csv
period: month

model:
  linear: {alpha: 1.0} # the penalty
  # a line by itself
  trees:
    depth: 4 # how deep
floors: # the worst
  rmse: 45.0
codes: [NO, 9E, "on"]
"""


@pytest.fixture
def path(tmp_path):
    (tmp_path / "x.yaml").write_text(TEXT)
    return tmp_path / "x.yaml"


def test_an_edit_that_fails_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("seed: 7 # of all\n")
    with pytest.raises(Exception, match="cannot represent"):
        edit_yaml(path, {"seed": 8, "other": object()})
    assert path.read_text() == "seed: 7 # of all\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_value_changes_and_nothing_else_does(path):
    edit_yaml(path, {"period": "day"})
    assert path.read_text() == TEXT.replace("month", "day")


def test_a_nested_value_changes_and_its_comment_stays(path):
    edit_yaml(path, {"model": {"trees": {"depth": 9}, "linear": {"alpha": 0.25}}})
    assert path.read_text() == TEXT.replace("depth: 4", "depth: 9").replace("alpha: 1.0", "alpha: 0.25")


def test_no_change_gives_the_same_bytes(path):
    edit_yaml(path, {})
    assert path.read_text() == TEXT


def test_a_mapping_with_a_kind_replaces_the_other(path):
    edit_yaml(path, {"source": {"kind": "sql", "url": "sqlite://"}})
    assert round_trip().load(path)["source"] == {"kind": "sql", "url": "sqlite://"}


def test_an_empty_mapping_replaces_the_other(path):
    edit_yaml(path, {"floors": {}})
    assert round_trip().load(path)["floors"] == {}


def test_a_new_key_is_added(path):
    edit_yaml(path, {"seed": 1, "model": {"boosting": {"rate": 0.1}}})
    read = round_trip().load(path)
    assert (read["seed"], read["model"]["boosting"], read["model"]["trees"]) == (1, {"rate": 0.1}, {"depth": 4})


def test_numbers_are_written_so_that_they_read_back_the_same(path):
    values = {"a": 0.1 + 0.2, "b": 1e-300, "c": 2**53 + 1, "d": None, "e": "9E", "f": "2013-12", "g": "NO"}
    edit_yaml(path, values)
    read = round_trip().load(path)
    assert {name: read[name] for name in values} == values


def test_null_is_written_as_a_word(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("kept: null # nothing yet\nother: 1\n")
    edit_yaml(path, {"other": None})
    assert path.read_text() == "kept: null # nothing yet\nother: null\n"


@pytest.mark.parametrize("text", ["e\x85f", "c\u2028d", "a\nb", "g   h", "k  " * 100, "\x07", "é\x85 " * 60])
def test_a_text_is_read_back_as_it_was_wherever_it_stands(path, text):
    edit_yaml(path, {"name": text, "source": {"path": text}, "codes": [text], "floors": {text: 1.0}})
    for _ in range(2):
        content = round_trip().load(path)
        assert content["name"] == content["source"]["path"] == content["codes"][0] == text
        assert content["floors"][text] == 1.0
        edit_yaml(path, {"period": "day"})


def test_the_space_before_a_comment_stays_whatever_the_length_of_the_value(path):
    edit_yaml(path, {"name": "trip", "source": {"path": "d"}, "model": {"trees": {"depth": 10_000_000}}})
    changed = TEXT.replace("trips", "trip").replace("data.csv", "d").replace("depth: 4", "depth: 10000000")
    assert path.read_text() == changed


def test_a_list_in_brackets_stays_in_them(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("accepted: [] # periods\n\nsplit: 1\n")
    edit_yaml(path, {"accepted": ["2026-10", "2026-11"]})
    assert path.read_text() == "accepted: [2026-10, 2026-11] # periods\n\nsplit: 1\n"
