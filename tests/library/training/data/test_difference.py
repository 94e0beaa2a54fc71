from __future__ import annotations

import pytest
from modelyard.errors import ContractError
from modelyard.training.data.difference import Answers, SourceDifference, Taken, decide, questioned
from modelyard.training.data.ledger import LedgerEntry, Seen

JANUARY, FEBRUARY = LedgerEntry(3, "a"), LedgerEntry(2, "b")
TAKEN = Taken({"2013-01": JANUARY, "2013-02": FEBRUARY}, {"2013-01": "a", "2013-02": "b"})
MEMORY = {"first.csv": Seen("1", {"2013-01": "a"}), "second.csv": Seen("2", {"2013-02": "b"})}


def intake(now, taken=TAKEN, **answers):
    given = Answers(**{name: frozenset(periods) for name, periods in answers.items()})
    return decide(SourceDifference(taken, now), given, "2013-03")


def test_a_source_as_remembered_leaves_no_question():
    assert questioned(TAKEN, MEMORY, MEMORY) == set()


@pytest.mark.parametrize(
    ("now", "periods"),
    [
        ({"first.csv": Seen("3", {"2013-01": "c"})}, {"2013-01"}),
        ({"first.csv": Seen("3", {"2013-01": "a", "2013-02": "c"})}, {"2013-02"}),
        ({"third.csv": Seen("3", {"2013-03": "c"})}, {"2013-03"}),
        ({"third.csv": Seen("3", {"2013-03": ""})}, {"2013-03"}),
        ({"first.csv": Seen("3", {})}, {"2013-01"}),
    ],
)
def test_a_period_of_a_changed_or_new_object_is_questioned(now, periods):
    assert questioned(TAKEN, MEMORY, MEMORY | now) == periods


def test_a_period_of_an_object_that_is_gone_is_questioned():
    assert questioned(TAKEN, MEMORY, {"first.csv": MEMORY["first.csv"]}) == {"2013-02"}


def test_a_period_whose_rows_are_not_on_this_machine_is_questioned():
    absent = Taken(TAKEN.entries, {"2013-01": None, "2013-02": "b"})
    assert absent.absent == {"2013-01"}
    assert questioned(absent, MEMORY, MEMORY) == {"2013-01"}


def test_without_a_memory_every_period_is_questioned():
    assert questioned(TAKEN, {}, {}) == {"2013-01", "2013-02"}


def test_a_new_period_is_written_and_an_old_one_is_not():
    march = LedgerEntry(5, "c")
    made = intake({"2013-02": FEBRUARY, "2013-03": march})
    assert made.written == ["2013-03"]
    assert made.entries == {**TAKEN.entries, "2013-03": march}
    assert (made.accepted, made.refused) == (set(), set())


def test_a_change_that_is_not_answered_is_told_with_what_to_type():
    with pytest.raises(ContractError) as refused:
        intake({"2013-01": LedgerEntry(4, "c"), "2013-02": LedgerEntry(2, "d")})
    assert str(refused.value).splitlines() == [
        "the source changed in periods that were taken before, so nothing was taken:",
        "  2013-01: 3 rows were taken; now 4 rows",
        "  2013-02: 2 rows were taken; now 2 with other values",
        "Take the change with `make ingest ARGS='--accept 2013-01 --accept 2013-02'`, "
        "or refuse it with `make ingest ARGS='--keep 2013-01 --keep 2013-02'`.",
    ]


def test_an_accepted_change_is_written_and_a_refused_one_is_not():
    changed = LedgerEntry(4, "c")
    made = intake({"2013-01": changed, "2013-02": changed}, accept=["2013-01"], keep=["all"])
    assert made.written == ["2013-01"]
    assert made.entries == {"2013-01": changed, "2013-02": FEBRUARY}
    assert (made.accepted, made.refused) == ({"2013-01"}, {"2013-02"})


def test_a_period_that_is_gone_from_the_source_leaves_when_that_is_accepted():
    made = intake({"2013-01": LedgerEntry(0, "")}, accept=["all"])
    assert (made.entries, made.written) == ({"2013-02": FEBRUARY}, [])


def test_a_period_that_is_not_here_is_written_anew_where_the_source_has_it_as_it_was():
    absent = Taken(TAKEN.entries, {"2013-01": None, "2013-02": "b"})
    assert intake({"2013-01": JANUARY}, absent).written == ["2013-01"]


def test_a_period_that_is_not_here_cannot_be_kept():
    absent = Taken(TAKEN.entries, {"2013-01": None, "2013-02": "b"})
    with pytest.raises(
        ContractError, match="2013-01 cannot be kept: it is not on this machine; get it with `make pull`"
    ):
        intake({"2013-01": LedgerEntry(4, "c")}, absent, keep=["2013-01"])


def test_a_source_without_rows_is_told_with_the_watermark():
    with pytest.raises(ContractError, match="the source has no rows up to the watermark 2013-03"):
        intake({}, Taken({}, {}))
