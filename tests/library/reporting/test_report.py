from __future__ import annotations

import json
import re
import shutil

import pytest
from markdown_it import MarkdownIt
from modelyard import cli
from modelyard.judging import gate
from modelyard.reporting.document import LIMIT, to_markdown
from modelyard.reporting.evidence import gather
from modelyard.reporting.learning import learning
from modelyard.reporting.report import report, write
from modelyard.reporting.sections.headline import in_short

from flight_delays import project as flights_project


def run(monkeypatch, folder, *arguments: str) -> None:
    monkeypatch.chdir(folder)
    cli.run(flights_project, ["report", *arguments])


def comment(root) -> str:
    """The comment on a project; it is left among its reports, where the template's tests take it from."""
    text = to_markdown(report(gather(root)))
    (root / "reports").mkdir(exist_ok=True)
    (root / "reports/report.md").write_text(text, encoding="utf-8")
    return text


def headings(text: str) -> list[str]:
    return re.findall(r"^(?:#+ |<summary><b>)([^:<\n]+)", text, re.MULTILINE)


def test_the_report_begins_with_the_verdict_and_goes_on_as_a_reviewer_reads(project):
    project.judge("blocked")
    assert headings(comment(project.root)) == [
        "⛔ Blocked",
        "1 rule is kept",
        "Metrics",
        "Slices",
        "What changed",
        "Decisions",
        "ROC and precision-recall",
        "Calibration",
        "Importance",
        "Lineage and cost",
    ]


@pytest.mark.parametrize("workspace", ["made", "made_regression", "made_multiclass"])
def test_a_model_alone_is_reported_whatever_its_task(workspace, request, tmp_path):
    shutil.copytree(request.getfixturevalue(workspace).root, tmp_path / "flights")
    (tmp_path / "flights/policy.yaml").write_text("floors: {calibration_error: 99}\n")
    text = comment(tmp_path / "flights")
    assert headings(text)[1:3] == ["All 2 rules are kept", "Metrics"]
    answers = {
        "made": ["Decisions", "ROC and precision-recall"],
        "made_regression": ["Residuals"],
        "made_multiclass": ["Decisions"],
    }[workspace]
    assert headings(text)[3:] == ["Slices", *answers, "Calibration", "Importance", "Lineage and cost"]


def test_a_first_model_is_reported_without_a_champion(alone):
    (alone.root / "champion").mkdir()
    (alone.root / "champion/origin.json").write_text(json.dumps({"from": "main has no model yet"}))
    shutil.copytree(alone.bundle, alone.main)
    alone.judge("ships", champion=None, comparison=None, notes=["There is no champion yet"])
    shutil.rmtree(alone.main)
    text = comment(alone.root)
    assert text.startswith("## ✅ May merge: all 2 rules of the policy are kept\n")
    assert "- There is no champion yet" in text
    assert "What changed" not in text


def test_what_the_gate_writes_is_what_the_report_reads(project, monkeypatch):
    monkeypatch.chdir(project.root)
    with pytest.raises(SystemExit):
        gate.main([], flights_project)
    verdict = json.loads((project.root / "reports/verdict.json").read_text())
    assert verdict["comparison"] is not None
    text = comment(project.root)
    assert text.startswith(f"## {'✅ May merge' if verdict['verdict'] == 'ships' else '⛔ Blocked'}: ")
    for name, found in verdict["comparison"]["metrics"].items():
        assert f"| {name} | {found['champion']:.4f} | {found['challenger']:.4f} | " in text
    assert "ROC and precision-recall" in text


def test_the_verb_writes_both_forms_and_prints_the_metrics(alone, monkeypatch, capsys):
    run(monkeypatch, alone.root)
    printed = capsys.readouterr().out
    (found,) = [line for line in printed.splitlines() if line.startswith("| roc_auc | ")]
    held = json.loads((alone.bundle / "metrics.json").read_text())["holdout"]["roc_auc"]
    assert found.startswith(f"| roc_auc | {held['value']:.4f} | {held['low']:.4f} | {held['high']:.4f} | ")
    assert printed.endswith("\nThe report is in reports/report.html and reports/report.md\n")
    evidence = gather(alone.root)
    learned = learning(flights_project, evidence)
    assert learned is not None
    assert (alone.root / "reports/report.md").read_text() == to_markdown(report(evidence, learned))
    assert (alone.root / "reports/report.html").read_text().startswith("<!doctype html>")


def test_the_terminal_shows_verdict_broken_rules_and_warnings_above_the_table(project, monkeypatch, capsys):
    def warn(metrics: dict) -> None:
        metrics["warnings"] = [{"name": "leak", "inputs": {"distance": 0.99}, "metric": "roc_auc"}]

    project.rewrite(project.bundle / "metrics.json", warn)
    (project.root / "policy.yaml").write_text("floors: {roc_auc: 0.999}\n")
    run(monkeypatch, project.root)
    broken, warning, empty = capsys.readouterr().out.partition("| metric |")[0].splitlines()
    assert re.fullmatch(r"broken: roc_auc at least 0\.999: 0\.\d{4} \(policy\.yaml line 1: `floors: .*`\)", broken)
    assert warning.startswith("warning: leak: `distance` (roc_auc 0.990) alone nearly tells the target.")
    assert empty == ""

    verdict = project.judge("blocked", rules=[{"rule": "a\x1b[31m", "found": "b", "kept": False, "policy": "c"}] * 12)
    lines = in_short(project.gather())
    assert lines[:2] == ["The model is blocked", "broken: a [31m: b (c)"]
    assert lines[10:12] == ["broken: a [31m: b (c)", "and 2 more rules that are not kept"]
    project.judge("ships", rules=[])
    assert in_short(project.gather())[0] == f"The model may ship: {verdict['reason']}"
    assert in_short(project.gather())[1].startswith("warning: leak: ")
    (project.root / "policy.yaml").write_text("warnings: {leak: ignore}\n")
    assert len(in_short(project.gather())) == 1


