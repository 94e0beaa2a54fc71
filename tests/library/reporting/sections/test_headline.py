from __future__ import annotations

import pytest
from modelyard.reporting.document import to_markdown
from modelyard.reporting.sections.headline import headline, stopped, unjudged
from modelyard.training.edit import edit_yaml


def text(project) -> str:
    return to_markdown(headline(project.gather()))


def first_line(project) -> str:
    return text(project).splitlines()[0]


def test_a_blocked_model_is_told_with_metric_interval_and_policy_line(project):
    project.judge("blocked")
    assert first_line(project) == "## ⛔ Blocked: log_loss worse by 0.0212 (0.0180 to 0.0240)"
    row = "log_loss not worse than the champion's | worse by 0.0212 (0.0180 to 0.0240) | policy.yaml line 3: "
    assert f"| ❌ | {row}`margin: 0.0` |" in text(project)


def test_further_broken_rules_are_counted_in_the_title(project, new_rule):
    rules = [new_rule(f"log_loss not worse where carrier = {name}", False) for name in "ABC"]
    project.judge("blocked", rules=rules[:2])
    assert "log_loss where carrier = A worse by 0.0212 (0.0180 to 0.0240)" in first_line(project)
    assert first_line(project).endswith(", and 1 more rule is broken")
    project.judge("blocked", rules=rules)
    assert first_line(project).endswith(", and 2 more rules are broken")


def test_a_broken_rule_of_another_kind_is_told_in_its_words(project):
    rule = {"rule": "roc_auc at least 0.65", "found": "0.6019", "kept": False, "policy": "policy.yaml line 13"}
    project.judge("blocked", rules=[rule])
    assert first_line(project) == "## ⛔ Blocked: roc_auc at least 0.65: 0.6019"


def test_broken_rules_come_first_then_those_that_are_unclear_and_the_kept_are_folded(project, new_rule):
    project.judge("blocked", rules=[new_rule("one", True), new_rule("two", None), new_rule("three", False)])
    shown = text(project)
    places = [shown.index(mark) for mark in ("| ❌ | three", "| ⚠️ | two", "<b>1 rule is kept</b>", "| ✅ | one")]
    assert places == sorted(places)


def test_rules_that_one_line_of_the_policy_states_are_shown_in_part(project, new_rule):
    rules = [new_rule(f"log_loss not worse where dest = {number}", False, 8) for number in range(300)]
    project.judge("blocked", rules=[*rules, new_rule("another", False, 9)])
    shown = text(project)
    assert shown.count("| ❌ | log_loss not worse where") == 3
    assert "| ❌ | and 297 more by this line of the policy |" in shown
    assert "| ❌ | another" in shown


@pytest.mark.parametrize(
    ("half", "title", "sentence"),
    [
        (0.0001, "log_loss is worse than on main, by less than the policy minds", "**The model is worse than main's**"),
        (9.0, "log_loss is as on main, within the noise", "**The model is as good as main's, within the noise**"),
    ],
)
def test_what_ships_is_told_with_how_it_compares(project, half, title, sentence):
    project.judge("ships", half)
    assert first_line(project) == f"## ✅ May merge: {title}"
    assert sentence in text(project)
    assert "<b>All 2 rules are kept</b>" in text(project)


def test_a_better_model_is_said_to_be_better(project):
    verdict = project.judge("ships")
    found = verdict["comparison"]["metrics"]["log_loss"]
    found.update(champion=0.6, challenger=0.5, difference=-0.1, low=-0.2, high=-0.05)
    project.judge("ships", comparison=verdict["comparison"])
    assert first_line(project) == "## ✅ May merge: log_loss is better than on main"
    assert (
        "**The model is better than main's**: log_loss 0.5000 against main's 0.6000, -0.1000 (-0.2000 to -0.0500). "
        "Both answered the same 1,355 rows of 2013-11 to 2013-12; 95 % intervals from 1,000 paired draws of 31 "
    ) in text(project)


