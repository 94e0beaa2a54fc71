"""Two at a time are processes of their own, which import scikit-learn and optuna: that takes the seconds."""

from __future__ import annotations

import dataclasses
import shutil
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from modelyard.errors import ContractError
from modelyard.training import halving
from modelyard.training.automl import automl, main
from modelyard.training.edit import round_trip
from modelyard.training.settings import read_params
from modelyard.training.trials import sample
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import RadiusNeighborsClassifier

from flight_delays.model import ESTIMATORS

TRIALS = 12
SMALL = {
    "gradient_boosting": {"learning_rate": 0.001, "max_iter": 5},
    "random_forest": {"n_estimators": 3},
    "linear": {"alpha": 1e6},
}


@pytest.fixture(scope="module")
def copied(made, tmp_path_factory) -> Callable:
    """Copies what ran, with small estimators, the one in use of which learns next to nothing."""

    def copy():
        root = tmp_path_factory.mktemp("automl") / "flights"
        shutil.copytree(made.root, root, ignore=shutil.ignore_patterns("source", "bundle", "model", "evaluation"))
        workspace = dataclasses.replace(made, root=root)
        workspace.edit(model=SMALL, tune={"batch": 2})
        return workspace

    return copy


def search(workspace, trials: int = TRIALS, jobs: int = 1):
    return automl(workspace.project, workspace.root, workspace.contract, workspace.params, trials, jobs)


@pytest.fixture(scope="module", autouse=True)
def _small_samples():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(halving, "LEAST_ROWS", 500)
        yield


@pytest.fixture(scope="module")
def searched(copied):
    """A workspace in which a search has ended, and what it found."""
    workspace = copied()
    return workspace, search(workspace)


