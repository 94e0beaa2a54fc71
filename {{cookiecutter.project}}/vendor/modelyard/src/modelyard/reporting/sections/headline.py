"""What a reviewer must know first: whether the model may ship, whether it is better than main's, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from ...judging.policy import POLICY, judge_alone, policy_line, read_policy
from ...judging.verdict import CHANGED, PolicyChange
from ...judging.verdict import TITLES as VERDICTS
from ...judging.warned import shown_warnings
from ...markdown import code, cut, interval, number, prose, verbatim
from ..document import Section, Table
from ..evidence import Evidence
from .lineage import span
from .standing import difference, standing

TITLES = {"ships": "✅ May merge", "blocked": "⛔ Blocked", "unjudged": "⚠️ Could not be judged"}
MARKS = {True: "✅", False: "❌", None: "⚠️"}
ORDER = {False: 0, None: 1, True: 2}
ALIKE = 3  # slices that are shown for one line of the policy
TITLE, LONG = 100, 1000  # characters of a reason
LISTED = 10  # rules that a terminal shows
MOST_CHANGES = 20  # lines on the policy
UNKNOWN = {"low": None, "high": None}


def headline(evidence: Evidence) -> list[Section]:
    """The verdict, or without one, whether this model alone keeps the policy; kept rules are folded."""
    rules = _rules(evidence)
    kept, not_kept = ([one for one in rules if bool(one["kept"]) is is_kept] for is_kept in (True, False))
    broken = sum(rule["kept"] is False for rule in rules)
    if evidence.verdict:
        title = _title(evidence.verdict, _outcome(evidence))
    elif broken:
        title = f"❌ {_name(evidence)} breaks {broken} of the {len(rules)} rules for a model alone"
    else:
        title = f"✅ {_name(evidence)} keeps the {len(rules)} rules for a model alone"
    blocks: list[str | Table] = [*_long_reason(evidence.verdict), *_warnings(evidence), _standing(evidence)]
    if notes := [*(evidence.verdict or {}).get("notes", ()), *evidence.notes]:
        blocks.append("\n".join(f"- {prose(note)}" for note in notes[:10]))
    if not_kept:
        blocks.append(_rules_table(not_kept))
    count = f"{len(kept)} {'rule is' if len(kept) == 1 else 'rules are'} kept"
    folded = [Section(count if not_kept else f"All {count}", [_rules_table(kept)], folded=True)] if kept else []
    return [*policy_change(evidence.verdict), Section(title, blocks, level=2), *folded]


def in_short(evidence: Evidence) -> list[str]:
    """What a terminal shows of the headline, a line each: the verdict, the rules that are not kept, notes, warnings."""
    broken = [rule for rule in _rules(evidence) if not rule["kept"]]
    verdict, lines = evidence.verdict, []
    if verdict:
        lines.append(VERDICTS[verdict["verdict"]] + ("" if broken else f": {cut(verdict['reason'], LONG)}"))
    for rule in broken[:LISTED]:
        word = "broken" if rule["kept"] is False else "not to be told"
        lines.append(cut(f"{word}: {rule['rule']}: {rule['found']} ({rule['policy']})", LONG))
    if len(broken) > LISTED:
        lines.append(f"and {len(broken) - LISTED:,} more rules that are not kept")
    lines += [f"note: {cut(note, LONG)}" for note in evidence.notes]
    return lines + [f"warning: {name}: {cut(text, LONG)}" for name, text in _warned(evidence).items()]


def policy_change(verdict: Mapping[str, Any] | None) -> list[Section]:
    """What stands before all else where the policy differs from main's: both verdicts, and what differs."""
    change = (verdict or {}).get("policy")
    if not change:
        return []
    lines = PolicyChange(**change).lines()
    return [Section(f"⚠️ {CHANGED}", ["\n".join(f"- {prose(line, 300)}" for line in lines[:MOST_CHANGES])], level=2)]


def _warnings(evidence: Evidence) -> list[str]:
    """The warnings that the policy does not ignore, as a list."""
    texts = _warned(evidence)
    return ["\n".join(f"- ⚠️ **{code(name)}**: {prose(text, 600)}." for name, text in texts.items())] if texts else []


def _warned(evidence: Evidence) -> dict[str, str]:
    policy = read_policy(evidence.root / POLICY)
    return shown_warnings(evidence.this.metrics, policy.warnings, evidence.this.contract)


def unjudged(verdict: Mapping[str, Any], obstacle: str) -> Section:
    """The headline if there is no bundle to report on."""
    more = [] if obstacle in verdict["reason"] else [prose(obstacle, LONG)]
    return Section(_title(verdict, None), [*_long_reason(verdict), *more], level=2)


def stopped(refusal: Mapping[str, str]) -> Section:
    """The headline if the pipeline made no model."""
    title = f"⛔ No model: the pipeline stopped in {code(refusal['stage'], 40)}"
    return Section(title, [verbatim(refusal["message"])], level=2)


def unreported(obstacle: str, *, is_made: bool) -> Section:
    """The headline if there is nothing to report on, and neither a stage nor the gate has said why."""
    if is_made:
        return Section("⚠️ No report", [verbatim(obstacle)], level=2)
    reason = (
        "No stage says why: the pipeline has not run, or DVC or `make` stopped before its first stage. On GitHub, the "
        "log of the step `Pipeline`, or of the first one that failed, says what to do; here, `make pipeline` does."
    )
    return Section("⛔ No model: the pipeline made none", [reason, prose(obstacle, LONG)], level=2)