def test_an_undefined_difference_is_said_to_be_so(project):
    verdict = project.judge("unjudged")
    verdict["comparison"]["metrics"]["log_loss"].update(difference=None, low=None, high=None)
    project.judge("unjudged", comparison=verdict["comparison"])
    assert "**Whether the model is better or worse than main's cannot be told.**" in text(project)


def test_mains_own_model_is_said_to_be_that(project):
    project.take_from_main("model.onnx")
    project.judge("ships")
    assert "**The model is main's, byte for byte.**" in text(project)


def test_a_model_that_could_not_be_judged_is_told_with_the_reason(project):
    project.judge("unjudged", reason="another contract", rules=[], comparison=None, champion=None, challenger=None)
    assert first_line(project) == "## ⚠️ Could not be judged: another contract"


def test_a_long_reason_stands_below_the_title(project):
    reason = "the champion cannot be had: " + "its pipeline fails, " * 20
    project.judge("unjudged", reason=reason, rules=[], comparison=None, champion=None, challenger=None)
    assert first_line(project) == "## ⚠️ Could not be judged"
    assert reason.strip() in text(project)


def test_warnings_come_first_and_those_that_the_policy_ignores_are_left_out(alone):
    leak = {"name": "leak", "metric": "roc_auc", "inputs": {"@refund|": 0.999}}
    few = {"name": "few_positives", "classes": {"True": 12}}
    alone.rewrite(alone.bundle / "metrics.json", lambda metrics: metrics.update(warnings=[leak, few]))
    warned = text(alone).splitlines()[2:4]
    assert warned[0].startswith("- ⚠️ **`leak`**: `@refund|` (roc_auc 0.999) alone nearly tells the target.")
    assert warned[1].startswith("- ⚠️ **`few_positives`**: `True` has 12 holdout rows")
    edit_yaml(alone.root / "policy.yaml", {"warnings": {"leak": "ignore"}})
    assert "`leak`" not in text(alone)
    assert "`few_positives`" in text(alone)


def test_notes_are_listed(project):
    project.judge("ships", notes=["the champion answers with its own code", "@someone"])
    assert "- the champion answers with its own code\n- @\u2060someone" in text(project)


def test_a_model_alone_is_held_against_the_rules_for_one_model(alone):
    (alone.root / "policy.yaml").write_text("floors: {roc_auc: 0.1}\n")
    value = alone.metrics(alone.bundle)["roc_auc"]
    assert first_line(alone).startswith("## ✅ ")
    assert first_line(alone).endswith(" keeps the 2 rules for a model alone")
    row = f"roc_auc at least 0.1 | {value:.4f} | policy.yaml line 1: `floors: {{roc_auc: 0.1}}`"
    assert f"| ✅ | {row} |" in text(alone)
    assert "Binary model, `gradient_boosting`: log_loss " in text(alone)


def test_a_model_alone_that_breaks_a_rule_is_said_to(alone):
    (alone.root / "policy.yaml").write_text("floors: {roc_auc: 0.999}\n")
    assert first_line(alone).startswith("## ❌ ")
    assert first_line(alone).endswith(" breaks 1 of the 2 rules for a model alone")


def test_without_a_model_the_stage_that_stopped_and_its_words_are_told():
    section = stopped({"stage": "ingest", "message": "distance: must be at most 4000\n@someone"})
    assert to_markdown([section]) == (
        "## ⛔ No model: the pipeline stopped in `ingest`\n\n```\ndistance: must be at most 4000\n@someone\n```\n"
    )


def test_a_verdict_without_a_bundle_is_told_with_what_is_missing():
    verdict = {"verdict": "unjudged", "reason": "there is no champion", "rules": []}
    assert to_markdown([unjudged(verdict, "bundle holds no bundle")]) == (
        "## ⚠️ Could not be judged: there is no champion\n\nbundle holds no bundle\n"
    )
    assert to_markdown([unjudged(verdict, "there is no champion")]) == (
        "## ⚠️ Could not be judged: there is no champion\n"
    )
