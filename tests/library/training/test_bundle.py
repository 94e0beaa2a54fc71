from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil

import pytest
from modelyard.errors import ContractError
from modelyard.runtime.contract import Contract
from modelyard.runtime.hashing import bundle_sha256
from modelyard.runtime.predictor import Predictor
from modelyard.training.bundle import bundle, main, probe_places, probes, used_params
from modelyard.training.data.dataset import read_rows
from modelyard.training.evaluate import evaluate
from modelyard.training.layout import BUNDLE, CARD, ENVIRONMENT, METRICS, MODEL
from modelyard.training.strict_yaml import read_yaml
from modelyard.training.train import train
from sample import SAMPLE

FILES = {
    "README.md",
    "calibration.csv",
    "contract.json",
    "importance.csv",
    "manifest.json",
    "metrics.json",
    "model.onnx",
    "probe.json",
    "reference.json",
    "slices.csv",
}


@pytest.fixture
def copied(made, tmp_path):
    return dataclasses.replace(made, root=shutil.copytree(made.root, tmp_path / "flights"))


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def manifest_of(workspace):
    return json.loads((workspace.root / BUNDLE / "manifest.json").read_text(encoding="utf-8"))


def test_two_runs_in_two_folders_give_the_same_bytes(workspace, tmp_path, monkeypatch):
    workspace.edit(source={"kind": "files", "path": "source/*.parquet"})
    other = dataclasses.replace(workspace, root=shutil.copytree(workspace.root, tmp_path / "elsewhere/project"))
    digests = []
    for one in (workspace, other):
        monkeypatch.chdir(one.root)
        digests.append(one.run())
    assert contents(workspace.root / BUNDLE) == contents(other.root / BUNDLE)
    assert digests[0] == digests[1]


def test_it_holds_no_path_and_no_time(workspace, monkeypatch):
    workspace.edit(source={"kind": "files", "path": "source/*.parquet"})
    monkeypatch.chdir(workspace.root)
    workspace.run()
    last = str(workspace.contract.columns[str(workspace.contract.time)].maximum).encode()  # of the range, years ahead
    for name, content in contents(workspace.root / BUNDLE).items():
        content = content.replace(last, b"")
        assert str(workspace.root).encode() not in content, name
        assert not re.search(rb"20[2-9]\d-\d\d-\d\d", content), name


@pytest.mark.parametrize("kind", ["made", "made_regression", "made_multiclass"])
def test_the_manifest_has_the_true_hash_of_every_other_file(kind, request):
    found = contents(request.getfixturevalue(kind).root / BUNDLE)
    assert found.keys() == FILES
    listed = json.loads(found.pop("manifest.json"))["files"]
    assert listed == {name: hashlib.sha256(content).hexdigest() for name, content in found.items()}


def test_its_hash_is_that_of_its_manifest(made):
    manifest = (made.root / BUNDLE / "manifest.json").read_bytes()
    assert bundle_sha256(made.root / BUNDLE) == hashlib.sha256(manifest).hexdigest()


def test_its_model_and_contract_are_those_of_the_project(made):
    assert (made.root / BUNDLE / "model.onnx").read_bytes() == (made.root / MODEL).read_bytes()
    assert Contract.from_json(made.root / BUNDLE / "contract.json") == made.contract


def test_the_manifest_says_what_the_model_was_made_from(made):
    found = manifest_of(made)
    assert (found["name"], found["kind"], found["classes"]) == (made.contract.name, "binary", [False, True])
    assert found["training"] == json.loads((made.root / "model/training.json").read_text())
    assert found["data"] == json.loads((made.root / "data/ledger.json").read_text())
    assert found["threshold"] == json.loads((made.root / "evaluation/metrics.json").read_text())["threshold"]
    assert found["environment"]["packages"].keys() >= {"scikit-learn", "numpy"}
    assert {"features.py", "model.py", "modelyard:train"} <= found["code"].keys()


def test_the_probe_rows_are_a_hundred_spread_over_the_holdout(made):
    probe = json.loads((made.root / BUNDLE / "probe.json").read_text())
    rows = read_rows(made.root, made.contract, made.params, "holdout")
    times = [row[made.contract.time] for row in probe["rows"]]
    assert len(probe["rows"]) == len(probe["answers"]) == 100
    moments = rows.table[made.contract.time].to_pylist()
    assert [times[0], times[-1]] == [moments[0].isoformat(), moments[-1].isoformat()]
    assert any(value is None for row in probe["rows"] for value in row.values())


def test_the_number_of_probes_is_not_taken_from_the_metrics(made, copied):
    path = copied.root / METRICS
    path.write_text(json.dumps(json.loads(path.read_text()) | {"rows": 1}))
    bundle(copied.project, copied.root, copied.contract, copied.params)
    probe = "bundle/probe.json"
    assert (copied.root / probe).read_bytes() == (made.root / probe).read_bytes()


def test_a_small_holdout_is_probed_whole(made):
    rows = read_rows(made.root, made.contract, made.params, "holdout")
    few = rows.take(probe_places(7))
    assert few.table.equals(rows.table.slice(0, 7))
    assert len(probes(made.project, made.root / BUNDLE, few, made.contract)["rows"]) == 7


