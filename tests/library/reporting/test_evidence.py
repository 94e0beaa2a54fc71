from __future__ import annotations

import json
import shutil

import pytest
from modelyard.judging import gate
from modelyard.reporting.evidence import gather, lines, read_refusal, reference
from modelyard.reporting.sections.headline import headline
from modelyard.runtime.contract import ContractError
from modelyard.training import layout

from flight_delays import project as flights_project


def test_champion_verdict_and_costs_are_found_in_their_usual_places(project):
    verdict = project.judge()
    found = project.gather()
    assert found.main is not None
    assert found.main.folder == project.main
    assert found.verdict == verdict
    assert found.comparison == verdict["comparison"]
    assert found.notes == ()


def test_a_model_alone_has_neither_champion_nor_verdict(alone):
    found = alone.gather()
    assert (found.main, found.verdict, found.comparison, found.notes) == (None, None, None, ())


def test_without_a_bundle_the_way_to_make_one_is_told(tmp_path):
    with pytest.raises(ContractError, match=r"bundle holds no bundle .*; make it with `make pipeline`"):
        gather(tmp_path)


def test_a_verdict_on_another_bundle_is_left_out_and_that_is_noted(project):
    project.judge(challenger={"bundle": "0" * 64})
    found = project.gather()
    assert found.verdict is None
    (note,) = found.notes
    assert "another bundle (000000000000)" in note
    assert "make gate" in note


def test_a_verdict_against_another_champion_is_left_out_and_that_is_noted(project):
    project.judge(champion={"bundle": "0" * 64, "from": "main"})
    found = project.gather()
    assert found.verdict is None
    assert "another champion" in found.notes[0]


def test_a_verdict_that_found_no_bundle_to_judge_is_kept(project):
    project.judge(verdict="unjudged", challenger=None, champion=None, comparison=None, rules=[])
    assert project.gather().verdict is not None


@pytest.mark.parametrize("changed", [None, "policy.yaml", "bundle/manifest.json"])
def test_what_could_not_be_judged_is_left_out_once_policy_or_bundle_is_another(project, monkeypatch, changed):
    monkeypatch.chdir(project.root)
    policy = project.root / "policy.yaml"
    right = policy.read_text()
    policy.write_text("champion: {metric: nosuch}\n")
    with pytest.raises(SystemExit) as ended:
        gate.main([], flights_project)
    assert ended.value.code == 2
    if changed:
        with (project.root / changed).open("a") as opened:
            opened.write("\n")
    found = project.gather()
    if changed is None:
        assert "'nosuch' is no such metric" in found.verdict["reason"]
        return
    what = {"policy.yaml": "another policy.yaml"}.get(changed, "another bundle")
    assert (found.verdict, *found.notes) == (
        None,
        f"reports/verdict.json is about {what} and is left out; judge it again with `make gate`",
    )
    policy.write_text(right)
    assert headline(project.gather())[0].title.startswith("✅ flights ")


def test_a_champion_that_cannot_be_read_is_left_out_and_that_is_noted(project):
    (project.main / "model.onnx").write_bytes(b"")
    found = project.gather()
    assert found.main is None
    assert "model.onnx is not the file that the manifest lists" in found.notes[0]


def test_a_champion_that_was_named_must_be_there(project, tmp_path):
    with pytest.raises(ContractError, match="holds no bundle"):
        gather(project.root, champion=tmp_path / "nothing")


def test_a_champion_and_a_verdict_elsewhere_can_be_named(project, tmp_path):
    verdict = project.judge()
    shutil.move(project.main, tmp_path / "other")
    shutil.move(project.root / "reports/verdict.json", tmp_path / "verdict.json")
    found = gather(project.root, tmp_path / "other", tmp_path / "verdict.json")
    assert found.main is not None
    assert found.verdict == verdict


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, r"there is no verdict in .*verdict\.json; judge it again with `make gate`"),
        ("{", "is no verdict as `make gate` writes it"),
        ("[]", "is no verdict as `make gate` writes it"),
        ("{}", "is no verdict as `make gate` writes it"),
        ('{"format": 2}', "has format 2, and 1 is known here"),
    ],
)
def test_a_verdict_that_is_none_is_refused(alone, tmp_path, text, message):
    path = tmp_path / "verdict.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ContractError, match=message):
        gather(alone.root, verdict=path)


def test_costs_are_in_the_order_of_the_pipeline(alone):
    folder = alone.root / "reports/cost"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for stage in ("bundle", "own", "ingest", "train"):
        (folder / f"{stage}.json").write_text(json.dumps({"seconds": 1.5, "peak_mb": 100.0}))
    assert list(alone.gather().costs) == ["ingest", "train", "bundle", "own"]


def test_what_an_older_bundle_lacks_is_empty(alone):
    found = alone.gather()
    for name in ("importance.csv", "reference.json"):
        (alone.bundle / name).unlink()
    assert lines(found.this, layout.IMPORTANCE) == []
    assert reference(found.this) == {}


def test_a_refusal_is_read_where_there_is_one(tmp_path):
    assert read_refusal(tmp_path) is None
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/refusal.json").write_text('{"stage": "ingest", "message": "bad"}')
    assert read_refusal(tmp_path) == {"stage": "ingest", "message": "bad"}