def _title(verdict: Mapping[str, Any], outcome: str | None) -> str:
    reason = verdict["reason"]
    if verdict["verdict"] == "ships":
        reason = outcome or reason
    elif broken := [rule for rule in verdict["rules"] if rule["kept"] is False]:
        count = len(broken) - 1
        more = f", and {count:,} more rule{' is' if count == 1 else 's are'} broken" if count else ""
        reason = f"{_finding(broken[0])}{more}"
    title = TITLES[verdict["verdict"]]
    return title if _long_reason(verdict) else f"{title}: {prose(reason, 200)}"


def _long_reason(verdict: Mapping[str, Any] | None) -> list[str]:
    """The reason as a paragraph, if it is an error message that is too long for a title."""
    if verdict is None or verdict["rules"] or len(verdict["reason"]) <= TITLE:
        return []
    return [prose(verdict["reason"], LONG)]


def _finding(rule: Mapping[str, Any]) -> str:
    """The finding of a broken rule, shortened if the rule says "not worse" and the finding repeats "worse by"."""
    subject, _, where = rule["rule"].partition(" not worse")
    if rule["found"].startswith("worse by ") and where:
        return f"{subject}{where if where.startswith(' where ') else ''} {rule['found']}"
    return f"{rule['rule']}: {rule['found']}"


def _outcome(evidence: Evidence) -> str | None:
    """How the model compares with main's, in a few words."""
    if not evidence.comparison:
        return None
    word = standing(evidence.comparison["metrics"].get(evidence.primary) or UNKNOWN)
    return {
        "better": f"{evidence.primary} is better than on main",
        "same": f"{evidence.primary} is as on main, within the noise",
        "worse": f"{evidence.primary} is worse than on main, by less than the policy minds",
    }.get(word or "")


def _name(evidence: Evidence) -> str:
    return prose(evidence.this.contract.name, 80)


def _standing(evidence: Evidence) -> str:
    this, main, comparison = evidence.this, evidence.main, evidence.comparison
    if comparison is None:
        return _alone(evidence)
    if main and main.manifest["files"]["model.onnx"] == this.manifest["files"]["model.onnx"]:
        return f"**The model is main's, byte for byte.** {_based_on(evidence)}"
    primary = comparison["metrics"].get(evidence.primary)
    word = standing(primary) if primary else None
    if primary is None or word is None:
        return f"**Whether the model is better or worse than main's cannot be told.** {_based_on(evidence)}"
    says = {"same": "as good as main's, within the noise"}.get(word, f"{word} than main's")
    return (
        f"**The model is {says}**: {evidence.primary} {number(primary['challenger'])} against main's "
        f"{number(primary['champion'])}, {difference(primary)}. {_based_on(evidence)}"
    )


def _alone(evidence: Evidence) -> str:
    this, name = evidence.this, evidence.primary
    metric, kind = this.metrics["holdout"][name], this.contract.kind
    training = this.manifest["training"]
    rows, periods = this.metrics["rows"], _periods(training.get("holdout_days") or training["holdout_periods"])
    return (
        f"{kind.capitalize()} model, {code(this.manifest['training']['estimator'], 40)}: {name} "
        f"{number(metric['value'])} ({interval(metric['low'], metric['high'])}) on {rows:,} holdout rows{periods}."
    )


def _based_on(evidence: Evidence) -> str:
    comparison = evidence.comparison or {}
    drawn = evidence.this.manifest["params"]["evaluate"]["resample"]
    return (
        f"Both answered the same {comparison['rows']:,} rows{_periods(comparison['periods'])}; "
        f"{100 * comparison['confidence']:g} % intervals from {comparison['draws']:,} paired draws of "
        f"{comparison['groups']:,} {drawn}s."
    )


def _periods(periods: Sequence[str]) -> str:
    return f" of {shown}" if (shown := span(periods)) else ""


def _rules(evidence: Evidence) -> list[dict[str, Any]]:
    """The rules that the gate judged; without a verdict, those that concern one model alone."""
    if evidence.verdict:
        rules = list(evidence.verdict["rules"])
    else:
        path = evidence.root / POLICY
        judged = judge_alone(read_policy(path), evidence.this.metrics, evidence.this.contract)
        rules = [
            {
                "rule": judgement.rule,
                "found": judgement.found,
                "kept": judgement.kept,
                "policy": policy_line(path, judgement.key),
            }
            for judgement in judged
        ]
    return sorted(rules, key=lambda rule: ORDER[rule["kept"]])


def _rules_table(rules: Sequence[Mapping[str, Any]]) -> Table:
    """The rules; of many slices under one line of the policy, only the worst few."""
    lines = []
    for line, alike in groupby(rules, key=lambda rule: (rule["policy"], rule["kept"])):
        same_line = list(alike)
        lines += [
            [MARKS[one["kept"]], prose(one["rule"], 120), prose(one["found"], 120), prose(one["policy"], 120)]
            for one in same_line[:ALIKE]
        ]
        if len(same_line) > ALIKE:
            lines.append([MARKS[line[1]], f"and {len(same_line) - ALIKE:,} more by this line of the policy", "", ""])
    return Table(["", "rule", "found", "stated in"], lines, shown=20, size=6_000)