def test_the_verb_takes_a_champion_and_a_verdict_from_elsewhere(project, tmp_path, monkeypatch, capsys):
    project.judge("blocked")
    shutil.move(project.main, tmp_path / "other")
    shutil.move(project.root / "reports/verdict.json", tmp_path / "verdict.json")
    run(monkeypatch, project.root, "--champion", str(tmp_path / "other"), "--verdict", str(tmp_path / "verdict.json"))
    assert "| metric | main | this | difference (interval) |" in capsys.readouterr().out
    assert (project.root / "reports/report.md").read_text().startswith("## ⛔ Blocked: ")


def test_a_pipeline_that_stopped_is_reported_and_not_the_model_of_before(alone, monkeypatch, capsys):
    (alone.root / "reports").mkdir(exist_ok=True)
    refusal = {"stage": "ingest", "message": "distance: must be at most 4000: 707 rows"}
    (alone.root / "reports/refusal.json").write_text(json.dumps(refusal))
    run(monkeypatch, alone.root)
    text = (alone.root / "reports/report.md").read_text()
    assert text.startswith("## ⛔ No model: the pipeline stopped in `ingest`\n\n```\ndistance: must be at most 4000")
    assert "Metrics" not in text
    assert "The pipeline stopped in ingest: distance" in capsys.readouterr().out


def test_a_gate_that_had_nothing_to_judge_is_reported(project, monkeypatch, capsys):
    shutil.rmtree(project.bundle)
    monkeypatch.chdir(project.root)
    with pytest.raises(SystemExit):
        gate.main([], flights_project)
    run(monkeypatch, project.root)
    assert (project.root / "reports/report.md").read_text().startswith("## ⚠️ Could not be judged")
    assert "bundle holds no bundle" in (project.root / "reports/report.md").read_text()
    assert "There is nothing to judge: bundle holds no bundle" in capsys.readouterr().out


def test_without_bundle_and_verdict_the_report_says_that_nothing_was_made(tmp_path, monkeypatch):
    """As where DVC stops before any stage."""
    with pytest.raises(SystemExit, match="error: bundle holds no bundle"):
        run(monkeypatch, tmp_path)
    text = (tmp_path / "reports/report.md").read_text()
    assert text.startswith("## ⛔ No model: the pipeline made none\n\nNo stage says why: ")
    assert "the log of the step `Pipeline`" in text
    assert "bundle holds no bundle" in text


def test_a_policy_that_cannot_be_read_is_reported_with_and_without_the_gate(project, monkeypatch, capsys):
    (project.root / "policy.yaml").write_text("champion: {metric: nosuch}\n")
    project.judge("ships")  # a stale one
    with pytest.raises(SystemExit, match="'nosuch' is no such metric"):
        run(monkeypatch, project.root)
    assert (project.root / "reports/report.md").read_text().startswith("## ⚠️ No report\n\n```\npolicy.yaml: champion")
    with pytest.raises(SystemExit):
        gate.main([], flights_project)
    run(monkeypatch, project.root)
    assert (project.root / "reports/report.md").read_text().startswith("## ⚠️ Could not be judged")
    assert "'nosuch' is no such metric" in capsys.readouterr().out


def test_a_wrong_option_leaves_the_report_as_it_was(project, monkeypatch):
    (project.root / "reports").mkdir(exist_ok=True)
    (project.root / "reports/report.md").write_text("of before")
    with pytest.raises(SystemExit, match="holds no bundle"):
        run(monkeypatch, project.root, "--champion", "nowhere")
    assert (project.root / "reports/report.md").read_text() == "of before"


def test_a_verdict_that_ships_does_not_stand_without_its_bundle(project, monkeypatch):
    project.judge("ships")
    shutil.rmtree(project.bundle)
    with pytest.raises(SystemExit, match="error: bundle holds no bundle"):
        run(monkeypatch, project.root)


@pytest.fixture(scope="module")
def huge(monster) -> str:
    """The comment on the largest project."""
    return comment(monster.root)


def test_the_comment_stays_under_the_limit_however_large_the_project_is(huge):
    assert len(huge) <= LIMIT
    assert headings(huge)[-1] == "Lineage and cost"  # nothing had to be left out for its length
    assert huge.count("more are in `report.html`") > 5


def test_the_comment_holds_no_markup_but_its_own_whatever_the_names(huge):
    tokens = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable(["table", "strikethrough"]).parse(huge)
    raw = [token.content.strip() for token in tokens if token.type == "html_block"]
    own = re.compile(r"(<details>\n<summary><b>[^<>]*</b></summary>)|(</details>)")
    assert all(own.fullmatch(block) for block in raw)
    assert raw.count("</details>") == len(raw) / 2
    spans = [child for token in tokens for child in token.children or []]
    assert {child.type for child in spans} == {"text", "code_inline", "strong_open", "strong_close"}
    for child in spans:
        if child.type == "text":
            assert not re.search(r"[@#]\w|://|www\.", child.content), child.content


def test_every_row_of_a_table_has_as_many_cells_as_its_head(huge):
    tables = re.findall(r"(?:^\|.*\|$\n?)+", huge, re.MULTILINE)
    assert len(tables) > 8
    for table in tables:
        counts = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(counts) == 1, table[:500]


def test_the_page_of_the_largest_project_has_all_of_it(monster):
    write(monster.root, report(monster.gather()), "flights")
    page = (monster.root / "reports/report.html").read_text(encoding="utf-8")
    assert page.count("<tr>") > 3_000
    assert "<script" not in page
    assert "<img" not in page
