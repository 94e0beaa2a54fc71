from __future__ import annotations

import pytest
from modelyard.training.data.ledger import LedgerEntry, Seen, read_ledger, read_seen, write_ledger, write_seen

ENTRIES = {"2013-02": LedgerEntry(2, "b"), "2013-01": LedgerEntry(1, "a")}
OBJECTS = {"b.csv": Seen("f", {"2013-02": "b", "2013-03": ""}), "a.csv": Seen("e")}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "kept.json"


def test_the_ledger_is_read_back_in_the_order_of_periods(path):
    write_ledger("here", ENTRIES, path)
    assert list(read_ledger(path, "here").items()) == sorted(ENTRIES.items())


def test_the_same_periods_give_the_same_bytes(path):
    write_ledger("here", ENTRIES, path)
    first = path.read_bytes()
    write_ledger("here", dict(sorted(ENTRIES.items())), path)
    assert path.read_bytes() == first


def test_another_source_has_taken_nothing(path):
    write_ledger("here", ENTRIES, path)
    assert read_ledger(path, "there") == {}


def test_who_does_not_ask_for_a_source_gets_what_was_taken(path):
    write_ledger("here", ENTRIES, path)
    assert read_ledger(path) == ENTRIES


def test_without_a_file_nothing_was_taken_or_seen(path):
    assert read_ledger(path) == {}
    assert read_seen("rules", path) == {}


def test_what_was_seen_is_read_back_under_the_same_rules(path):
    write_seen("rules", OBJECTS, path)
    assert read_seen("rules", path) == OBJECTS


def test_what_was_seen_under_other_rules_counts_for_nothing(path):
    write_seen("rules", OBJECTS, path)
    assert read_seen("other rules", path) == {}


def test_nothing_is_left_beside_the_file(path):
    write_ledger("here", ENTRIES, path)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
