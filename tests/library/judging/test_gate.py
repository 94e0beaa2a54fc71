"""Pairs of real bundles whose verdicts are known, through the command line; `pytest -v` on this file lists them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
import pytest
from library.library_versions import vendor
from modelyard.judging.collect import find_champion
from modelyard.judging.gate import gate, main
from modelyard.judging.policy import read_policy
from modelyard.runtime.bundle import read_bundle
from modelyard.runtime.contract import ContractError
from modelyard.runtime.hashing import sha256
from modelyard.training.edit import round_trip

from flight_delays import project as flights_project

SHIPS, BLOCKED, UNJUDGED = 0, 1, 2
VERDICTS = ("ships", "blocked", "unjudged")
TRAINING = "2013-0[1-8]"
POLICY: dict[str, Any] = {
    "champion": {"require": "not_worse", "margin": 0.0, "draws": 200},
    "slices": {"rows": 100, "margin": 0.0},
    "calibration": {"margin": 0.02},
    "beat_baseline": True,
    "floors": {},
    "limits": {"bundle_mb": 100, "latency_ms": 500},
}
OVERALL: dict[str, Any] = {"slices": None, "calibration": None}  # to see one rule by itself
ROOMY = OVERALL | {"champion": {"margin": 0.1}}  # where it does not matter here which of the two is better
# Equal models seem to differ in one of twenty pairs, and here they must not, whatever the random numbers
SURE = {"confidence": 0.999}
SURELY_BETTER: dict[str, Any] = {"champion": {"require": "superior"}}


def edit_policy(root: Path, changes: dict[str, Any]) -> None:
    """Write policy.yaml: POLICY with these changes; a mapping changes the keys that it names."""
    merged = dict(POLICY)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = {**merged[key], **value} if both else value
    with (root / "policy.yaml").open("w") as opened:
        round_trip().dump(merged, opened)


def run_verb(root: Path, *arguments: object) -> tuple[int, dict[str, Any], str]:
    """Run a verb in a folder: the status, what it wrote as verdict, and what it printed."""
    command = [sys.executable, "-m", "flight_delays", *map(str, arguments)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    verdict = json.loads((root / "reports/verdict.json").read_text())
    return done.returncode, verdict, done.stdout + done.stderr


def change_source(workspace: Any, months: str, change: Callable[[pa.Table], pa.Table]) -> None:
    """Give the workspace a source of its own, changed in the months that a pattern names."""
    shared = Path(workspace.params.source.path).parent
    shutil.copytree(shared, workspace.source)
    for file in workspace.source.glob(f"{months}.parquet"):
        workspace.write_month(file.stem, change(workspace.month(file.stem)))
    workspace.edit(source={"kind": "files", "path": str(workspace.source / "*.parquet")})


def turn(table: pa.Table, chosen: pa.Array) -> pa.Table:
    """The rows with the target of those chosen turned around."""
    turned = pc.if_else(chosen, pc.invert(table["late"]), table["late"])
    return table.set_column(table.column_names.index("late"), "late", turned)


def rewrite(bundle: Path, name: str, content: bytes) -> None:
    """Change a file of a bundle and its hash in the manifest, as a forger would."""
    (bundle / name).write_bytes(content)
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["files"][name] = sha256(bundle / name)
    (bundle / "manifest.json").write_text(json.dumps(manifest))


def rewrite_json(bundle: Path, name: str, change: Callable[[Any], None]) -> None:
    content = json.loads((bundle / name).read_text())
    change(content)
    rewrite(bundle, name, json.dumps(content).encode())


# How each bundle is made from a copy of the workspace in which the pipeline has run


def again(workspace: Any, **values: object) -> None:
    workspace.edit(**values)
    workspace.run()


SLOW = {"gradient_boosting": {"learning_rate": 0.001}}
GREEDY = {"gradient_boosting": {"learning_rate": 1.0, "max_iter": 100, "min_samples_leaf": 1}}
FOREST = {"estimator": "random_forest", "random_forest": {"n_estimators": 20, "max_depth": 8, "min_samples_leaf": 50}}


def one_bad_origin(workspace: Any) -> None:
    change_source(workspace, TRAINING, lambda table: turn(table, pc.equal(table["origin"], "LGA")))
    again(workspace)


def late_too_often(workspace: Any) -> None:
    """Trained on all late flights and a third of the others: it ranks as well, and its probabilities are too high."""
    random = np.random.default_rng(5)
    change_source(
        workspace,
        TRAINING,
        lambda table: table.filter(pc.or_(table["late"], pa.array(random.random(table.num_rows) < 1 / 3))),
    )
    again(workspace)


def copy_package(folder: Path) -> Path:
    """A copy of the project's package, as it is exported with a champion."""
    package = folder / "flight_delays"
    shutil.copytree(flights_project.folder, package, ignore=shutil.ignore_patterns("__pycache__"))
    return package


