"""Corrections as ingest applies them: to the rows that the source has, and to no others."""

from __future__ import annotations

import re

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from library.reviewed import MONTHS
from modelyard.errors import ContractError
from modelyard.production.forget import forget_in_corrections, forget_in_files
from modelyard.proving.resolve import merge_ledgers
from modelyard.training.layout import LEDGER, PERIODS

OTHER = {"binary": ("true", True), "regression": ("12.5", 12.5), "multiclass": ("c", "c")}
WRITTEN = {True: "true", False: "false"}


def text(label) -> str:
    return WRITTEN[label] if isinstance(label, bool) else str(label)


def first_to_change(shop) -> tuple[str, object]:
    """An order with another label than the corrected one, and its label."""
    return next((order, label) for order, label in shop.labels().items() if label != OTHER[shop.kind][1])


def kept(shop) -> dict[str, bytes]:
    """The data, without this machine's memory of the source."""
    found = [path for path in (shop.root / "data").rglob("*") if path.is_file() and path.name != ".seen.json"]
    return {path.name: path.read_bytes() for path in found}


def test_a_corrected_label_takes_the_place_of_the_sources_and_the_ledger_says_so(shop):
    before, entries = shop.labels(), shop.ledger()
    order, given = first_to_change(shop)
    said, label = OTHER[shop.kind]
    shop.review((order, text(given), said))
    lines = shop.take()
    assert shop.labels() == {**before, order: label}
    period = shop.period(order)
    told = shop.ledger()[period]
    assert told["sha256"] != entries[period]["sha256"]
    assert (told["corrected"]["labels"], told["corrected"]["source"]) == (1, entries[period]["sha256"])
    assert {name: entry for name, entry in shop.ledger().items() if name != period} == {
        name: entry for name, entry in entries.items() if name != period
    }
    assert "corrections/: 1 row reviewed, 1 label corrected in 1 period" in lines


def test_a_label_that_is_kept_or_not_reviewed_yet_changes_nothing(shop):
    before = kept(shop)
    (order, given), (other, _) = list(shop.labels().items())[:2]
    shop.review((order, text(given), "keep"), (other, "", "", "", ""))
    lines = shop.take()
    assert kept(shop) == before
    assert "corrections/: 1 row reviewed, 0 labels corrected in 0 periods; 1 line not reviewed yet" in lines


def test_a_correction_that_is_taken_back_gives_the_sources_label_back(shop):
    before = kept(shop)
    order, given = first_to_change(shop)
    path = shop.review((order, text(given), OTHER[shop.kind][0]))
    shop.take()
    path.unlink()
    shop.take()
    assert shop.labels()[order] == given
    assert (shop.root / LEDGER).read_bytes() == before["ledger.json"]


def test_the_same_corrections_are_not_applied_twice_and_a_fresh_clone_makes_the_same(binary):
    order, given = first_to_change(binary)
    binary.review((order, text(given), "true"))
    binary.take()
    before, ledger = binary.labels(), (binary.root / LEDGER).read_bytes()
    stamps = {path: path.stat().st_mtime_ns for path in (binary.root / PERIODS).iterdir()}
    binary.take()
    assert {path: path.stat().st_mtime_ns for path in (binary.root / PERIODS).iterdir()} == stamps
    for path in [*(binary.root / PERIODS).iterdir(), binary.root / "data/.seen.json"]:
        path.unlink()  # what Git does not have
    binary.take()
    assert (binary.labels(), (binary.root / LEDGER).read_bytes()) == (before, ledger)


def test_rows_of_another_branch_on_this_machine_are_not_taken_for_the_corrected_ones(binary):
    order, given = first_to_change(binary)
    original = {path: path.read_bytes() for path in (binary.root / PERIODS).iterdir()}
    binary.review((order, text(given), "true"))
    binary.take()
    ledger = (binary.root / LEDGER).read_bytes()
    for path, content in original.items():
        path.write_bytes(content)
    binary.take()
    assert binary.labels()[order] is True
    assert (binary.root / LEDGER).read_bytes() == ledger


def test_a_label_that_the_source_changed_since_the_review_is_refused_with_nothing_written(shop):
    order, given = first_to_change(shop)
    said, label = OTHER[shop.kind]
    shop.review((order, text(given), said))
    shop.relabel(order, label)
    before = kept(shop)
    with pytest.raises(ContractError) as error:
        shop.take(accept={"all"})
    assert "corrections/review-1.csv, line 2, given: the review was of" in str(error.value)
    assert f"the source has {text(label)} now" in str(error.value)
    assert kept(shop) == before


