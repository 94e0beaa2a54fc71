"""Reviews as they are read: each fault with file, line and column, and each row as its reviewers decided it."""

from __future__ import annotations

import re

import pytest
from library.reviewed import HEAD
from modelyard.errors import ContractError
from modelyard.training.edit import edit_yaml
from modelyard.training.review.corrections import read_reviews


def decided(shop) -> dict[str, tuple[object, object]]:
    """The given and the decided label of each reviewed row."""
    return {row.key[0]: (row.given, row.label) for row in read_reviews(shop.root, shop.contract).rows}


def fault(shop) -> str:
    with pytest.raises(ContractError) as error:
        read_reviews(shop.root, shop.contract)
    return str(error.value)


def test_without_the_folder_there_are_no_reviews(binary):
    found = read_reviews(binary.root, binary.contract)
    assert (found.rows, found.open_lines) == ([], 0)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (["o-0001", "2024-01", "true", "maybe", "Ada", "x"], "label: 'maybe' is not allowed: write one of false, true"),
        (["o-0001", "2024-01", "perhaps", "true", "Ada", "x"], "given: 'perhaps' is not allowed"),
        (["o-0001", "2024-01", "true", "false", "", "x"], "reviewer: it is empty; say who decided"),
        (["o-0001", "2024-01", "true", "false", "Ada", ""], "reason: it is empty; say why"),
        (["o-0001", "2024-01", "true", "", "Ada", "x"], "label: it is empty, and the row has a reviewer or a reason"),
        (["", "2024-01", "true", "false", "Ada", "x"], "order: the id is empty"),
        (["o-0001", "", "true", "false", "Ada", "x"], "period: it is empty"),
    ],
)
def test_a_faulty_cell_is_named_by_file_line_and_column(binary, line, told):
    binary.review(["o-0000", "2024-01", "true", "keep", "Ada", "x"], line, head=list(HEAD))
    assert f"corrections/review-1.csv, line 3, {told}" in fault(binary)


def test_all_faults_are_told_at_once_and_many_are_counted(binary):
    binary.review(*(["o-1", "2024-01", "true", "no", f"R{place}", ""] for place in range(15)), head=list(HEAD))
    told = fault(binary)
    assert told.count("review-1.csv, line") == 20
    assert told.endswith("and 10 more")


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("heavy", "'heavy' is no number"),
        ("1e400", "'1e400' is no number"),
        ("-1000", "-1000 is below 0, the minimum in contract.yaml"),
        ("1000", "1000 is above 100, the maximum in contract.yaml"),
    ],
)
def test_a_number_keeps_the_limits_of_the_contract(own, label, told):
    shop = own("regression")
    edit_yaml(shop.root / "contract.yaml", {"columns": {"weight": {"minimum": 0, "maximum": 100}}})
    shop.review(["o-0000", "2024-01", "50.0", label, "Ada", "x"], head=list(HEAD))
    assert f"corrections/review-1.csv, line 2, label: {told}" in fault(shop)


def test_a_class_that_is_called_keep_is_a_class(own):
    shop = own("multiclass")
    edit_yaml(shop.root / "contract.yaml", {"columns": {"grade": {"values": ["a", "b", "c", "keep"]}}})
    shop.review(("o-0000", "a", "keep"))
    assert decided(shop) == {"o-0000": ("a", "keep")}


def test_two_reviewers_of_one_row_may_agree(binary):
    binary.review(("o-0000", "true", "false", "Ada"), ("o-0000", "true", "false", "Ben"))
    assert decided(binary) == {"o-0000": (True, False)}


def test_a_row_that_its_reviewers_disagree_about_is_refused_until_one_more_decides(binary):
    binary.review(("o-0000", "true", "false", "Ada"))
    binary.review(("o-0000", "true", "keep", "Ben"), name="review-2.csv")
    told = fault(binary)
    assert "corrections/review-1.csv, line 2, label: the reviewers of the row order 'o-0000' disagree" in told
    assert "Ada says false in corrections/review-1.csv, line 2" in told
    assert "Ben says true in corrections/review-2.csv, line 2" in told
    binary.review(("o-0000", "true", "false", "Cem"), name="review-3.csv")
    assert decided(binary) == {"o-0000": (True, False)}


def test_one_reviewer_decides_about_a_row_once(binary):
    binary.review(("o-0000", "true", "false", "Ada"))
    binary.review(("o-0000", "true", "false", "ada"), name="review-2.csv")
    assert (
        "review-2.csv, line 2, reviewer: ada has reviewed the row order 'o-0000' in corrections/review-1.csv, line 2"
        in (fault(binary))
    )


def test_the_lines_of_a_row_must_say_the_same_of_what_was_there(binary):
    binary.review(("o-0000", "true", "false", "Ada"), ("o-0000", "false", "keep", "Ben"))
    assert re.search(r"line 3, given: False of the row order 'o-0000', and True in .*line 2", fault(binary))


def test_rows_without_an_id_cannot_be_corrected(binary):
    binary.review(("o-0000", "true", "false"))
    edit_yaml(binary.root / "contract.yaml", {"columns": {"order": {"role": "unused"}}})
    assert "contract.yaml has no column with role id" in fault(binary)


def test_the_hash_is_of_what_is_corrected_and_not_of_who_or_why(binary):
    def sha256() -> str | None:
        return read_reviews(binary.root, binary.contract).sha256("2024-01")

    binary.review(("o-0000", "true", "keep"))
    assert sha256() is None
    binary.review(("o-0000", "true", "false", "Ada"), ("o-0001", "true", "false", "Ada"))
    before = sha256()
    binary.review(
        ("o-0001", "true", "false", "Ben", "seen"), ("o-0000", "true", "false", "Ben"), ("o-9", "true", "keep")
    )
    assert sha256() == before
    binary.review(("o-0000", "true", "false", "Ada"), ("o-0001", "false", "true", "Ada"))
    assert sha256() != before