def off_by_a_hair(workspace: Any, hair: str) -> None:
    """The same model by a library that answers a little higher, as another release of numpy may."""
    copy_package(workspace.root / "code")
    change = ("runtime/predictor.py", "return self.answer(", f"return {hair} + self.answer(")
    manifest = workspace.root / "bundle/manifest.json"
    content = json.loads(manifest.read_text())
    content["code"]["modelyard:predict"] = vendor(workspace.root / "code", *change)["predict"]
    manifest.write_text(json.dumps(content))


def without_pressure(workspace: Any) -> None:
    change_source(workspace, "*", lambda table: table.drop_columns(["pressure"]))
    path = workspace.root / "contract.yaml"
    contract = round_trip().load(path)
    del contract["columns"]["pressure"]
    round_trip().dump(contract, path)
    again(workspace)


def other_features(workspace: Any) -> None:
    """Made by a package whose hours run backwards: with the features of this one, its answers would be nonsense."""
    features = copy_package(workspace.root / "code") / "features.py"
    vendor(workspace.root / "code")
    old = "calendar_features(name, values, column)"
    text = features.read_text().replace(old, f"{{part: -100.0 * one for part, one in {old}.items()}}")
    features.write_text(text)
    workspace.edit(model=SLOW)
    (workspace.root / "flight_delays").symlink_to(features.parent)  # in the current folder, so that it is the one run
    for stage in ("train", "evaluate", "bundle"):
        command = [sys.executable, "-m", "flight_delays", stage]
        subprocess.run(command, cwd=workspace.root, check=True, capture_output=True)


def with_saved_answers(workspace: Any) -> None:
    shutil.copyfile(workspace.root / "evaluation/predictions.parquet", workspace.root / "predictions.parquet")


def four_days(workspace: Any) -> None:
    path = Path(workspace.params.source.path).with_name("2013-0[1-3].parquet")
    workspace.edit(source={"kind": "files", "path": str(path)}, period="day", watermark="2013-03-31")
    again(workspace, split={"holdout": 4, "validation": 30})


def edited_metrics(workspace: Any) -> None:
    def change(metrics: Any) -> None:
        metrics["holdout"]["log_loss"]["value"] -= 0.1

    rewrite_json(workspace.root / "bundle", "metrics.json", change)


def edited_gain(workspace: Any) -> None:
    """A model that does not beat the baseline, and says that it does."""
    gain = {"value": 0.2, "low": 0.1, "high": 0.3}
    rewrite_json(workspace.root / "bundle", "metrics.json", lambda metrics: metrics.update(gain=gain))


def model_of_another_run(workspace: Any) -> None:
    """As a forged entry of the run-cache leaves it: the stage before the bundle made something else."""
    with (workspace.root / "model/model.onnx").open("ab") as opened:
        opened.write(b" ")


def overfitted(workspace: Any) -> None:
    again(workspace, model=GREEDY)


def damaged_file(workspace: Any) -> None:
    path = workspace.root / "bundle/model.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"!")


def no_model_inside(workspace: Any) -> None:
    rewrite(workspace.root / "bundle", "model.onnx", b"no model")


def renamed_class(workspace: Any) -> None:
    def change(contract: Any) -> None:
        values = contract["columns"]["late"]["values"]
        values[values.index("on time")] = "punctual"

    bundle = workspace.root / "bundle"
    rewrite_json(bundle, "contract.json", change)
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["classes"][manifest["classes"].index("on time")] = "punctual"
    (bundle / "manifest.json").write_text(json.dumps(manifest))


def in_hours(workspace: Any) -> None:
    rewrite_json(workspace.root / "bundle", "contract.json", lambda it: it["columns"]["delay"].update(unit="h"))


def told(workspace: Any, **origin: object) -> None:
    """No bundle, and what `make champion` wrote about it."""
    shutil.rmtree(workspace.root / "bundle")
    (workspace.root / "origin.json").write_text(json.dumps({"commit": "1a2b3c4", "ref": "main", **origin}))