def test_many_candidates_are_tried_on_few_rows_and_the_best_on_all(searched):
    found = searched[1]
    sizes = sorted({one.rows for one in found.ranked})
    assert sizes == [sizes[2] // 9, sizes[2] // 3, sizes[2]]
    chosen = found.present.candidate.estimator
    for name in ESTIMATORS:  # each has a third of the trials, and of these the best third goes on
        own = [one.rows for one in found.ranked if one.candidate.estimator == name and one != found.present]
        assert Counter(own) == {sizes[0]: 1 if name == chosen else 2, sizes[1]: 1, sizes[2]: 1}
    assert found.present.rows == sizes[2]
    values = [one.value for one in found.ranked if one.rows == sizes[2]]
    assert values == sorted(values)


def test_two_at_a_time_find_the_same_as_one(copied, searched):
    assert search(copied(), jobs=2) == searched[1]


def test_an_interrupted_search_measures_only_the_rest(copied, searched):
    workspace = copied()
    (kept,) = (searched[0].root / "tuning").iterdir()
    before = kept.read_text().splitlines()
    (workspace.root / "tuning").mkdir()
    (workspace.root / "tuning" / kept.name).write_text("\n".join([*before[:9], before[9][:-4]]))
    assert search(workspace) == searched[1]
    after = (workspace.root / "tuning" / kept.name).read_text().splitlines()
    assert [*after[:9], *after[10:]] == before


def test_more_trials_begin_with_the_same_ones(searched):
    workspace, found = searched
    proposed = {one.candidate.number: one.candidate for one in found.ranked}
    more = {one.candidate.number: one.candidate for one in search(workspace, TRIALS + 2).ranked}
    assert {number: more[number] for number in proposed} == proposed
    assert len(more) == TRIALS + 2


def test_a_number_is_predicted_too(made_regression, tmp_path):
    root = tmp_path / "flights"
    shutil.copytree(made_regression.root, root, ignore=shutil.ignore_patterns("source", "bundle", "model"))
    workspace = dataclasses.replace(made_regression, root=root)
    workspace.edit(model=SMALL)
    found = search(workspace, 5)
    assert found.ranked[0].value < found.present.value
    assert not found.failed
    assert not found.skipped


def test_the_best_is_written_and_a_table_of_all_is_printed(searched, monkeypatch, capsys):
    workspace, found = searched
    monkeypatch.chdir(workspace.root)
    before = (workspace.root / "params.yaml").read_text()
    main(["--trials", str(TRIALS)], workspace.project)
    best = found.ranked[0].candidate
    model = round_trip().load(workspace.root / "params.yaml")["model"]
    assert model["estimator"] == best.estimator
    assert dict(model[best.estimator]) == SMALL[best.estimator] | read_before(before, best.estimator) | best.settings
    printed = capsys.readouterr().out
    lines = [line for line in printed.splitlines() if line.startswith("| ")]
    assert len(lines) == 2 + TRIALS
    assert lines[2].startswith(f"| 1 | {best.estimator} | ")
    assert "params.yaml has the better model" in printed
    # now this is the one in use, and the next search cannot but find it again
    again = automl(workspace.project, workspace.root, workspace.contract, read_params(), 3, 1)
    assert again.present.value == found.ranked[0].value
    (workspace.root / "params.yaml").write_text(before)


def read_before(text: str, estimator: str) -> dict:
    return dict(round_trip().load(text)["model"][estimator])


def test_what_is_as_good_already_stays(copied, monkeypatch, capsys):
    workspace = copied()
    workspace.edit(model={"estimator": "random_forest"})
    workspace.edit(model={"random_forest": {"n_estimators": 30, "max_depth": 6}}, tune={"space": None})
    workspace.edit(tune={"space": {}})
    monkeypatch.chdir(workspace.root)
    before = (workspace.root / "params.yaml").read_bytes()
    main(["--trials", "3"], workspace.project)
    assert (workspace.root / "params.yaml").read_bytes() == before
    assert "params.yaml is as good already; nothing was changed" in capsys.readouterr().out


def test_estimators_that_cannot_be_tried_are_skipped_and_a_trial_may_fail(copied, monkeypatch, capsys):
    def moody(inputs, max_depth=3):
        if max_depth > 3:
            raise MemoryError("no room for so deep a tree")
        return RandomForestClassifier(2, max_depth=max_depth, random_state=inputs.seed)

    workspace = copied()
    monkeypatch.setitem(ESTIMATORS, "near", lambda _, **_settings: RadiusNeighborsClassifier())
    monkeypatch.setitem(ESTIMATORS, "moody", moody)
    workspace.edit(
        tune={"space": {"moody": {"max_depth": {"low": 4, "high": 9}}, "near": {"radius": {"low": 1, "high": 2}}}}
    )
    monkeypatch.chdir(workspace.root)
    main(["--trials", "16"], workspace.project)
    printed = capsys.readouterr().out
    assert "skipped: near: model.py: RadiusNeighborsClassifier cannot be exported" in printed
    assert "failed: moody, max_depth " in printed
    assert ": MemoryError: no room for so deep a tree" in printed
    assert "16 trials; best log_loss" in printed


def test_where_nothing_can_be_tried_all_reasons_are_told(copied, monkeypatch):
    workspace = copied()
    for name in list(ESTIMATORS):
        monkeypatch.setitem(ESTIMATORS, name, lambda _, **_settings: RadiusNeighborsClassifier())
    with pytest.raises(ContractError, match=r"no candidate can be fitted .*\n(.*cannot be exported.*\n?){3}"):
        search(workspace)


@pytest.mark.parametrize(
    ("values", "trials", "message"),
    [
        (
            {"tune": {"space": {"random_forrest": {"max_depth": {"low": 1, "high": 2}}}}},
            9,
            "has 'random_forrest', which",
        ),
        ({"model": {"estimator": "forest"}}, 9, "estimator is 'forest'; there are: gradient_boosting, random_forest"),
        ({}, 2, "TRIALS is 2: model.py has 3 estimators, and each is tried at least once; 30 or more"),
    ],
)
def test_what_cannot_be_searched_is_refused(copied, values, trials, message):
    workspace = copied()
    workspace.edit(**values)
    with pytest.raises(ContractError, match=message):
        search(workspace, trials)
    assert not (workspace.root / "tuning").exists()


def test_no_workers_are_refused(made):
    with pytest.raises(ContractError, match="JOBS is 0: at least 1 is needed"):
        search(made, jobs=0)


def test_a_smaller_sample_is_part_of_a_larger_one_and_has_every_class():
    target = np.array([0] * 970 + [1] * 28 + [2] * 2)
    small, large = (sample(target, count, classes=True, seed=1) for count in (100, 400))
    assert set(small) < set(large)
    assert list(small) == sorted(small)
    assert np.bincount(target[small]).tolist() == [96, 3, 1]
    assert len(sample(target * 1.5, 100, classes=False, seed=1)) == 100
