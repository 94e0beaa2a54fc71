from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from library.library_versions import vendor
from modelyard.judging.answers import answer, answer_as_champion, periods_of, unseen
from modelyard.runtime.bundle import Bundle, read_bundle
from modelyard.runtime.contract import ContractError
from modelyard.runtime.hashing import sha256
from modelyard.training import layout
from modelyard.training.data import blocks
from modelyard.training.data.dataset import Rows, days_of_rows, read_rows, split_rows
from modelyard.training.settings import Split
from modelyard.vendoring.wheel import unpack

from flight_delays import project as flights_project

OWN_CODE = "The champion answers with its own code."
LIBRARY = ("runtime/predictor.py", "return self.answer(matrix(", "return 1 - self.answer(matrix(")
CALENDAR = "calendar_features(name, values, column)"
FEATURES = ("features.py", CALENDAR, f"{{part: 12 - made for part, made in {CALENDAR}.items()}}")


def holdout(workspace: Any) -> Rows:
    return read_rows(workspace.root, workspace.contract, workspace.params, "holdout")


def predictions(workspace: Any) -> np.ndarray:
    """What the evaluation kept of the model's answers."""
    table = pyarrow.parquet.read_table(workspace.root / layout.PREDICTIONS)
    names = [name for name in table.column_names if name.startswith("prediction")]
    return np.stack([table[name].to_numpy() for name in names], axis=1).squeeze()


@pytest.fixture
def champion(made, tmp_path) -> Path:
    """The folder `champion/` as `make champion` leaves it, with neither code nor answers yet."""
    shutil.copytree(made.root / "bundle", tmp_path / "champion/bundle")
    return tmp_path / "champion"


def save_answers(champion: Path, workspace: Any, change: Callable[[pa.Table], pa.Table] = lambda table: table) -> None:
    table = pyarrow.parquet.read_table(workspace.root / layout.PREDICTIONS)
    pyarrow.parquet.write_table(change(table), champion / "predictions.parquet")


def give_code(champion: Path, name: str, old: str, new: str) -> None:
    """Let the champion be made by a package, or by a library, in which one thing was written otherwise."""
    package = champion / "code/flight_delays"
    shutil.copytree(flights_project.folder, package, ignore=shutil.ignore_patterns("__pycache__"))
    if "/" in name:
        changed = {"modelyard:predict": vendor(champion / "code", name, old, new)["predict"]}
    else:
        vendor(champion / "code")
        text = (package / name).read_text()
        assert old in text
        (package / name).write_text(text.replace(old, new))
        changed = {name: sha256(package / name)}
    manifest = json.loads((champion / "bundle/manifest.json").read_text())
    manifest["code"] |= changed
    (champion / "bundle/manifest.json").write_text(json.dumps(manifest))


def without(rows: Rows, column: str) -> Rows:
    return dataclasses.replace(rows, table=rows.table.drop_columns([column]))


# The bundle that is judged


@pytest.mark.parametrize("task", ["made", "made_regression", "made_multiclass"])
def test_a_bundle_answers_as_in_its_evaluation(request, task):
    workspace = request.getfixturevalue(task)
    answers = answer(flights_project, read_bundle(workspace.root / "bundle"), [holdout(workspace)])
    assert np.array_equal(answers, predictions(workspace))


@pytest.mark.parametrize(("change", "named"), [(LIBRARY, "modelyard"), (FEATURES, "features.py")])
def test_a_bundle_of_other_code_than_is_here_does_not_answer(made, champion, change, named):
    give_code(champion, *change)
    with pytest.raises(ContractError, match=rf"was made with another {named} than is here; run `make pipeline`"):
        answer(flights_project, read_bundle(champion / "bundle"), [holdout(made)])


# The champion, by its model


@pytest.mark.parametrize("task", ["made", "made_regression", "made_multiclass"])
def test_a_champion_of_the_same_code_answers_here_without_a_remark(request, task):
    workspace = request.getfixturevalue(task)
    answers, remark = answer_as_champion(
        flights_project, read_bundle(workspace.root / "bundle"), [holdout(workspace)], workspace.contract
    )
    assert np.array_equal(answers, predictions(workspace))
    assert remark is None