def never_committed(workspace: Any) -> None:
    (workspace.root / "origin.json").write_text(
        json.dumps({"from": "main at 1a2b3c4", "absent": False, "committed": False})
    )


BUNDLES: dict[str, tuple[str, Callable[[Any], None]]] = {
    "made": ("made", lambda _: None),
    "slow learner": ("made", lambda it: again(it, model=SLOW)),
    "forest": ("made", lambda it: again(it, model=FOREST)),
    "forest of another seed": ("made", lambda it: again(it, model=FOREST, seed=7)),
    "overfitted": ("made", overfitted),
    "bad at LGA": ("made", one_bad_origin),
    "late too often": ("made", late_too_often),
    "until October": ("made", lambda it: again(it, watermark="2013-10")),
    "learned November": ("made", lambda it: again(it, split={"holdout": 1, "validation": 1})),
    "slow, easier holdout": ("made", lambda it: again(it, model=SLOW, split={"holdout": 1, "validation": 1})),
    "without pressure": ("made", without_pressure),
    "saved answers": ("made", with_saved_answers),
    "other features": ("made", other_features),
    "a hair above": ("made", lambda it: off_by_a_hair(it, "1e-12")),
    "a hair below": ("made", lambda it: off_by_a_hair(it, "-1e-12")),
    "four days": ("made", four_days),
    "calls all late": ("made", lambda it: again(it, evaluate={"false_negative_cost": 1000})),
    "edited metrics": ("made", edited_metrics),
    "edited gain": ("overfitted", edited_gain),
    "model of another run": ("made", model_of_another_run),
    "damaged": ("made", damaged_file),
    "no model inside": ("made", no_model_inside),
    "failed": ("made", lambda it: told(it, failed="its pipeline fails")),
    "absent": ("made", lambda it: told(it, **{"from": "main at 1a2b3c4 has no model yet"}, absent=True)),
    "lost": ("made", lambda it: told(it, **{"from": "main at 1a2b3c4, from the DVC cache"}, absent=False)),
    "nothing": ("made", lambda it: shutil.rmtree(it.root / "bundle")),
    "regression": ("made_regression", lambda _: None),
    "regression never committed": ("made_regression", never_committed),
    "slow learner never committed": ("slow learner", never_committed),
    "slow regression": ("made_regression", lambda it: again(it, model=SLOW)),
    "regression in hours": ("made_regression", in_hours),
    "three classes": ("made_multiclass", lambda _: None),
    "slow three classes": ("made_multiclass", lambda it: again(it, model=SLOW)),
    "three other classes": ("made_multiclass", renamed_class),
}


@pytest.fixture(scope="session")
def shelf(made, made_regression, made_multiclass, tmp_path_factory) -> Callable[[str], Path]:
    """The folder of a bundle's workspace by its name in BUNDLES; each is made once."""
    bases = {"made": made, "made_regression": made_regression, "made_multiclass": made_multiclass}
    taken: dict[str, Path] = {}

    def take(name: str) -> Path:
        if name not in taken:
            base, make = BUNDLES[name]
            workspace = type(made)(tmp_path_factory.mktemp("bundle") / "flights")
            root = bases[base].root if base in bases else take(base)
            shutil.copytree(root, workspace.root, ignore=shutil.ignore_patterns("source"))
            make(workspace)
            taken[name] = workspace.root
        return taken[name]

    return take


@dataclass(frozen=True)
class Pair:
    """Two bundles and the verdict on the second: the status, and a part of the reason, of a rule or of a note.

    at: in whose workspace, with whose data, the gate runs; in the challenger's where that is not said.
    """

    champion: str | None
    challenger: str
    status: int
    says: str
    policy: dict[str, Any] = field(default_factory=dict)
    at: str | None = None


