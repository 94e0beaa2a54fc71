"""Each machine is a folder of its own here, to which the files of a round are copied as artifacts are."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
from modelyard.errors import ContractError
from modelyard.training.spread import merge
from modelyard.training.study import trials
from modelyard.training.tune import main

SPACE = {"learning_rate": {"low": 0.01, "high": 0.5, "log": True}, "max_leaf_nodes": {"low": 4, "high": 32}}
WANTED = 9  # three rounds; optuna learns from the first two


class Machines:
    """The machine that proposes and merges, and how to have another one do something."""

    def __init__(self, workspace, monkeypatch) -> None:
        self.workspace, self._monkeypatch = workspace, monkeypatch
        self.tuning = workspace.root / "tuning"

    def run(self, *arguments: str, at: Path | None = None) -> None:
        self._monkeypatch.chdir(at or self.workspace.root)
        main(["--trials", str(WANTED), *arguments], self.workspace.project)

    def elsewhere(self, share: int) -> Path:
        """A machine that has nothing but the repository, the data and the round."""
        root = self.workspace.root.parent / f"machine-{share}"
        if not root.exists():
            shutil.copytree(self.workspace.root, root, ignore=shutil.ignore_patterns("tuning", "model", "bundle"))
        (root / "tuning").mkdir(exist_ok=True)
        shutil.copyfile(self.tuning / "round.json", root / "tuning/round.json")
        return root

    def measure(self, share: int) -> None:
        root = self.elsewhere(share)
        self.run("--measure", str(share), at=root)
        shutil.copyfile(root / f"tuning/share-{share}.json", self.tuning / f"share-{share}.json")

    def shares(self) -> list[int]:
        """What a workflow reads as the matrix of the next round."""
        return json.loads((self.tuning / "shares.json").read_text())

    def tried(self) -> list[tuple]:
        return trials(self.workspace.root, self.workspace.contract, self.workspace.params)

    def kept(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.tuning.iterdir()}


@pytest.fixture(scope="module")
def small(made, tmp_path_factory):
    """What ran, with a small search."""
    root = tmp_path_factory.mktemp("spread") / "flights"
    shutil.copytree(made.root, root, ignore=shutil.ignore_patterns("source", "bundle", "model", "evaluation"))
    workspace = dataclasses.replace(made, root=root)
    few = {"learning_rate": 0.001, "max_iter": 3}
    workspace.edit(model={"gradient_boosting": few}, split={"window": 2})
    workspace.edit(tune={"batch": 3, "space": {"gradient_boosting": None}})
    workspace.edit(tune={"space": {"gradient_boosting": SPACE}})
    return workspace


@pytest.fixture(scope="module")
def round_of_two(small, tmp_path_factory):
    """A folder in which a round of two shares was proposed and measured."""
    root = tmp_path_factory.mktemp("round") / "flights"
    shutil.copytree(small.root, root)
    with pytest.MonkeyPatch.context() as monkeypatch:
        machines = Machines(dataclasses.replace(small, root=root), monkeypatch)
        machines.run("--propose", "2")
        for share in machines.shares():
            machines.measure(share)
    return root


@pytest.fixture
def machines(small, tmp_path, monkeypatch):
    shutil.copytree(small.root, tmp_path / "flights")
    return Machines(dataclasses.replace(small, root=tmp_path / "flights"), monkeypatch)


@pytest.fixture
def measured(small, round_of_two, tmp_path, monkeypatch):
    shutil.copytree(round_of_two, tmp_path / "flights")
    return Machines(dataclasses.replace(small, root=tmp_path / "flights"), monkeypatch)


def test_the_study_is_the_one_that_one_machine_makes(machines, small, tmp_path, monkeypatch):
    machines.run("--propose", "2")
    rounds = 0
    while shares := machines.shares():
        assert shares == [1, 2]
        for share in reversed(shares):
            machines.measure(share)
        machines.run("--merge")
        rounds += 1
        if machines.shares():
            machines.run("--propose", "2")
    assert rounds == 3
    assert not list(machines.tuning.glob("share-*"))

    alone = dataclasses.replace(small, root=tmp_path / "alone")
    shutil.copytree(small.root, alone.root)
    monkeypatch.chdir(alone.root)
    main(["--trials", str(WANTED)], alone.project)
    assert machines.tried() == trials(alone.root, alone.contract, alone.params)
    machines.run()  # writes the best, and measures nothing but what params.yaml has
    assert (machines.workspace.root / "params.yaml").read_bytes() == (alone.root / "params.yaml").read_bytes()


def test_a_search_that_has_its_trials_proposes_nothing(measured, capsys):
    measured.run("--merge")
    measured.run("--trials", "3", "--propose", "2")
    assert measured.shares() == []
    assert not (measured.tuning / "round.json").exists()
    assert capsys.readouterr().out.endswith("3 trials of 9\nthere are 3 trials already\n")


def test_no_machine_is_without_a_trial(machines):
    machines.run("--propose", "256")
    assert machines.shares() == [1, 2, 3]
    with pytest.raises(ContractError, match="257 shares: 1 to 256 are possible"):
        machines.run("--propose", "257")


def change(**values):
    """An edit of a share's content."""

    def act(path: Path) -> None:
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    return act


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (Path.unlink, "tuning has no share-2.json of 2 shares: nothing was reported; have the job of that share"),
        (
            lambda path: path.write_text(path.read_text()[:-9]),
            "share-2.json is cut off, or no file of a round: nothing",
        ),
        (change(data="0123456789ab"), r"share-2.json was made of other data \(data '0123456789ab', here '"),
        (change(code="0123456789ab"), "share-2.json was made by other code"),
        (change(study="linear-0"), "share-2.json was made with other settings, another split or another contract"),
        (change(first=3), "share-2.json is of another round"),
        (change(shares=3), "share-2.json is of a round with another number of shares"),
        (change(trials=[{"learning_rate": 0.1, "max_leaf_nodes": 8}]), "share-2.json has other settings than this rou"),
        (change(values=[]), r"share-2.json: values is \[\]: 1 finite number expected"),
        (change(values=["0.5"]), r"share-2.json: values is \['0.5'\]: 1 finite number expected"),
        (change(values=[float("nan")]), r"share-2.json: values is \[nan\]: 1 finite number expected"),
        (change(share=0), "share-2.json is cut off, or no file of a round"),
        (change(share=1), "tuning has no share-2.json of 2 shares"),
        (change(more=1), "share-2.json is cut off, or no file of a round"),
    ],
)
def test_what_is_not_of_this_round_is_named_and_nothing_is_reported(measured, spoil, told):
    share = measured.tuning / "share-2.json"
    whole = share.read_bytes()
    spoil(share)
    before = measured.kept()
    with pytest.raises(ContractError, match=told):
        measured.run("--merge")
    assert measured.kept() == before
    assert measured.tried() == []
    share.write_bytes(whole)
    measured.run("--merge")
    assert len(measured.tried()) == 3


