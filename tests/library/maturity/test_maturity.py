"""Three states of a project, and what each safeguard is worth: docs/maturity.md shows both tables.

To write them anew: `WRITE_PAGE=1 python -m pytest tests/library/maturity/test_maturity.py -k page`.
"""

from __future__ import annotations

import json
import os

import pytest
from library.maturity.practice import hand_over
from library.maturity.safeguards import SAFEGUARDS, Safeguard
from modelyard.errors import YardError
from modelyard.markdown import markdown_table
from modelyard.maturity.found import score
from modelyard.maturity.items import ITEMS
from modelyard.maturity.levels import levels
from modelyard.maturity.maturity import main

from projects import ROOT

PAGE = ROOT / "docs/maturity.md"
NAMES = {item.key: item.name for item in ITEMS}


def test_there_are_seven_items_of_each_section():
    sections = [item.section for item in ITEMS]
    assert {one: sections.count(one) for one in sections} == dict.fromkeys(
        ("data", "model", "infrastructure", "monitoring"), 7
    )
    assert len(NAMES) == len(set(NAMES.values())) == 28


def test_what_is_not_committed_counts_for_nothing(fresh, tmp_path):
    practice = fresh.copy(tmp_path / "at")
    before = practice.states()
    practice.git("rm", "--quiet", "--cached", "dvc.lock")
    gone = {key for key, state in practice.states().items() if state != before[key]}
    assert gone == {"schema", "benefit", "simpler", "slices", "integrated"}


def test_results_of_tests_that_are_older_than_the_code_count_for_nothing(released, tmp_path):
    practice = released.copy(tmp_path / "at")
    path = practice.root / "contract.yaml"
    os.utime(path, (os.stat(practice.root / "reports/junit.xml").st_mtime + 5,) * 2)
    rules = practice.judge()["rules"]
    assert (rules.state, rules.lacks[0].what) == ("missing", "reports/junit.xml is older than contract.yaml")


def test_tags_that_were_not_made_by_register_are_not_believed(released, tmp_path):
    practice = released.copy(tmp_path / "at")
    practice.git("tag", "flight-delays@v9.0.0")
    judged = practice.judge()
    assert {judged[key].state for key in ("validated", "canary", "rollback")} == {"missing"}
    assert "is a lightweight tag" in judged["canary"].lacks[0].what


def test_another_project_with_other_data_is_judged_alike(released, penguins):
    theirs, ours = penguins.states(), released.states()
    assert theirs == ours | {"reproducible": "missing", "tuned": "missing"}  # it was neither proven nor tuned
    traces = [trace.what for one in penguins.judge().values() for trace in one.traces]
    assert "ingest held 344 rows of 1 periods against contract.yaml as it is now" in traces


@pytest.mark.parametrize("safeguard", SAFEGUARDS, ids=lambda one: one.words)
def test_a_safeguard_that_is_removed_lowers_its_item_alone(safeguard: Safeguard, whole, everything, github):
    safeguard.remove(whole, github)
    hand_over(whole, github)
    judged = whole.judge()
    changed = {key: one.state for key, one in judged.items() if one.state != everything[key].state}
    assert changed == {safeguard.key: safeguard.without}
    assert judged[safeguard.key].points < everything[safeguard.key].points
    assert judged[safeguard.key].lacks[0].what


def test_each_item_has_a_safeguard_that_can_be_removed():
    assert {one.key for one in SAFEGUARDS} == NAMES.keys()


@pytest.mark.parametrize(
    ("name", "text"),
    [("verdict.json", "{"), ("prove.json", "[]"), ("junit.xml", "<a"), ("monitor.json", "\xff")],
)
def test_a_report_that_cannot_be_read_is_named(fresh, tmp_path, name, text):
    practice = fresh.copy(tmp_path / "at")
    (practice.root / "reports" / name).write_bytes(text.encode("latin-1"))
    with pytest.raises(YardError, match=rf"reports/{name} (holds no JSON object|is no XML).*(again|remove)"):
        practice.judge()


def test_the_command_prints_writes_and_summarises_the_same(fresh, tmp_path, monkeypatch, capsys):
    practice = fresh.copy(tmp_path / "at")
    monkeypatch.chdir(practice.root)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    project = practice.workspace.project
    main(["--json"], project)
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads((practice.root / "reports/maturity.json").read_text())
    assert {one["key"]: one["state"] for one in told["items"]} == practice.states()
    assert (told["score"], told["commit"]) == (0.0, practice.git("rev-parse", "HEAD"))
    summary = (tmp_path / "summary.md").read_text()
    assert summary == (practice.root / "reports/maturity.md").read_text()
    assert summary.startswith("## Maturity\n\n**ML Test Score 0**")
    assert all(item.name in summary for item in ITEMS)
    main([], project)
    printed = capsys.readouterr().out
    assert "  0.5  Rows are held to a contract\n       + ingest held 16,839 rows" in printed
    assert "score: 0, the least of the four sections\nGoogle: level 0 of 2; level 1 lacks " in printed


def test_the_page_has_the_three_states_and_the_safeguards(fresh, released, everything):
    states = {
        "fresh": list(fresh.judge().values()),
        "after the first release": list(released.judge().values()),
        "with production on": list(everything.values()),
    }
    rows = []
    for item in ITEMS:
        points = [f"{next(one for one in judged if one.key == item.key).points:g}" for judged in states.values()]
        rows.append([item.section, item.name, *points])
    rows.append(["", "**score**", *(f"**{score(judged)[0]:g}**" for judged in states.values())])
    for number, of in enumerate(("Google, of 2", "Microsoft, of 4")):
        rows.append(["", f"level of {of}", *(str(levels(judged)[number].reached) for judged in states.values())])
    removed = [[one.words, NAMES[one.key], everything[one.key].state, one.without] for one in SAFEGUARDS]
    tables = {
        "states": markdown_table(["section", "item", *states], rows),
        "safeguards": markdown_table(["what is removed", "item", "before", "after"], removed),
    }
    text = PAGE.read_text(encoding="utf-8")
    for name, table in tables.items():
        (before, rest), end = text.split(f"<!-- {name} -->\n"), f"<!-- end of {name} -->"
        text = f"{before}<!-- {name} -->\n{table}\n{end}{rest.split(end)[1]}"
    if os.environ.get("WRITE_PAGE"):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text, "see the top of this file for how to write the page anew"
