"""The log files of a store as Parquet: every line once, by day, and the same files give the same bytes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from library.awkward import awkward_table
from library.production.logged import PLAIN, ROW, line_text, ship_lines, table, with_columns
from modelyard.errors import ContractError, YardError
from modelyard.production.compact import compact
from modelyard.production.ledger import read_ledger
from modelyard.production.predictions import newest
from modelyard.production.store import Store, StoreError
from modelyard.runtime.contract import Column, Contract


def days(store: Store) -> dict[str, bytes]:
    """The content of the days."""
    return {day: store.read(name) for day, name in newest(store).items()}


def test_each_line_is_a_row_with_the_types_of_the_contract(store: Store) -> None:
    rows = [ROW, {**ROW, "amount": None, "years": -4.0}, {"years": 2**53 - 1, "member": False, "asked": ROW["asked"]}]
    ship_lines(store, line_text(rows))
    compact(store, PLAIN)
    fixed = "request, row, time, model, bundle, variant, answered_by, latency_ms, shadow, caller, decision, score"
    moment = datetime(2024, 2, 3, 10)
    assert table(store, fixed + ', "id.loan"') == [
        ("r1", row, moment, "loans", "0123456789ab", "stable", "model", 1.5, False, None, "true", row / 8, None)
        for row in range(3)
    ]
    asked = datetime(2024, 2, 3, 4, 5, 6)
    assert table(store, '"input.amount", "input.years", "input.kind", "input.member", "input.asked"') == [
        (12.5, 3, "car", True, asked),
        (None, -4, "car", True, asked),
        (None, 2**53 - 1, None, False, asked),
    ]


def test_the_scores_of_several_classes_are_a_column_each(store: Store) -> None:
    contract = with_columns(repaid=Column("string", "target", "How it ended", values=["paid", "late", "never"]))
    ship_lines(store, line_text([ROW, ROW], contract, scores=[[0.25, 0.5, 0.25], [1, 0, 0]]))
    compact(store, contract)
    assert table(store, '"score.0", "score.1", "score.2"') == [(0.25, 0.5, 0.25), (1.0, 0.0, 0.0)]


def test_names_that_mean_something_to_sql_or_json_are_kept(store: Store) -> None:
    names = [*awkward_table().column_names, "a/b~c", "it's", "day", "file"]
    columns = {name: Column("number", "feature", "x") for name in dict.fromkeys(names)}
    contract = Contract("loans", "x", "x", {**columns, "y": Column("number", "target", "x")})
    older = Contract(
        "loans", "x", "x", {**columns, "gone/it's": Column("number", "feature", "x"), "y": contract.columns["y"]}
    )
    row = {name: float(place) for place, name in enumerate(columns)}
    for number, (one, asked) in enumerate(((contract, row), (older, {**row, "gone/it's": 7.0}))):
        ship_lines(store, line_text([asked], one, f"r{number}"), number)
    compact(store, contract)
    (first, second) = table(store, "columns('input.*')")
    assert first == (*row.values(), None)
    assert second == (*row.values(), "7.0")


def test_rows_lie_in_the_day_of_their_prediction_in_utc(store: Store) -> None:
    ends = ["2024-02-03T23:59:59.999999", "2024-02-04T00:00:00"]
    ship_lines(store, b"".join(line_text([ROW], request=f"r{place}", time=end) for place, end in enumerate(ends)))
    ledger = compact(store, PLAIN)
    assert list(newest(store)) == ["2024-02-03", "2024-02-04"]
    assert ledger.totals() == {"lines": 2, "torn": 0, "duplicates": 0, "days": 2}


def test_the_same_files_give_the_same_bytes_however_they_come(tmp_path: Path) -> None:
    texts = [
        b"".join(
            line_text([ROW] * 50, request=f"{file}-{one}", time=f"2024-02-0{3 + one % 2}T10:00:0{file}")
            for one in range(6)
        )
        for file in range(3)
    ]
    found = []
    for order, memory in (((0, 1, 2), "1GiB"), ((2, 0, 1), "300MB")):
        store = Store(str(tmp_path / memory))
        for number in order:
            ship_lines(store, texts[number], number)
            if memory != "1GiB":
                compact(store, PLAIN, memory=memory)
        compact(store, PLAIN, memory=memory)
        found.append(days(store))
        assert len(store.names("predictions")) == 2  # what was before is gone
    assert found[0] == found[1]
    assert len(table(store)) == 900


def test_a_late_file_makes_its_day_again_and_no_other(store: Store) -> None:
    for number, day in enumerate(("03", "04"), 1):
        ship_lines(store, line_text([ROW], request=f"r{number}", time=f"2024-02-{day}T10:00:00"), number)
    compact(store, PLAIN)
    before = newest(store)
    ship_lines(store, line_text([ROW], request="late", time="2024-02-03T09:00:00"), 3)
    compact(store, PLAIN)
    after = newest(store)
    assert table(store) == [("late", 0), ("r1", 0), ("r2", 0)]
    assert before["2024-02-04"] == after["2024-02-04"]
    assert "/000002-" in after["2024-02-03"]
    compact(store, PLAIN)
    assert newest(store) == after


def test_lines_that_are_torn_are_counted_by_file_and_no_rows(store: Store, said: list[str]) -> None:
    good = line_text([ROW] * 100)
    cut = ship_lines(store, good, 1)
    store.write(cut, store.read(cut)[:-40])
    half = ship_lines(
        store, line_text([ROW], request="r2") + good[:70] + b"\n[1]\nno json\n\xff\n{}\n" + good[:30], 2, count=1
    )
    ship_lines(store, line_text([ROW], request="r3"), 3)
    empty = ship_lines(store, b"", 4, count=7)
    ledger = compact(store, PLAIN, said.append)
    whole = len(table(store, where="request = 'r1'"))
    assert 0 < whole < 100
    assert [row for row in table(store) if row[0] != "r1"] == [("r2", 0), ("r3", 0)]
    assert table(store, where="request IS NULL OR time IS NULL") == []
    assert f"{cut}: {100 - whole} of 100 lines are torn, and left out" in said
    assert f"{half}: 6 of 7 lines are torn, and left out" in said
    assert f"{empty}: 7 of 7 lines are torn, and left out" in said
    assert ledger.totals() == {"lines": 115, "torn": 113 - whole, "duplicates": 0, "days": 1}
    assert read_ledger(store) == ledger


def test_a_line_is_kept_once_however_often_it_was_shipped(store: Store, said: list[str]) -> None:
    text = line_text([ROW, ROW])
    later = line_text([{**ROW, "years": 9}, ROW], time="2024-02-03T11:00:00")
    shadow = text.replace(b'"decision"', b'"shadow":true,"decision"')
    for number, one in enumerate((text, text + later, shadow, text.replace(b"0123456789ab", b"ba9876543210"))):
        ship_lines(store, one, number)
    assert compact(store, PLAIN, said.append).totals()["duplicates"] == 4
    found = table(store, 'row, shadow, bundle, hour(time), "input.years"')
    assert sorted(found) == sorted(
        [(row, shadow, "0123456789ab", 10, 3) for row in (0, 1) for shadow in (False, True)]
        + [(row, False, "ba9876543210", 10, 3) for row in (0, 1)]
    )
    assert "4 duplicates were left out" in said


@pytest.mark.parametrize("step", range(6))
def test_a_run_that_is_killed_loses_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    texts = [
        line_text([ROW], request=f"r{day}-{at}", time=f"2024-02-0{day}T1{at}:00:00") for at in (0, 1) for day in (3, 4)
    ]
    whole, store = Store(str(tmp_path / "whole")), Store(str(tmp_path / "store"))
    for number, text in enumerate(texts):
        for one in (whole, store):
            ship_lines(one, text, number)
        if number == 1:
            compact(store, PLAIN)
    compact(whole, PLAIN)
    left = [step]
    for name in ("put", "write", "remove"):

        def act(self: Store, *given: object, real: object = getattr(Store, name)) -> None:
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
            real(self, *given)  # type: ignore[operator]

        monkeypatch.setattr(Store, name, act)
    try:
        compact(store, PLAIN)
    except KeyboardInterrupt:
        assert step < 5
    monkeypatch.undo()
    assert len(table(store)) in (2, 3, 4)
    ledger = compact(store, PLAIN)
    assert days(store) == days(whole)
    assert ledger.totals() == read_ledger(whole).totals()
    assert len(store.names("predictions")) == 2


def test_a_day_with_lines_of_several_contracts(store: Store, said: list[str]) -> None:
    older = with_columns(
        years=Column("number", "feature", "How long"),
        member=Column("string", "feature", "Of the club", values=["yes", "true"]),
        KIND=PLAIN.columns["kind"],
        kind=None,
        colour=Column("string", "feature", "Of the car", values=["red"]),
    )
    ship_lines(store, line_text([ROW], PLAIN, "new") + line_text([ROW], PLAIN, "new2"), 1)
    before = {"amount": 1, "years": 2.5, "member": "yes", "KIND": "house", "colour": "red", "asked": ROW["asked"]}
    ship_lines(store, line_text([before, {**before, "years": 4.0, "member": "true"}], older, "old"), 2)
    ship_lines(store, line_text([before], older, "next day", time="2024-02-04T10:00:00"), 3)
    ship_lines(store, line_text([ROW], PLAIN, "day after", time="2024-02-05T10:00:00"), 4)
    compact(store, PLAIN, said.append)
    assert table(store, 'request, "input.years", "input.member", "input.kind", "input.colour"') == [
        ("new", 3, True, "car", None),
        ("new2", 3, True, "car", None),
        ("old", None, True, "house", "red"),
        ("old", 4, True, "house", "red"),
        ("next day", None, True, "house", "red"),
        ("day after", 3, True, "car", None),
    ]
    assert "input.years: 2 values do not fit the contract's type, and are missing" in said
    assert b"input.colour" not in days(store)["2024-02-05"]


def test_personal_data_is_masked_also_where_it_was_none_yet(store: Store, said: list[str]) -> None:
    private = {
        name: Column(PLAIN.columns[name].type, "feature", "x", pii=True, purpose="y", missing=True)
        for name in ("years",)
    }
    private["kind"] = Column("string", "feature", "x", values=["car", "house"], pii=True, purpose="y", missing=True)
    contract = with_columns(**private)
    ship_lines(store, line_text([ROW], contract, "masked") + line_text([{**ROW, "kind": None}], PLAIN, "plain"), 1)
    ship_lines(store, line_text([ROW], PLAIN, "plain2"), 2)
    compact(store, contract, said.append)
    assert table(store, 'request, "input.kind", "input.years"') == [
        ("masked", "<masked>", None),
        ("plain", None, None),
        ("plain2", "<masked>", None),
    ]
    assert not any("fit" in line for line in said)


def test_timestamps_are_read_as_the_service_reads_them(store: Store) -> None:
    contract = with_columns(
        asked=Column("timestamp", "time", "x", timezone="America/New_York"),
        born=Column("timestamp", "feature", "x", format="%d.%m.%Y %H:%M"),
    )
    texts = [("2024-07-01T12:00:00Z", "01.02.1970 03:04"), ("2024-07-01T12:00:00.25", "1970-02-01")]
    texts += [("2024-01-01 12:00:00+01:00", "1970-02-01T00:00:01")]
    ship_lines(store, line_text([{**ROW, "asked": asked, "born": born} for asked, born in texts], contract))
    compact(store, contract)
    assert table(store, '"input.asked", "input.born"') == [
        (datetime(2024, 7, 1, 8), datetime(1970, 2, 1, 3, 4)),
        (datetime(2024, 7, 1, 12, 0, 0, 250_000), datetime(1970, 2, 1)),
        (datetime(2024, 1, 1, 6), datetime(1970, 2, 1, 0, 0, 1)),
    ]


def test_rows_of_log_files_that_someone_removed_stay(store: Store) -> None:
    gone = ship_lines(store, line_text([ROW], request="gone"), 1)
    compact(store, PLAIN)
    store.remove(gone)
    ship_lines(store, line_text([ROW], request="late"), 2)
    assert compact(store, PLAIN).totals()["duplicates"] == 0
    assert sorted(table(store)) == [("gone", 0), ("late", 0)]


def test_names_that_differ_in_capitals_only_are_refused(store: Store) -> None:
    ship_lines(store, line_text([ROW]))
    with pytest.raises(ContractError, match=r"'years' and 'Years' differ in capitals only.*rename"):
        compact(store, with_columns(Years=Column("integer", "feature", "x")))
    assert newest(store) == {}


def test_too_little_memory_is_said(store: Store) -> None:
    ship_lines(store, line_text([ROW]))
    with pytest.raises(YardError, match="give more with --memory"):
        compact(store, PLAIN, memory="40MB")


def test_a_ledger_of_another_version_is_refused(store: Store) -> None:
    store.write("ledger.json", b'{"format": 99}')
    with pytest.raises(StoreError, match="another version of the library"):
        compact(store, PLAIN)