def test_a_merge_that_ran_already_reports_nothing_twice(measured):
    again = {path: path.read_bytes() for path in measured.tuning.glob("share-*")}
    measured.run("--merge")
    for path, content in again.items():
        path.write_bytes(content)
    with pytest.raises(ContractError, match=r"share-1.json is of another round \(first 0, here 3\)"):
        measured.run("--merge")
    assert len(measured.tried()) == 3


def test_without_a_share_there_is_nothing_to_merge(machines):
    machines.run("--propose", "2")
    with pytest.raises(ContractError, match=r"tuning has no share-1.json of 1 share"):
        machines.run("--merge")


def test_a_machine_measures_a_round_of_its_own_data_and_settings_only(machines):
    machines.run("--propose", "2")
    root = machines.elsewhere(1)
    with pytest.raises(ContractError, match=r"there is no share 3: the round in tuning/round.json has 2"):
        machines.run("--measure", "3", at=root)
    params = root / "params.yaml"
    params.write_text(params.read_text().replace("window: 2", "window: 3"))
    with pytest.raises(
        ContractError, match=r"round.json was made with other settings, another split or another contra"
    ):
        machines.run("--measure", "1", at=root)
    (root / "tuning/round.json").unlink()
    with pytest.raises(ContractError, match=r"there is no tuning/round.json: have the next batch proposed here"):
        machines.run("--measure", "1", at=root)
    assert not list((root / "tuning").iterdir())


def test_without_data_the_way_to_take_it_is_told(made, tmp_path):
    with pytest.raises(ContractError, match="no data was taken yet; take it with `make pipeline`"):
        merge(made.project, tmp_path, made.contract, made.params, 2)