PAIRS = {
    # the same, worse, better
    "the same bundle twice ships": Pair("made", "made", SHIPS, "the same answers on every row"),
    "the same bundle twice ships where the policy wants a better one": Pair(
        "made", "made", SHIPS, "the same answers on every row", SURELY_BETTER
    ),
    "a much worse learning rate is blocked": Pair(
        "made", "slow learner", BLOCKED, "log_loss not worse than the champion's: worse by 0.0"
    ),
    "a forest of another seed ships": Pair(
        "forest", "forest of another seed", SHIPS, "rules of the policy are kept", {"champion": SURE}
    ),
    "and so does the first against the second, as both differ by noise": Pair(
        "forest of another seed", "forest", SHIPS, "rules of the policy are kept", {"champion": SURE}
    ),
    "better by noise is blocked where the policy wants a better one": Pair(
        "forest",
        "forest of another seed",
        BLOCKED,
        "log_loss surely better than the champion's: ",
        {"champion": SURELY_BETTER["champion"] | SURE},
    ),
    "worse by noise is blocked there too": Pair(
        "forest of another seed",
        "forest",
        BLOCKED,
        "log_loss surely better than the champion's: ",
        {"champion": SURELY_BETTER["champion"] | SURE},
    ),
    "surely better ships where the policy wants a better one": Pair(
        "slow learner", "made", SHIPS, "better by 0.0", OVERALL | SURELY_BETTER
    ),
    # margins
    "worse beyond the noise but within the margin ships": Pair(
        "made", "slow learner", SHIPS, "worse by 0.0", OVERALL | {"champion": {"margin": 0.2}}
    ),
    "surely not worse by a margin wider than the noise ships": Pair(
        "forest",
        "forest of another seed",
        SHIPS,
        "log_loss surely not worse than the champion's by 0.05 or more",
        OVERALL | {"champion": {"require": "non_inferior", "margin": 0.05}},
    ),
    "equal models are blocked where the margin is finer than the noise": Pair(
        "forest",
        "forest of another seed",
        BLOCKED,
        "log_loss surely not worse than the champion's by 1e-05 or more: ",
        {"champion": {"require": "non_inferior", "margin": 0.00001}},
    ),
    # one slice, calibration
    "one bad slice is blocked by its name though the whole is good enough": Pair(
        "overfitted",
        "bad at LGA",
        BLOCKED,
        "log_loss not worse where origin = LGA: worse by 0.",
        {"champion": {"margin": 0.3}, "calibration": None, "beat_baseline": False},
    ),
    "miscalibrated is blocked though its ranking is as good": Pair(
        "made",
        "late too often",
        BLOCKED,
        "calibration_error not worse by 0.02 or more: worse by 0.",
        {"champion": {"metric": "roc_auc", "margin": 0.05}, "slices": None, "beat_baseline": False},
    ),
    "the same answers at another threshold are judged by the metric that tells": Pair(
        "calls all late",
        "made",
        BLOCKED,
        "recall not worse than the champion's: worse by ",
        {"champion": {"metric": "recall"}},
    ),
    # one model alone
    "below a floor is blocked": Pair("made", "made", BLOCKED, "roc_auc at least 0.9: 0.", {"floors": {"roc_auc": 0.9}}),
    "the baseline not beaten is blocked": Pair(
        "overfitted", "overfitted", BLOCKED, "log_loss better than the baseline's"
    ),
    "too large is blocked": Pair(
        "made", "made", BLOCKED, "bundle at most 0.01 MB: 0.", {"limits": {"bundle_mb": 0.01}}
    ),
    "too slow is blocked": Pair(
        "made",
        "made",
        BLOCKED,
        "one row answered in at most 0.0001 ms, 95 times of 100",
        {"limits": {"latency_ms": 1e-4}},
    ),
    "edited metrics are blocked": Pair(
        "made", "edited metrics", BLOCKED, "the bundle's metrics are those of its model: log_loss is 0."
    ),
    "an edited gain over the baseline is blocked": Pair(
        None, "edited gain", BLOCKED, "the bundle's metrics are those of its model: gain.high is -"
    ),
    "a model of another run than the bundle is blocked": Pair(
        "made", "model of another run", BLOCKED, "model/model.onnx is not the file model.onnx of the bundle"
    ),
    # champions that are not there
    "a good model ships where there is no champion yet": Pair(None, "made", SHIPS, "There is no champion yet"),
    "a bad model is blocked where there is no champion yet": Pair(
        None, "overfitted", BLOCKED, "log_loss better than the baseline's"
    ),
    "no champion yet, as was found when it was looked for, ships": Pair("absent", "made", SHIPS, "no champion yet"),
    "a champion that cannot be had is not judged": Pair(
        "failed", "made", UNJUDGED, "the champion cannot be had: its pipeline fails"
    ),
    "a champion that was there and is gone is not judged": Pair("lost", "made", UNJUDGED, "is gone, though"),
    "a champion that nobody looked for is not judged": Pair(
        "nothing", "made", UNJUDGED, "`make champion`, or judge without one: `make gate ARGS=--no-champion`"
    ),
    "a policy that compares with none ships without a champion": Pair(
        "failed", "made", SHIPS, "compares with no champion", {"champion": {"require": "none"}}
    ),
    # another contract
    "another kind of target is not judged": Pair("regression", "made", UNJUDGED, "the champion predicts delay"),
    "a champion of another contract that was never committed is none": Pair(
        "regression never committed", "made", SHIPS, "Main has no committed model yet, and what its code makes cannot"
    ),
    "a champion that was never committed is compared where it can be": Pair(
        "slow learner never committed", "made", SHIPS, "better by ", OVERALL | SURELY_BETTER
    ),
    "another number of classes is not judged": Pair(
        "three classes", "made", UNJUDGED, "another contract: the champion is a model of multiclass"
    ),
    "other classes are not judged": Pair(
        "three other classes", "three classes", UNJUDGED, "another contract: the champion knows the classes"
    ),
    "a dropped column is judged by the champion's saved answers": Pair(
        "saved answers",
        "without pressure",
        SHIPS,
        "The champion's saved answers are used, as it needs the column",
        ROOMY,
    ),
    "a dropped column without saved answers is not judged": Pair(
        "made", "without pressure", UNJUDGED, "it needs the column 'pressure', which the data no longer has"
    ),
    # another holdout, another state
    "both answer the new months where the holdout moved on": Pair(
        "until October",
        "made",
        SHIPS,
        "The champion was judged on 2013-09, 2013-10, the challenger on 2013-11, 2013-12",
        ROOMY,
    ),
    "a worse model that moves the holdout is blocked: both answer that one": Pair(
        "made", "slow, easier holdout", BLOCKED, "log_loss not worse than the champion's: worse by 0."
    ),
    "rows that the champion has learned from are left out": Pair(
        "learned November", "made", SHIPS, "The champion has learned from 1,", ROOMY
    ),
    "a champion that has learned from all rows is not judged": Pair(
        "made", "until October", UNJUDGED, "another holdout: the champion has learned from every row"
    ),
    "too few days to draw from are not judged": Pair(
        "four days", "four days", UNJUDGED, "the holdout has 4 days to draw from, and an interval needs at least 5"
    ),
    "data of another state than the bundle is not judged": Pair(
        "made", "until October", UNJUDGED, "was made from other data than data/ledger.json lists", at="made"
    ),
    # the champion's code
    "a champion with other features answers with its own code": Pair(
        "other features", "made", SHIPS, "The champion answers with its own code.", OVERALL
    ),
    # the policy
    "a metric that nobody knows is not judged": Pair(
        "made", "made", UNJUDGED, "champion.metric: 'auc' is no such metric", {"champion": {"metric": "auc"}}
    ),
    "a metric that the task does not have is not judged": Pair(
        "made",
        "slow learner",
        UNJUDGED,
        "the task has no rmse; it has: log_loss",
        OVERALL | {"champion": {"metric": "rmse"}},
    ),
    # damage
    "a damaged file is not judged": Pair(
        "made", "damaged", UNJUDGED, "model.onnx is not the file that the manifest lists"
    ),
    "a model that no runtime loads is not judged": Pair(
        "made", "no model inside", UNJUDGED, "model.onnx cannot be loaded"
    ),
    # the other tasks
    "a worse regression is blocked": Pair(
        "regression", "slow regression", BLOCKED, "rmse not worse than the champion's: worse by "
    ),
    "a better regression ships": Pair("slow regression", "regression", SHIPS, "better by ", OVERALL | SURELY_BETTER),
    "a worse model of three classes is blocked": Pair(
        "three classes", "slow three classes", BLOCKED, "log_loss not worse than the champion's: worse by 0."
    ),
    "a better model of three classes ships": Pair(
        "slow three classes", "three classes", SHIPS, "better by 0.", OVERALL | SURELY_BETTER
    ),
}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS.keys())
def test_the_verdict_on(pair, shelf):
    root = shelf(pair.at or pair.challenger)
    edit_policy(root, pair.policy)
    bundles = [shelf(pair.champion) / "bundle", shelf(pair.challenger) / "bundle"] if pair.champion else []
    status, verdict, printed = run_verb(root, "gate", *(bundles or ["--no-champion"]))
    words = [verdict["reason"], *verdict["notes"], *(f"{one['rule']}: {one['found']}" for one in verdict["rules"])]
    wanted = words[:1] if pair.status else words
    assert any(pair.says in one for one in wanted), printed
    assert (status, verdict["verdict"]) == (pair.status, VERDICTS[pair.status]), printed
    assert verdict["reason"] in printed