def test_a_block_at_a_time_gives_the_same_answers(made, champion, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK", 300)
    stored = blocks.Blocks(made.root, made.contract, made.params, "holdout")
    bundle = read_bundle(champion / "bundle")
    assert len([*stored]) > 5
    assert np.array_equal(answer(flights_project, bundle, stored), predictions(made))
    chosen = np.arange(len(predictions(made))) % 700 > 350  # no row of some blocks
    some = dataclasses.replace(stored, chosen=chosen)
    assert len([*some]) < len([*stored])
    assert np.array_equal(
        answer_as_champion(flights_project, bundle, some, made.contract)[0], predictions(made)[chosen]
    )
    give_code(champion, *LIBRARY)
    own, remark = answer_as_champion(flights_project, read_bundle(champion / "bundle"), some, made.contract)
    assert remark == OWN_CODE
    assert own == pytest.approx(1 - predictions(made)[chosen])


@pytest.mark.parametrize("safe_path", ["", "1"])
def test_a_champion_of_another_library_answers_with_its_own(made, champion, monkeypatch, safe_path):
    monkeypatch.setenv("PYTHONSAFEPATH", safe_path)
    give_code(champion, *LIBRARY)
    answers, remark = answer_as_champion(
        flights_project, read_bundle(champion / "bundle"), [holdout(made)], made.contract
    )
    assert answers == pytest.approx(1 - predictions(made))
    assert remark == OWN_CODE


def test_a_champion_of_other_features_answers_with_its_own(made, champion):
    give_code(champion, *FEATURES)
    probe = (
        champion / "bundle/probe.json"
    )  # which these features, as the model was not trained with them, cannot answer
    probe.write_text('{"rows": [], "answers": []}')
    manifest = json.loads((champion / "bundle/manifest.json").read_text())
    manifest["files"]["probe.json"] = sha256(probe)
    (champion / "bundle/manifest.json").write_text(json.dumps(manifest))
    answers, remark = answer_as_champion(
        flights_project, read_bundle(champion / "bundle"), [holdout(made)], made.contract
    )
    assert not np.allclose(answers, predictions(made))
    assert remark == OWN_CODE


def test_the_library_of_an_ejected_champion_is_its_folder(made, champion):
    give_code(champion, *LIBRARY)
    (wheel,) = (champion / "code/vendor").glob("*.whl")
    unpack(wheel.read_bytes(), champion / "code/vendor/modelyard")
    wheel.unlink()
    answers, _ = answer_as_champion(flights_project, read_bundle(champion / "bundle"), [holdout(made)], made.contract)
    assert answers == pytest.approx(1 - predictions(made))


def test_features_that_the_champion_was_not_made_with_are_not_run(made, champion):
    give_code(champion, *LIBRARY)
    with (champion / "code/flight_delays/features.py").open("a") as opened:
        opened.write("(Path(__file__).parent / 'run').touch()\n")
    reason = "it was made with another modelyard, and the code beside it is yet another$"
    with pytest.raises(ContractError, match=reason):
        answer_as_champion(flights_project, read_bundle(champion / "bundle"), [holdout(made)], made.contract)
    assert not (champion / "code/flight_delays/run").exists()


def test_a_library_that_the_champion_was_not_made_with_does_not_answer(made, champion):
    give_code(champion, *FEATURES)
    (wheel,) = (champion / "code/vendor").glob("*.whl")
    wheel.unlink()
    vendor(champion / "code", *LIBRARY)
    reason = r"with another features\.py, and its own code fails: the library beside it is yet another$"
    with pytest.raises(ContractError, match=reason):
        answer_as_champion(flights_project, read_bundle(champion / "bundle"), [holdout(made)], made.contract)


@pytest.mark.parametrize("gone", ["code", "code/flight_delays", "code/vendor"])
def test_without_its_code_a_champion_of_other_code_does_not_answer(made, champion, gone):
    give_code(champion, *FEATURES)
    shutil.rmtree(champion / gone)
    with pytest.raises(ContractError, match=r"it was made with another features\.py, and its own code is not at hand$"):
        answer_as_champion(flights_project, read_bundle(champion / "bundle"), [holdout(made)], made.contract)


def test_a_champion_that_is_older_than_the_library_gives_its_saved_answers(made, champion):
    """Its commit has all of the code in its package, and no wheel."""
    manifest = json.loads((champion / "bundle/manifest.json").read_text())
    old = ["__init__.py", "contract.py", "features.py", "pipeline/model.py", "predictor.py", "rows.py"]
    manifest["code"] = dict.fromkeys(old, "0" * 64)
    (champion / "bundle/manifest.json").write_text(json.dumps(manifest))
    (champion / "code/flight_delays").mkdir(parents=True)
    save_answers(champion, made)
    answers, remark = answer_as_champion(
        flights_project, read_bundle(champion / "bundle"), [holdout(made)], made.contract
    )
    assert np.array_equal(answers, predictions(made))
    assert remark == (
        "The champion's saved answers are used, as it was made with another __init__.py, contract.py, features.py and "
        "4 more, and its own code is not at hand."
    )


def test_a_champion_whose_code_fails_gives_its_saved_answers(made, champion):
    give_code(champion, "runtime/predictor.py", "import onnxruntime\n", "import onnxruntime_of_once as onnxruntime\n")
    bundle, rows = read_bundle(champion / "bundle"), holdout(made)
    with pytest.raises(ContractError, match="its own code fails: ModuleNotFoundError: No module named 'onnxruntime_of"):
        answer_as_champion(flights_project, bundle, [rows], made.contract)
    save_answers(champion, made)
    answers, remark = answer_as_champion(flights_project, bundle, [rows], made.contract)
    assert np.array_equal(answers, predictions(made))
    assert remark.startswith(
        "The champion's saved answers are used, as it was made with another modelyard, and its own"
    )


# The champion, by what it answered once


@pytest.mark.parametrize("task", ["made", "made_regression", "made_multiclass"])
def test_saved_answers_are_found_by_id_in_whatever_order(request, task, tmp_path):
    workspace = request.getfixturevalue(task)
    shutil.copytree(workspace.root / "bundle", tmp_path / "bundle")
    save_answers(tmp_path, workspace, lambda table: table.take(np.random.default_rng(1).permutation(len(table))))
    rows = holdout(workspace).take(np.arange(0, len(predictions(workspace)), 3))
    answers, remark = answer_as_champion(
        flights_project, read_bundle(tmp_path / "bundle"), [without(rows, "humid")], workspace.contract
    )
    assert np.array_equal(answers, predictions(workspace)[::3])
    assert remark == (
        "The champion's saved answers are used, as it needs the column 'humid', which the data no longer has."
    )


def test_without_saved_answers_the_obstacle_is_told(made, champion):
    with pytest.raises(ContractError, match="cannot answer these rows: it needs the column 'humid', which the data no"):
        answer_as_champion(
            flights_project, read_bundle(champion / "bundle"), [without(holdout(made), "humid")], made.contract
        )


def test_a_column_of_another_type_is_an_obstacle(made, champion):
    rows = holdout(made)
    as_text = rows.table.set_column(
        rows.table.column_names.index("distance"), "distance", rows.table["distance"].cast(pa.string())
    )
    with pytest.raises(ContractError, match="it takes the column 'distance' as integer, and the data has string"):
        answer_as_champion(
            flights_project, read_bundle(champion / "bundle"), [dataclasses.replace(rows, table=as_text)], made.contract
        )


def test_a_column_in_another_unit_is_an_obstacle(made, champion):
    temp = dataclasses.replace(made.contract.columns["temp"], unit="degC")
    contract = dataclasses.replace(made.contract, columns=made.contract.columns | {"temp": temp})
    with pytest.raises(ContractError, match="it takes the column 'temp' in None, and the data has it in degC"):
        answer_as_champion(flights_project, read_bundle(champion / "bundle"), [holdout(made)], contract)


def test_a_value_that_the_champion_never_knew_is_no_obstacle(made, champion):
    known = made.contract.columns["carrier"]
    carrier = dataclasses.replace(known, values=["XX", *known.values])
    contract = dataclasses.replace(made.contract, columns=made.contract.columns | {"carrier": carrier})
    rows = holdout(made)
    names = pa.array(["XX"] * len(rows.target))
    table = rows.table.set_column(rows.table.column_names.index("carrier"), "carrier", names)
    rows = dataclasses.replace(rows, table=table)
    answers, remark = answer_as_champion(flights_project, read_bundle(champion / "bundle"), [rows], contract)
    assert remark is None
    assert np.isfinite(answers).all()


def test_rows_that_are_not_among_the_saved_answers_are_counted(made, champion):
    save_answers(champion, made, lambda table: table.slice(5))
    with pytest.raises(ContractError, match=r"and 5 of 2,\d{3} rows are not among its saved answers"):
        answer_as_champion(
            flights_project, read_bundle(champion / "bundle"), [without(holdout(made), "humid")], made.contract
        )


def test_saved_answers_without_an_id_are_of_no_use(made, champion):
    save_answers(champion, made)
    rows = without(without(holdout(made), "humid"), "flight_id")
    with pytest.raises(ContractError, match="which the data no longer has; and no id pairs its saved answers"):
        answer_as_champion(flights_project, read_bundle(champion / "bundle"), [rows], made.contract)


# Which rows it has learned from


def learned(workspace: Any, **training: object) -> Bundle:
    bundle = read_bundle(workspace.root / "bundle")
    return dataclasses.replace(bundle, manifest=bundle.manifest | {"training": bundle.manifest["training"] | training})


def unseen_periods(bundle: Bundle, workspace: Any) -> set[str]:
    rows = holdout(workspace)
    kept = unseen(bundle, rows, workspace.contract, workspace.params, bundle.manifest["data"])
    return set(periods_of(rows, workspace.contract.time, workspace.params)[kept])


@pytest.mark.parametrize(
    ("training", "expected"),
    [
        ({}, {"2013-11", "2013-12"}),
        ({"last_period": "2013-11"}, {"2013-12"}),
        ({"last_period": "2013-12"}, set()),
        ({"first_period": "2013-12", "last_period": "2013-12"}, {"2013-11"}),
        ({"validation_periods": ["2013-11"]}, {"2013-12"}),
        ({"validation_periods": ["2013-11", "2013-12"]}, set()),
    ],
)
def test_periods_that_trained_or_chose_the_threshold_are_not_unseen(made, training, expected):
    assert unseen_periods(learned(made, **training), made) == expected


def test_a_champion_by_days_has_seen_days(made):
    bundle = learned(made, first_period="2013-01-01", last_period="2013-11-20", validation_periods=["2013-11-21"])
    bundle = dataclasses.replace(
        bundle, manifest=bundle.manifest | {"params": bundle.manifest["params"] | {"period": "day"}}
    )
    rows = holdout(made)
    kept = unseen(bundle, rows, made.contract, made.params, bundle.manifest["data"])
    assert rows.table.filter(pa.array(kept))["scheduled_departure"].to_numpy().min() >= np.datetime64("2013-11-22")
    assert rows.table.filter(pa.array(~kept))["scheduled_departure"].to_numpy().max() < np.datetime64("2013-11-22")


SEVEN = {
    "last_period": "2013-11-16",
    "train_days": ["2013-01-01", "2013-11-16"],
    "validation_periods": ["2013-11"],
    "validation_days": ["2013-11-17", "2013-11-23"],
    "holdout_periods": ["2013-11"],
    "holdout_days": ["2013-11-24", "2013-11-30"],
}


@pytest.mark.parametrize("seven", [True, False], ids=["days against periods", "days against days"])
def test_a_champion_that_held_out_days_has_not_seen_these_whatever_the_challenger_holds_out(made, seven):
    params = dataclasses.replace(made.params, split=Split(2, 1) if seven else Split("45d", "7d"))
    rows = read_rows(made.root, made.contract, params, "holdout")
    bundle = learned(made, **SEVEN)
    kept = unseen(bundle, rows, made.contract, params, bundle.manifest["data"])
    days = np.unique(rows.table.filter(pa.array(kept))["scheduled_departure"].to_numpy().astype("datetime64[D]"))
    assert [str(day) for day in days] == [str(day) for day in np.arange("2013-11-24", "2014-01-01", dtype="M8[D]")]
    assert days_of_rows(rows.table, "scheduled_departure").min() < np.datetime64("2013-11-24")


def test_a_champion_that_held_out_a_period_has_not_seen_its_last_days(made):
    params = dataclasses.replace(made.params, split=Split("14d", "7d"))
    rows = read_rows(made.root, made.contract, params, "holdout")
    bundle = read_bundle(made.root / "bundle")
    assert unseen(bundle, rows, made.contract, params, bundle.manifest["data"]).all()
    assert not unseen(learned(made, last_period="2013-12"), rows, made.contract, params, {}).any()


def timeless(workspace: Any, ids: bool) -> tuple[Bundle, Rows, Any, Any]:
    """As if the data had no time, and no ids where that is said: bundle, rows, contract and parameters."""
    unused = ["scheduled_departure"] if ids else ["scheduled_departure", "flight_id"]
    columns = {
        name: dataclasses.replace(column, role="unused", ascending=False) if name in unused else column
        for name, column in workspace.contract.columns.items()
    }
    contract = dataclasses.replace(workspace.contract, columns=columns)
    bundle = read_bundle(workspace.root / "bundle")
    split = {"holdout": 0.2, "validation": 0.3, "window": None}
    manifest = bundle.manifest | {"params": bundle.manifest["params"] | {"split": split}}
    params = dataclasses.replace(
        workspace.params, split=dataclasses.replace(workspace.params.split, holdout=0.2, validation=0.3)
    )
    return dataclasses.replace(bundle, contract=contract, manifest=manifest), holdout(workspace), contract, params


def test_without_time_the_champions_own_split_by_id_tells(made):
    bundle, rows, contract, params = timeless(made, ids=True)
    wider = dataclasses.replace(params, split=dataclasses.replace(params.split, holdout=0.4))
    kept = unseen(bundle, rows, contract, wider, bundle.manifest["data"])
    assert 0.15 < kept.mean() < 0.25
    assert np.array_equal(kept, split_rows(rows.table, contract, params.split) == "holdout")


def test_without_time_and_id_the_same_split_of_the_same_data_tells(made):
    bundle, rows, contract, params = timeless(made, ids=False)
    assert unseen(bundle, rows, contract, params, bundle.manifest["data"]).all()


@pytest.mark.parametrize("changed", ["split", "data"])
def test_without_time_and_id_nobody_can_tell_after_a_change(made, changed):
    bundle, rows, contract, params = timeless(made, ids=False)
    data = bundle.manifest["data"]
    if changed == "split":
        params = dataclasses.replace(params, split=dataclasses.replace(params.split, holdout=0.3))
    else:
        data = {"source": "another", "periods": {}}
    with pytest.raises(ContractError, match="the champion may have learned from this holdout; give the contract an id"):
        unseen(bundle, rows, contract, params, data)


@pytest.mark.parametrize("ids", [True, False])
def test_with_other_columns_of_role_time_or_id_nobody_can_tell(made, ids):
    bundle, rows, _, params = timeless(made, ids)
    with pytest.raises(ContractError, match="another contract: the columns of role time, id and group are not"):
        unseen(bundle, rows, made.contract, params, bundle.manifest["data"])
