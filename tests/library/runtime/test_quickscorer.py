from __future__ import annotations

import numpy as np
import pytest
from modelyard.runtime import quickscorer
from modelyard.runtime.quickscorer import QuickScorer

NAN, INFINITE = np.nan, np.inf


@pytest.fixture
def scorer():
    """Two trees: x <= 1 ? 10 : (y in {3, 5} ? 20 : 40), and x <= 2 or missing ? 100 : 200."""
    x = [[0b111, 0b01], [0b110, 0b01], [0b110, 0b10], [0b110, 0b01]]  # up to 1, up to 2, above, missing
    y = [[0b111, 0b11], [0b111, 0b11], [0b101, 0b11]]  # 3, 5, any other
    return QuickScorer(
        masks=np.array([*x, *y], dtype=np.uint32),
        edges=np.array([1.0, 2.0, 3.0, 5.0]),
        counts=np.array([2, 2]),
        features=np.array([2, 0]),
        categories=np.array([False, True]),
        leaves=np.array([[10.0, 20.0, 40.0], [100.0, 200.0, 0.0]]),
        targets=np.array(1),
        link=np.frombuffer(b"a model", dtype=np.uint8),
    )


def sums(scorer, *rows):
    """For rows of x and y; the column between them is in no tree."""
    return scorer.sums(np.array([[y, 7.0, x] for x, y in rows])).tolist()


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (1, 3, 110),
        (-INFINITE, NAN, 110),
        (np.nextafter(1, 2), 3, 120),
        (2, 5, 120),
        (2, 4, 140),
        (2, NAN, 140),
        (np.nextafter(2, 3), 5, 220),
        (INFINITE, INFINITE, 240),
        (NAN, 3, 120),
        (NAN, NAN, 140),
        (2, 3.5, 140),
        (2, -1, 140),
        (2, 1e30, 140),
    ],
)
def test_a_row_ends_where_the_trees_lead_it(scorer, x, y, expected):
    assert sums(scorer, (x, y)) == [[expected]]


def test_words_of_64_bits_answer_the_same(scorer):
    rows = [(x, y) for x in (0, 1, 1.5, 2, 3, NAN) for y in (2, 3, 4, 5, 6, NAN)]
    wide = QuickScorer(**(vars(scorer) | {"masks": scorer.masks.astype(np.uint64)}))
    assert sums(wide, *rows) == sums(scorer, *rows)


def test_trees_take_turns_at_the_sums(scorer):
    both = QuickScorer(**(vars(scorer) | {"targets": np.array(2)}))
    assert sums(both, (1, 3), (3, 4)) == [[10, 100], [40, 200]]


@pytest.mark.parametrize(("block", "part"), [(1, 1), (3, 4), (7, 100)])
def test_rows_are_answered_the_same_in_parts(scorer, block, part, monkeypatch):
    rows = [(x, y) for x in (0, 1, 1.5, 2, 3, NAN) for y in (2, 3, 4, 5, 6, NAN)]
    whole = sums(scorer, *rows)
    monkeypatch.setattr(quickscorer, "BLOCK", block)
    monkeypatch.setattr(quickscorer, "PART", part)
    assert sums(scorer, *rows) == whole


def test_it_comes_back_from_texts_as_it_was(scorer):
    texts = scorer.metadata() | {"author": "somebody"}
    again = QuickScorer.from_metadata(texts)
    for name, value in vars(scorer).items():
        np.testing.assert_array_equal(getattr(again, name), value)
        assert getattr(again, name).dtype == value.dtype


def test_where_a_part_is_not_written_there_is_none(scorer):
    texts = scorer.metadata()
    assert QuickScorer.from_metadata({}) is None
    for name in texts:
        assert QuickScorer.from_metadata({key: text for key, text in texts.items() if key != name}) is None


def test_what_would_have_to_be_unpickled_is_refused(scorer):
    texts = scorer.metadata()
    texts["quickscorer.edges"] = quickscorer.base64.b64encode(np.array([None]).dumps()).decode()
    with pytest.raises(ValueError, match="allow_pickle"):
        QuickScorer.from_metadata(texts)


def test_samples_hold_each_edge_and_a_missing_value_of_each_feature_in_all_combinations(scorer):
    table = scorer.samples(width=3)
    assert table.shape == (quickscorer.SAMPLES, 3)
    assert not table[:, 1].any()  # in no tree
    found = {(x, y) for y, _, x in np.nan_to_num(table, nan=-1.0).tolist()}
    assert found == {(x, y) for x in (1, 2, -1) for y in (3, 5, -1)}
