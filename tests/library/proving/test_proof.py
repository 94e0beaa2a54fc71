from __future__ import annotations

import json
import shutil

import pytest
from modelyard.proving.proof import SHOWN, Proof, both_sides, compare
from modelyard.proving.tolerance import Difference

EDITED = Difference("evaluation/metrics.json: holdout.roc_auc.value", 0.99, 0.7018675)


def no_answers(model):
    raise AssertionError(f"{model} has the same bytes on both sides")


@pytest.mark.parametrize(
    ("verdict", "status"), [("nothing", 0), ("identical", 0), ("equivalent", 0), ("different", 1), ("unjudged", 2)]
)
def test_only_what_was_proven_ends_with_0(verdict, status):
    assert Proof(verdict, "because").exit == status


def test_the_json_says_all():
    proof = Proof("different", "edited", "1a2b3c4", (EDITED,), rewritten=("evaluation/metrics.json",))
    told = json.loads(proof.to_json())
    assert told["format"] == 1
    assert told["commit"] == "1a2b3c4"
    assert told["differences"] == [{"where": EDITED.where, "committed": 0.99, "retrained": 0.7018675}]


def test_people_see_the_first_differences_and_how_many_more_there_are():
    many = tuple(Difference(f"place {number}", number, None) for number in range(SHOWN + 5))
    proof = Proof("different", "much", None, many, (Difference("python", "3.11.7", "3.11.9"),))
    for text in (proof.to_text(), proof.to_markdown()):
        assert "place 0" in text
        assert f"place {SHOWN}" not in text
        assert "5 more" in text
        assert "3.11.9" in text
    assert "| `place 0` | `0` | `nothing` |" in proof.to_markdown()


def test_what_somebody_else_wrote_stays_text_in_the_markdown():
    hostile = "<img src=x> @everyone **bold**\n# title"
    text = Proof("different", f"{hostile}\n<hr>", None, (Difference(hostile, "a|b", "``c"),)).to_markdown()
    assert text.splitlines() == [
        "**Different:** \\<img src=x\\> @\u2060everyone \\*\\*bold\\*\\*",
        "",
        "`# title`",
        "",
        "`<hr>`",
        "",
        "| difference | committed | retrained |",
        "| --- | --- | --- |",
        "| `<img src=x> @everyone **bold** # title` | `a\\|b` | ``` ``c ``` |",
    ]


@pytest.mark.parametrize(
    ("committed", "retrained", "texts"),
    [
        (0.99, 0.7018675, ["0.9900", "0.7019"]),
        (0.70190001, 0.70190002, ["0.70190001", "0.70190002"]),
        (None, 3, ["nothing", "3"]),
        ("fc47d07e239b23a2ccb609f5ece14b44", "0840df460cb42adc5b00989d840d1abb.dir", ["fc47d07e", "0840df46"]),
    ],
)
def test_values_are_shown_in_a_few_characters(committed, retrained, texts):
    assert both_sides(Difference("x", committed, retrained)) == texts


def test_a_change_is_told_once_though_the_bundle_has_a_copy(made, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(made.root, other)
    metrics = (other / "evaluation/metrics.json").read_text().replace('"rows"', '"lines"')
    manifest = json.loads((other / "bundle/manifest.json").read_text())
    for name in ("evaluation", "bundle"):
        (other / name / "metrics.json").write_text(metrics)
    outs = ["bundle", "evaluation/metrics.json", "data/ledger.json"]
    found, environment = compare(other, made.root, outs, no_answers)
    assert [one.where for one in found] == [
        "evaluation/metrics.json: lines",
        "evaluation/metrics.json: rows",
        "bundle/manifest.json: files.metrics.json",
    ]
    assert environment == []
    assert manifest["files"]["metrics.json"]


def name_other_numpy(path):
    content = json.loads(path.read_text())
    content.get("environment", content)["packages"]["numpy"] = "2.0.0"
    path.write_text(json.dumps(content))


def test_the_environment_is_told_apart_from_the_differences(made, tmp_path):
    for name in ("bundle", "model"):
        shutil.copytree(made.root / name, tmp_path / name)
    name_other_numpy(tmp_path / "bundle/manifest.json")
    name_other_numpy(tmp_path / "model/environment.json")
    found, environment = compare(tmp_path, made.root, ["bundle", "model/environment.json"], no_answers)
    assert found == []
    assert [(one.where, one.committed) for one in environment] == [("numpy", "2.0.0")]


def test_a_commit_older_than_the_file_of_the_environment_has_it_in_its_bundle(made, tmp_path):
    shutil.copytree(made.root / "bundle", tmp_path / "bundle")
    name_other_numpy(tmp_path / "bundle/manifest.json")
    found, environment = compare(tmp_path, made.root, ["bundle"], no_answers)
    assert found == []
    assert [(one.where, one.committed) for one in environment] == [("numpy", "2.0.0")]


def test_a_bundle_with_another_environment_than_its_commit_is_different(made, tmp_path):
    for name in ("bundle", "model"):
        shutil.copytree(made.root / name, tmp_path / name)
    name_other_numpy(tmp_path / "bundle/manifest.json")
    found, environment = compare(tmp_path, made.root, ["bundle"], no_answers)
    assert [one.where for one in found] == ["bundle/manifest.json: environment.packages.numpy"]
    assert environment == []
