"""A commit that changes policy.yaml is judged by main's too. The champion is the model itself: only policies decide."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from modelyard.judging.gate import main
from modelyard.judging.verdict import CHANGED
from modelyard.reporting.document import to_markdown
from modelyard.reporting.evidence import gather
from modelyard.reporting.report import report

from flight_delays import project as flights_project

PLAIN = "champion: {draws: 200}\nfloors: {log_loss: 0.69}\n"
STRICT = "champion: {draws: 200}\nfloors: {log_loss: 0.01}\n"
LAX = "champion: {draws: 200, margin: 0.5}\n"


@pytest.fixture
def workspace(made, tmp_path, monkeypatch) -> Path:
    """A workspace with main's model, which is the same one, as `make champion` leaves it."""
    root = tmp_path / "flights"
    shutil.copytree(made.root, root, ignore=shutil.ignore_patterns("source"))
    shutil.copytree(root / "bundle", root / "champion/bundle")
    (root / "champion/origin.json").write_text('{"from": "main at 1a2b3c4", "absent": false}')
    monkeypatch.chdir(root)
    return root


def judge(root: Path, mains: str | None, here: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    """The status of the gate and the verdict that it wrote, with these policies."""
    (root / "policy.yaml").write_text(here)
    if mains is not None:
        (root / "champion/policy.yaml").write_text(mains)
    with pytest.raises(SystemExit) as ended:
        main(arguments, flights_project)
    return int(ended.value.code or 0), json.loads((root / "reports/verdict.json").read_text())


@pytest.mark.parametrize(("mains", "here"), [(STRICT, PLAIN), (PLAIN, STRICT)], ids=["main's", "this commit's"])
def test_each_policy_alone_can_block(workspace, mains, here):
    status, verdict = judge(workspace, mains, here)
    assert (status, verdict["verdict"]) == (1, "blocked")
    assert verdict["policy"]["changed"] == [
        f"floors.log_loss: {0.01 if mains is STRICT else 0.69}, now {0.01 if here is STRICT else 0.69}"
    ]
    says = {name: verdict["policy"][name].partition(":")[0] for name in ("by_main", "by_this")}
    strict = "by_main" if mains is STRICT else "by_this"
    assert says == dict.fromkeys(says, "The model may ship") | {strict: "The model is blocked"}
    (broken,) = [rule["policy"] for rule in verdict["rules"] if rule["kept"] is False]
    line = "policy.yaml line 2: `floors: {log_loss: 0.01}`"
    assert broken == (f"main's {line}" if mains is STRICT else line)


def test_a_policy_that_is_laxer_and_not_needed_ships_and_stands_first(workspace, capsys):
    status, verdict = judge(workspace, PLAIN, LAX)
    assert (status, verdict["verdict"]) == (0, "ships")
    assert verdict["policy"]["changed"] == ["floors.log_loss: 0.69, now absent", "champion.margin: 0.0, now 0.5"]
    assert f"{CHANGED}:\n\n- By main's policy: The model may ship" in capsys.readouterr().out
    text = to_markdown(report(gather(workspace)))
    assert text.startswith(f"## ⚠️ {CHANGED}\n\n- By main's policy: The model may ship")
    assert text.index("champion.margin: 0.0, now 0.5") < text.index("May merge")


def test_the_rest_of_the_policy_does_not_judge(workspace):
    _, verdict = judge(workspace, PLAIN, f"# a remark\n{PLAIN}canary: {{scores: {{tolerated: 0.2}}}}\n")
    assert verdict["policy"] is None


@pytest.mark.parametrize("arguments", [["--own-policy"], ["--no-champion"]])
def test_what_is_on_main_already_is_judged_by_its_own_policy(workspace, arguments):
    status, verdict = judge(workspace, STRICT, PLAIN, *arguments)
    assert (status, verdict["policy"]) == (0, None)


def test_a_champion_without_a_policy_leaves_the_one_here(workspace):
    assert judge(workspace, None, PLAIN)[1]["policy"] is None


@pytest.mark.parametrize(("mains", "status"), [(STRICT, 1), (PLAIN, 0)])
def test_where_nothing_can_be_compared_mains_rules_for_one_model_judge(workspace, mains, status):
    shutil.rmtree(workspace / "champion/bundle")
    ended, verdict = judge(workspace, mains, "champion: {require: none}\n")
    assert (ended, verdict["verdict"]) == (status, ["ships", "blocked"][status])
    assert any(line.startswith("floors.log_loss") for line in verdict["policy"]["changed"])


@pytest.mark.parametrize("mains", ["floors: {rmse: 3.0}\n", "judges: nobody\n"], ids=["another kind", "another format"])
def test_a_policy_that_cannot_be_applied_is_said_first(workspace, mains):
    status, verdict = judge(workspace, mains, PLAIN)
    assert (status, verdict["verdict"], verdict["policy"]["changed"]) == (0, "ships", [])
    assert verdict["policy"]["by_main"].startswith("it cannot be applied: ")