def test_a_row_that_is_not_there_is_named(shop):
    shop.review(("o-0000", text(shop.labels()["o-0000"]), "keep"), ("o-0599", text(shop.labels()["o-0599"]), "keep"))
    shop.take()
    gone = pc.not_equal(shop.source["order"], "o-0599")
    shop.write_source(shop.source.filter(gone))
    with pytest.raises(ContractError, match=re.escape("review-1.csv, line 3, order: there is no row order 'o-0599'")):
        shop.take(accept={"all"})


def test_a_period_that_was_not_taken_is_named(binary):
    path = binary.review(("o-0000", text(binary.labels()["o-0000"]), "keep"))
    path.write_text(path.read_text().replace(MONTHS[0], "2025-01"))
    told = "line 2, period: '2025-01' is none of the periods taken (2024-01 to 2024-03)"
    with pytest.raises(ContractError, match=re.escape(told)):
        binary.take()


def test_a_change_at_the_source_beside_a_correction_is_asked_about_and_can_be_taken(binary):
    order, given = first_to_change(binary)
    binary.review((order, text(given), "true"))
    binary.take()
    other = next(one for one in binary.labels() if binary.period(one) == binary.period(order) and one != order)
    binary.relabel(other, not binary.labels()[other])
    with pytest.raises(ContractError, match="the source changed in periods that were taken before"):
        binary.take()
    flipped = not binary.labels()[other]
    binary.take(accept={"all"})
    assert (binary.labels()[order], binary.labels()[other]) == (True, flipped)


def test_a_refused_change_keeps_the_corrected_rows_but_no_other_corrections(binary):
    order, given = first_to_change(binary)
    path = binary.review((order, text(given), "true"))
    binary.take()
    before = binary.labels()
    other = next(one for one in before if binary.period(one) == binary.period(order) and one != order)
    binary.relabel(other, not before[other])
    binary.take(keep={"all"})
    assert binary.labels() == before
    path.unlink()
    with pytest.raises(ContractError, match="cannot be kept, because its corrections of labels changed"):
        binary.take(keep={"all"})


def test_a_spreadsheet_may_have_rounded_the_given_number(own):
    shop, name = own("regression"), "weight"
    long = pc.add(shop.source[name], 1 / 3)
    shop.write_source(shop.source.set_column(shop.source.column_names.index(name), name, long))
    shop.take(accept={"all"})
    order, given = next(iter(shop.labels().items()))
    shop.review((order, f"{given:.9g}", "51"))
    shop.take()
    assert shop.labels()[order] == 51.0


def test_the_types_of_the_rows_stay_as_the_contract_has_them(shop):
    order, given = first_to_change(shop)
    before = pq.read_schema(shop.root / PERIODS / f"{shop.period(order)}.parquet")
    shop.review((order, text(given), OTHER[shop.kind][0]))
    shop.take()
    after = pq.read_schema(shop.root / PERIODS / f"{shop.period(order)}.parquet")
    assert before.equals(after)


def test_two_branches_that_corrected_labels_are_merged(binary):
    base = (binary.root / LEDGER).read_text()
    ones = [next(order for order, label in binary.labels().items() if not label and order >= first)
            for first in ("o-0000", "o-0001", "o-0200")]  # fmt: skip
    ours = binary.review((ones[0], "false", "true"), name="ours.csv")
    binary.take()
    here = (binary.root / LEDGER).read_text()
    content = ours.read_text()
    ours.unlink()
    binary.review(*((order, "false", "true", "Ben") for order in ones[1:]), name="theirs.csv")
    binary.take()
    there = (binary.root / LEDGER).read_text()
    ours.write_text(content)
    (binary.root / LEDGER).write_text(merge_ledgers(base, here, there))
    binary.take()
    assert [binary.labels()[order] for order in ones] == [True, True, True]
    assert [entry.get("corrected", {}).get("labels") for entry in binary.ledger().values()] == [2, 1, None]


def test_a_person_who_is_forgotten_leaves_the_corrections_and_then_the_data(binary):
    order, given = first_to_change(binary)
    binary.review((order, text(given), "true"))
    binary.take()
    assert forget_in_corrections(binary.root, {"order": [order]}) == {"lines of reviewed labels": 1}
    forget_in_files(binary.root, {"order": [order]})
    binary.write_source(binary.source.filter(pc.not_equal(binary.source["order"], order)))
    binary.take(accept={"all"})
    assert order not in binary.labels()
    assert not any("corrected" in entry for entry in binary.ledger().values())
