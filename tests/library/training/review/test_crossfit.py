"""Out-of-fold answers: no row is answered by a model that has learned from it or from its group."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from library.reviewed import MONTH_ROWS, MONTHS, drafted
from modelyard.errors import ContractError
from modelyard.training.data.matrices import Matrix, matrix_of
from modelyard.training.edit import edit_yaml
from modelyard.training.fit import features_of
from modelyard.training.review.crossfit import groups_of, out_of_fold, periods_of, read_labelled

from flight_delays import project as flights_project


@pytest.fixture(scope="module")
def project():
    return dataclasses.replace(flights_project, features=drafted)


def held(shop, project, last: int | None = None) -> tuple[Matrix, object]:
    rows = read_labelled(shop.root, shop.contract, shop.params, last)
    return matrix_of(rows, features_of(project, shop.contract)(rows.columns)), rows


def test_all_labelled_rows_are_answered_the_same_each_time_and_well(shop, project):
    rows, _ = held(shop, project)
    answers = out_of_fold(project, rows, None, shop.contract, shop.params, 3)
    assert np.array_equal(answers, out_of_fold(project, rows, None, shop.contract, shop.params, 3))
    assert len(answers) == MONTH_ROWS * len(MONTHS)
    if shop.kind == "regression":
        assert np.abs(answers - rows.target).mean() < rows.target.std() / 2
    else:
        assert np.allclose(answers.sum(axis=1), 1)
        assert (answers.argmax(axis=1) == rows.target).mean() > 0.8


def test_a_row_is_not_answered_by_what_learned_from_it(binary, project):
    """A feature that names the row gives its label away to a model that has seen it, and to no other."""
    rows, _ = held(binary, project)
    random = np.random.default_rng(1)
    noise = dataclasses.replace(
        rows, table=np.arange(600.0)[:, None], features=["n"], categories=[], target=random.integers(0, 2, 600)
    )
    answers = out_of_fold(project, noise, None, binary.contract, binary.params)
    assert 0.4 < (answers.argmax(axis=1) == noise.target).mean() < 0.6


def test_the_rows_of_a_group_are_in_one_fold(own, project):
    """Each group has a label of its own, which only its other rows tell."""
    shop = own("multiclass")
    rows, _ = held(shop, project)
    groups = np.repeat(np.arange(60), 10)
    random = np.random.default_rng(2)
    alike = dataclasses.replace(
        rows,
        table=random.permutation(60)[groups].astype(float)[:, None],
        features=["n"],
        categories=[],
        target=random.integers(0, 3, 60)[groups],
    )

    def share(by) -> float:
        answers = out_of_fold(project, alike, by, shop.contract, shop.params)
        return float((answers.argmax(axis=1) == alike.target).mean())

    assert share(None) > 0.9
    assert share(groups) < 0.6


def test_the_group_is_that_of_the_contract(own):
    shop = own("multiclass")
    edit_yaml(shop.root / "contract.yaml", {"columns": {"colour": {"role": "group"}}, "slices": []})
    rows = read_labelled(shop.root, shop.contract, shop.params)
    assert len(np.unique(groups_of(rows, shop.contract))) == 3


def test_the_last_periods_only(binary, project):
    _, rows = held(binary, project, last=1)
    assert set(periods_of(rows, binary.contract, binary.params)) == {MONTHS[-1]}


def test_too_few_rows_or_groups_are_refused(binary, project):
    rows, _ = held(binary, project)
    with pytest.raises(ContractError, match="600 rows cannot be divided into 601 folds"):
        out_of_fold(project, rows, None, binary.contract, binary.params, 601)


def test_a_class_that_a_fold_would_not_have_seen_is_named(own, project):
    shop = own("multiclass")
    rows, _ = held(shop, project)
    rare = dataclasses.replace(rows, target=np.where(np.arange(600) == 5, 2, np.arange(600) % 2))
    with pytest.raises(ContractError, match="grade = 'c' has 1 row, and one of 5 folds"):
        out_of_fold(project, rare, None, shop.contract, shop.params)


def test_more_rows_than_memory_allows_are_refused_before_they_are_read(binary):
    edit_yaml(binary.root / "params.yaml", {"memory_gb": 0.1})
    with pytest.raises(ContractError, match="review the last periods"):
        read_labelled(binary.root, binary.contract, binary.params)