def judged(shelf: Callable[[str], Path], main: str, this: str, **policy: Any) -> dict[str, Any]:
    """The verdict on `this` beside `main` as the JSON has it, without a process of its own."""
    root = shelf(this)
    edit_policy(root, policy)
    bundles = read_bundle(shelf(main) / "bundle"), read_bundle(root / "bundle")
    return json.loads(gate(flights_project, *bundles, read_policy(root / "policy.yaml"), root).to_json())


def test_the_reason_names_metric_interval_and_the_line_of_the_policy(shelf):
    verdict = judged(shelf, "made", "slow learner")
    broken = next(one for one in verdict["rules"] if one["kept"] is False)
    assert broken["policy"] == "policy.yaml line 2: `require: not_worse`"
    value, low, high = map(float, re.findall(r"\d\.\d{4}", broken["found"]))
    assert broken["found"] == f"worse by {value:.4f} ({low:.4f} to {high:.4f})"
    assert 0 < low < value < high
    assert verdict["reason"].startswith(f"{broken['rule']}: {broken['found']}, and ")


def test_the_comparison_holds_both_values_of_every_metric_and_slice(shelf):
    found = judged(shelf, "made", "slow learner")["comparison"]
    claimed = [json.loads((shelf(name) / "bundle/metrics.json").read_text()) for name in ("made", "slow learner")]
    assert found["metrics"].keys() == claimed[0]["holdout"].keys()
    assert next(iter(found["metrics"])) == "log_loss"
    for name in ("log_loss", "roc_auc", "calibration_error"):
        one, (old, new) = found["metrics"][name], (metrics["holdout"][name]["value"] for metrics in claimed)
        assert (one["champion"], one["challenger"]) == pytest.approx((old, new))
        assert one["difference"] == pytest.approx(new - old)
        assert one["low"] < one["difference"] < one["high"]
    assert {line["slice"] for line in found["slices"]} >= {"EWR", "JFK", "LGA"}
    assert all(line["rows"] >= 100 for line in found["slices"])
    assert (found["rows"], found["periods"]) == (claimed[1]["rows"], ["2013-11", "2013-12"])
    assert found["groups"] == 61