def test_settings_of_an_estimator_not_in_use_and_of_tuning_leave_the_hash_as_it_is(made, copied):
    copied.edit(model={"random_forest": {"max_depth": 3}}, tune={"trials": 7})
    assert bundle(copied.project, copied.root, copied.contract, copied.params) == bundle_sha256(made.root / BUNDLE)


def test_the_cause_is_kept_and_what_a_person_accepted_is_not(made, copied):
    assert manifest_of(made)["cause"] == "by_hand"
    copied.edit(cause="drift", accepted=["2013-07"])
    bundle(copied.project, copied.root, copied.contract, copied.params)
    found, before = manifest_of(copied), manifest_of(made)
    assert found.pop("cause") == "drift"
    assert found == {key: value for key, value in before.items() if key != "cause"}


@pytest.mark.parametrize(
    "changes",
    [
        {"evaluate": {"false_negative_cost": 5}},
        {"model": {"gradient_boosting": {"max_iter": 21}}},
        {"seed": 7},
    ],
)
def test_settings_in_use_change_the_hash(changes, made, copied):
    copied.edit(**changes)
    assert bundle(copied.project, copied.root, copied.contract, copied.params) != bundle_sha256(made.root / BUNDLE)


def test_another_cost_of_a_miss_changes_the_threshold(made, copied):
    copied.edit(evaluate={"false_negative_cost": 30})
    copied.run()
    assert manifest_of(copied)["threshold"] < manifest_of(made)["threshold"]
    assert (copied.root / MODEL).read_bytes() == (made.root / MODEL).read_bytes()


def test_the_settings_of_the_estimator_in_use_are_kept(made):
    found = used_params(made.params)
    assert found["model"]["estimator"] == "gradient_boosting"
    assert found["model"].keys() == {"estimator", "gradient_boosting"}
    assert found["model"]["gradient_boosting"]["max_iter"] == 20
    assert "tune" not in found


@pytest.fixture
def another_python(monkeypatch):
    monkeypatch.setattr("platform.python_version", lambda: "3.11.99")


@pytest.mark.usefixtures("another_python")
def test_another_patch_version_of_python_changes_one_file_that_git_tracks_and_no_bundle(made, copied):
    committed = (copied.root / ENVIRONMENT).read_bytes()
    train(copied.project, copied.root, copied.contract, copied.params)
    retrained = {path.name: path.read_bytes() for path in (copied.root / "model").iterdir()}
    assert [name for name in retrained if retrained[name] != (made.root / "model" / name).read_bytes()] == [
        ENVIRONMENT.name
    ]
    (copied.root / ENVIRONMENT).write_bytes(committed)  # as proving does, before it assembles the committed bundle
    evaluate(copied.project, copied.root, copied.contract, copied.params)
    shutil.rmtree(copied.root / BUNDLE)
    bundle(copied.project, copied.root, copied.contract, copied.params)
    assert contents(copied.root / BUNDLE) == contents(made.root / BUNDLE)


@pytest.mark.usefixtures("another_python")
def test_assembling_alone_keeps_the_environment_of_the_training(made, copied):
    assert bundle(copied.project, copied.root, copied.contract, copied.params) == bundle_sha256(made.root / BUNDLE)


def test_the_environment_is_kept_in_git_and_not_in_the_cache():
    outs = read_yaml(SAMPLE / "dvc.yaml")["stages"]["train"]["outs"]
    assert {ENVIRONMENT.as_posix(): {"cache": False}} in outs


def test_a_card_that_is_refused_leaves_the_old_bundle(copied):
    (copied.root / CARD).write_text("An AUC of 0.71")
    before = contents(copied.root / BUNDLE)
    with pytest.raises(ContractError, match=r"0.71 is typed"):
        bundle(copied.project, copied.root, copied.contract, copied.params)
    assert contents(copied.root / BUNDLE) == before
    assert not list(copied.root.glob(".bundle-*"))


def test_a_file_that_the_old_bundle_had_is_gone(copied):
    (copied.root / BUNDLE / "old.txt").write_text("old")
    bundle(copied.project, copied.root, copied.contract, copied.params)
    assert contents(copied.root / BUNDLE).keys() == FILES


def test_the_stage_makes_the_same_bundle_again(made, copied, monkeypatch, capsys):
    shutil.rmtree(copied.root / BUNDLE)
    monkeypatch.chdir(copied.root)
    main([], copied.project)
    assert capsys.readouterr().out == f"bundle {bundle_sha256(made.root / BUNDLE)[:12]} in bundle/\n"
    assert contents(copied.root / BUNDLE) == contents(made.root / BUNDLE)


def test_it_can_be_loaded_from_where_it_was_moved_to(copied, tmp_path):
    moved = (copied.root / BUNDLE).rename(tmp_path / "moved")
    probe = json.loads((moved / "probe.json").read_text())
    assert Predictor(moved, copied.project.features).predict(probe["rows"]).tolist() == probe["answers"]
