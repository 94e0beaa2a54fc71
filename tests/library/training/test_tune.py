"""Two at a time are processes of their own, which import scikit-learn and optuna: that takes the seconds."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable

import optuna
import pytest
from modelyard.command import run_command
from modelyard.errors import ContractError
from modelyard.training.edit import round_trip
from modelyard.training.settings import Range
from modelyard.training.study import distributions, trials
from modelyard.training.trials import with_settings
from modelyard.training.tune import main, tune
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

TRIALS = 6
SPACE = {"learning_rate": {"low": 0.01, "high": 0.5, "log": True}, "max_leaf_nodes": {"low": 4, "high": 32}}


@pytest.fixture(scope="module")
def copied(made, tmp_path_factory) -> Callable:
    """Copies what ran, with a small search."""

    def copy():
        root = tmp_path_factory.mktemp("tune") / "flights"
        shutil.copytree(made.root, root, ignore=shutil.ignore_patterns("source", "bundle", "model", "evaluation"))
        workspace = dataclasses.replace(made, root=root)
        small = {"learning_rate": 0.001, "max_iter": 5}
        workspace.edit(
            model={"gradient_boosting": small},
            split={"window": 2},
            tune={"trials": TRIALS, "batch": 2, "space": {"gradient_boosting": None}},
        )
        workspace.edit(tune={"space": {"gradient_boosting": SPACE}})
        return workspace

    return copy


@pytest.fixture(scope="module")
def undisturbed(copied) -> list[tuple[dict, float]]:
    return search(copied(), TRIALS)


def search(workspace, trials: int, jobs: int = 1) -> list[tuple[dict, float]]:
    """What was tried, in order, and its value."""
    study, _ = tune(workspace.project, workspace.root, workspace.contract, workspace.params, trials, jobs)
    return [(trial.params, trial.value) for trial in study.get_trials(states=[TrialState.COMPLETE])]


def test_the_search_tries_as_many_settings_as_it_is_told(undisturbed):
    assert len(undisturbed) == TRIALS
    assert len({str(settings) for settings, _ in undisturbed}) == TRIALS


def test_two_at_a_time_find_the_same_as_one(copied, undisturbed):
    assert search(copied(), TRIALS, jobs=2) == undisturbed


def test_an_interrupted_search_goes_on_as_if_it_had_not_been(copied, undisturbed):
    workspace = copied()
    assert search(workspace, 2) == undisturbed[:2]
    (journal,) = (workspace.root / "tuning").iterdir()
    storage = JournalStorage(JournalFileBackend(str(journal)))
    study = optuna.load_study(study_name="gradient_boosting", storage=storage)
    for _ in range(2):
        study.ask(distributions(workspace.params))
    assert search(workspace, TRIALS) == undisturbed
    listed = trials(workspace.root, workspace.contract, workspace.params)
    assert [(settings, value) for _, settings, value in listed] == undisturbed
    workspace.edit(split={"refit": False})  # comes after the search, so it is the same one
    assert trials(workspace.root, workspace.contract, workspace.params) == listed
    workspace.edit(split={"window": 3})
    assert trials(workspace.root, workspace.contract, workspace.params) == []


@pytest.fixture
def here(copied, monkeypatch):
    workspace = copied()
    monkeypatch.chdir(workspace.root)
    return workspace


def test_better_settings_are_written_and_comments_stay(here, undisturbed, capsys):
    before = (here.root / "params.yaml").read_text()
    main([], here.project)
    best = min(undisturbed, key=lambda tried: tried[1])[0]
    written = round_trip().load(here.root / "params.yaml")["model"]["gradient_boosting"]
    assert {name: written[name] for name in best} == best
    assert written["max_iter"] == 5
    for line in before.splitlines():
        assert line.partition("#")[2] in (here.root / "params.yaml").read_text()
    assert "params.yaml has the better settings" in capsys.readouterr().out


def test_settings_that_are_no_better_change_nothing(here, capsys):
    here.edit(
        model={"gradient_boosting": {"learning_rate": 0.3}},
        tune={"space": {"gradient_boosting": {"learning_rate": {"low": 0.0001, "high": 0.0002}}}},
    )
    before = (here.root / "params.yaml").read_bytes()
    main(["--trials", "1"], here.project)
    assert (here.root / "params.yaml").read_bytes() == before
    printed = capsys.readouterr().out
    assert "params.yaml is as good already; nothing was changed" in printed
    assert printed.startswith(
        "2 trials, not 1, as they run in batches of 2 (tune.batch in params.yaml); best log_loss "
    )


def test_an_error_in_a_trial_is_told_in_a_line(here):
    here.edit(split={"holdout": 99})
    with pytest.raises(SystemExit, match=r"error: params\.yaml: split wants 2 \+ 99 periods"):
        run_command(lambda: main([], here.project))


def test_an_estimator_without_a_space_is_told(made):
    params = made.params
    other = dataclasses.replace(params, model=dataclasses.replace(params.model, estimator="mine"))
    with pytest.raises(ContractError, match=r"params\.yaml: tune\.space has nothing for 'mine', the estimator in use"):
        tune(made.project, made.root, made.contract, other, 2, 1)


def test_without_data_the_way_to_take_it_is_told(made, tmp_path):
    with pytest.raises(ContractError, match="no data was taken yet; take it with `make pipeline`"):
        tune(made.project, tmp_path, made.contract, made.params, 2, 1)


def test_ends_that_are_whole_give_whole_numbers(made):
    space = {"a": Range(1, 4), "b": Range(1, 4.0), "c": Range(0.1, 10.0, log=True)}
    params = dataclasses.replace(
        made.params, tune=dataclasses.replace(made.params.tune, space={"gradient_boosting": space})
    )
    assert distributions(params) == {
        "a": IntDistribution(1, 4),
        "b": FloatDistribution(1, 4.0),
        "c": FloatDistribution(0.1, 10.0, log=True),
    }


def test_settings_change_for_the_estimator_in_use_only(made):
    before = made.params.model.settings
    after = with_settings(made.params, {"max_iter": 7}).model.settings
    assert after["gradient_boosting"] == before["gradient_boosting"] | {"max_iter": 7}
    assert {name: after[name] for name in after if name != "gradient_boosting"} == {
        name: before[name] for name in before if name != "gradient_boosting"
    }


def test_a_search_without_the_memory_for_its_rows_is_refused(copied):
    workspace = copied()
    workspace.edit(memory_gb=0.5)
    with pytest.raises(ContractError, match="gradient_boosting needs all rows at once"):
        search(workspace, TRIALS)