def test_the_verdict_names_both_bundles_and_where_the_champion_is_from(shelf):
    verdict = judged(shelf, "made", "slow learner")
    assert verdict["challenger"] == {"bundle": sha256(shelf("slow learner") / "bundle/manifest.json")}
    folder = (shelf("made") / "bundle").as_posix()
    assert verdict["champion"] == {"bundle": sha256(shelf("made") / "bundle/manifest.json"), "from": folder}


def test_the_origin_that_was_told_is_where_the_champion_is_from(shelf, tmp_path):
    shutil.copytree(shelf("made") / "bundle", tmp_path / "champion/bundle")
    (tmp_path / "champion/origin.json").write_text('{"from": "main at 1a2b3c4, from the DVC cache", "absent": false}')
    root = shelf("made")
    edit_policy(root, {})
    champion = read_bundle(tmp_path / "champion/bundle")
    verdict = gate(flights_project, champion, read_bundle(root / "bundle"), read_policy(root / "policy.yaml"), root)
    assert verdict.champion == {"bundle": champion.digest, "from": "main at 1a2b3c4, from the DVC cache"}


def test_only_the_rows_that_the_champion_has_not_learned_from_are_compared(shelf):
    found = judged(shelf, "learned November", "made")["comparison"]
    december = pyarrow.parquet.read_table(shelf("made") / "data/periods/2013-12.parquet", columns=["late"])
    assert found["periods"] == ["2013-12"]
    assert found["rows"] == len(december) - december["late"].null_count
    assert found["groups"] == 31


def test_without_a_list_of_slices_and_without_calibration_neither_is_judged(shelf):
    rules = [one["rule"] for one in judged(shelf, "made", "made", slices=None, calibration=None)["rules"]]
    assert not any("slice" in rule or "calibration" in rule for rule in rules)


