from __future__ import annotations

import pytest
from modelyard.reporting.sections.standing import difference, sign, standing


def found(low: float | None, high: float | None, higher: bool = False) -> dict:
    middle = None if low is None or high is None else (low + high) / 2
    return {"difference": middle, "low": low, "high": high, "higher_is_better": higher}


@pytest.mark.parametrize(
    ("low", "high", "higher", "word"),
    [
        (0.1, 0.2, False, "worse"),
        (0.1, 0.2, True, "better"),
        (-0.2, -0.1, False, "better"),
        (-0.2, -0.1, True, "worse"),
        (-0.1, 0.2, False, "same"),
        (0.0, 0.2, False, "same"),
        (-0.2, 0.0, False, "same"),
        (0.0, 0.0, True, "same"),
        (None, None, True, None),
    ],
)
def test_only_an_interval_without_zero_is_better_or_worse(low, high, higher, word):
    assert standing(found(low, high, higher)) == word


def test_the_standing_is_seen_at_a_glance():
    intervals = [(0.1, 0.2), (-0.2, -0.1), (-0.1, 0.2), (None, None)]
    assert [sign(found(*ends)) for ends in intervals] == ["🔴 worse", "🟢 better", "⚪ same", "-"]


def test_a_difference_has_its_interval():
    assert difference(found(0.25, 0.75)) == "+0.5000 (+0.2500 to +0.7500)"
    assert difference(found(None, None)) == "-"
