"""How far reviewers agree."""

from __future__ import annotations

import math

import pytest
from modelyard.training.review.agreement import agreements
from modelyard.training.review.corrections import ReviewedLine, ReviewedRow


def rows(*labels: tuple) -> list[ReviewedRow]:
    """Rows that Ada and Ben gave these labels to; None is not reviewed."""
    found = []
    for place, pair in enumerate(labels):
        lines = tuple(
            ReviewedLine("f, line 1", (str(place),), "all", True, label, name, "x")
            for name, label in zip(("Ada", "Ben"), pair, strict=True)
            if label is not None
        )
        found.append(ReviewedRow((str(place),), "all", True, lines[0].label, lines))
    return found


def test_agreement_is_stated_over_the_rows_of_both_and_beyond_chance():
    # both say yes to 20 and no to 15, and differ on 5 and on 10: 0.7 agree, 0.5 would by chance
    labels = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15 + [(True, None)]
    (found,) = agreements(rows(*labels), is_number=False)
    assert (found.reviewers, found.rows, found.share) == (("Ada", "Ben"), 50, 0.7)
    assert found.kappa == pytest.approx(0.4)


def test_where_kappa_is_undefined_the_share_is_stated_alone():
    (alike,) = agreements(rows((True, True), (True, True)), is_number=False)
    (numbers,) = agreements(rows((1.0, 1.0), (1.0, 2.5)), is_number=True)
    assert (alike.share, math.isnan(alike.kappa)) == (1.0, True)
    assert (numbers.share, math.isnan(numbers.kappa)) == (0.5, True)


def test_reviewers_without_a_row_in_common_are_not_compared():
    assert agreements(rows((True, None), (True, None)), is_number=False) == []