def test_another_unit_of_the_target_is_another_contract(shelf):
    with pytest.raises(ContractError, match="the champion predicts in the unit h, the challenger None"):
        judged(shelf, "regression in hours", "regression")


@pytest.mark.parametrize("name", ["a hair above", "a hair below"])
def test_answers_that_differ_in_the_last_digits_are_the_same_in_every_rule(shelf, name):
    verdict = judged(shelf, name, "made", champion={"require": "superior"}, calibration={"margin": 0})
    assert verdict["verdict"] == "ships"
    assert "the same answers on every row" in [one["found"] for one in verdict["rules"]]
    lines = verdict["comparison"]["slices"] + list(verdict["comparison"]["metrics"].values())
    assert {line["difference"] for line in lines} == {0}
    assert verdict["notes"] == ["The champion answers with its own code."]


def test_a_broken_rule_blocks_even_where_another_could_not_be_judged(shelf):
    verdict = judged(shelf, "made", "slow learner", champion={"metric": "rmse"})
    assert {one["kept"] for one in verdict["rules"]} == {True, False, None}
    assert verdict["verdict"] == "blocked"


def test_a_bundle_of_other_data_than_is_here_is_not_judged(shelf):
    root, other = shelf("made"), read_bundle(shelf("until October") / "bundle")
    with pytest.raises(ContractError, match=r"was made from other data than .*ledger\.json lists; run `make pipeline`"):
        gate(flights_project, None, other, read_policy(root / "policy.yaml"), root)


def test_without_data_nothing_is_judged(shelf, tmp_path):
    with pytest.raises(
        ContractError, match="there is no data to judge with; make it with `make pipeline`, or `make pull`"
    ):
        gate(
            flights_project,
            None,
            read_bundle(shelf("made") / "bundle"),
            read_policy(shelf("made") / "policy.yaml"),
            tmp_path,
        )


def test_a_bundle_of_other_features_than_are_here_is_not_judged(shelf):
    with pytest.raises(ContractError, match=r"was made with another features\.py than is here; run `make pipeline`"):
        judged(shelf, "made", "other features")


@pytest.mark.parametrize("name", ["made", "absent", "failed", "lost", "nothing"])
def test_only_a_champion_that_was_looked_for_and_is_not_there_counts_as_none(shelf, name):
    folder = shelf(name) / "bundle"
    if name in ("made", "absent"):
        found = find_champion(folder)
        assert (found.digest if found else None) == (read_bundle(folder).digest if name == "made" else None)
    else:
        with pytest.raises(ContractError):
            find_champion(folder)


def ended(monkeypatch: pytest.MonkeyPatch, root: Path, *arguments: str) -> int:
    monkeypatch.chdir(root)
    with pytest.raises(SystemExit) as stopped:
        main(list(arguments), flights_project)
    return int(stopped.value.code or 0)


def test_verdict_and_markdown_are_written_and_printed(shelf, monkeypatch, capsys):
    root = shelf("made")
    edit_policy(root, {})
    assert ended(monkeypatch, root, "--no-champion") == SHIPS
    assert json.loads((root / "reports/verdict.json").read_text())["verdict"] == "ships"
    assert capsys.readouterr().out == (root / "reports/verdict.md").read_text()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("champion: {requires: superior}", "policy.yaml: champion.requires is no key that is known here"),
        ("champion: {require: non_inferior}", "champion.margin is 0"),
        ("[]", "policy.yaml: a mapping of keys is expected"),
        (None, "policy.yaml: no such file"),
    ],
)
def test_without_a_valid_policy_nothing_is_judged(shelf, monkeypatch, capsys, text, reason):
    root = shelf("made")
    (root / "policy.yaml").unlink(missing_ok=True)
    if text:
        (root / "policy.yaml").write_text(text)
    assert ended(monkeypatch, root, "bundle", "bundle") == UNJUDGED
    assert reason in capsys.readouterr().out


def test_what_breaks_the_gate_itself_is_never_taken_for_a_verdict(shelf, monkeypatch, capsys):
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("modelyard.judging.gate.gate", broken)
    root = shelf("made")
    edit_policy(root, {})
    (root / "reports").mkdir(exist_ok=True)
    (root / "reports/verdict.json").write_text('{"verdict": "ships"}')
    assert ended(monkeypatch, root, "--no-champion") == UNJUDGED
    assert json.loads((root / "reports/verdict.json").read_text())["verdict"] == "unjudged"
    assert "Traceback" in capsys.readouterr().err
