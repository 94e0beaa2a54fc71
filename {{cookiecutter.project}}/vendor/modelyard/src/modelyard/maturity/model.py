"""The items about the model: who looked at it, what it was compared with, and whom it serves."""

from __future__ import annotations

import re
from typing import Any

from ..git import git
from ..training.journal import TOLD
from ..training.layout import CARD, METRICS, SLICES
from ..training.metrics import PRIMARY
from ..training.study import journal_of
from .data import GITHUBS
from .evidence import MONITOR, PracticeEvidence
from .found import Lack, Part, Trace, best
from .reports import TUNING

RECENT = 20  # commits that are looked at
AGES = 3  # windows of one model by which its ageing is seen
PEOPLE = re.compile(r"^#+ Groups of people[ \t]*\n(.*?)(?=^#|\Z)", re.MULTILINE | re.DOTALL)


def review(found: PracticeEvidence) -> list[Part]:
    """Somebody other than the author agrees to a change of the model."""
    rules: Part = Lack("GitHub's rules for main are not known here", "GH_TOKEN=... make maturity")
    if found.hub.rulesets is not None:
        rules = Trace(
            "main takes only changes that passed the checks and were approved", "rulesets on GitHub", "", True
        )
        if found.hub.rulesets:
            rules = Lack(f"rules on GitHub are not as wanted: {found.hub.rulesets[0]}", "make github APPLY=1")
    committers = git(found.root, "log", f"--max-count={RECENT}", "--format=%ce", "--first-parent").split()
    merged = committers.count(GITHUBS)
    if not merged:
        return [rules]
    what = f"{merged} of the last {len(committers)} commits were merged on GitHub as pull requests"
    return [best(rules, Trace(what, "the history of main"))]


def online(found: PracticeEvidence) -> list[Part]:
    """What was measured before a release is compared with what happened after it."""
    judged = _judged(found)
    if not judged:
        return [Lack("no window of production has a metric beside the release's own", MONITOR)]
    metric = PRIMARY[found.contract.kind]
    newest = {one["bundle"]: one for one in judged}
    values = {
        bundle: f"{one['performance'][metric]['value']:.4f} (at the release {one['release'][metric]['value']:.4f})"
        for bundle, one in newest.items()
    }
    told = "; ".join(f"{bundle}: {value}" for bundle, value in values.items())
    trace = found.figure(f"{metric} in production of bundle {told}")
    if len(newest) > 1:
        return [trace]
    return [
        trace,
        Lack("one model does not show whether both go the same way; a second one has to be watched", MONITOR),
    ]


def tuned(found: PracticeEvidence) -> list[Part]:
    """Settings of the model are searched for, and not guessed."""
    for files in found.reports:
        if TUNING in files.files:
            return [files.trace(TUNING, "tune.yml searched for better settings")]
    journal = None
    if found.pipeline.lock.stages and found.params.model.estimator in found.params.tune.space:
        journal = journal_of(found.root, found.contract, found.params)
    if journal is None or not journal.is_file():
        return [Lack("no search for settings has run on the data as it is now", "make tune")]
    trials = journal.read_bytes().count(TOLD)
    where = journal.relative_to(found.root).as_posix()
    return [Trace(f"{trials} trials were measured on the validation rows", where)]


def ageing(found: PracticeEvidence) -> list[Part]:
    """How a model does as it grows older is known."""
    ages: dict[str, list[dict[str, Any]]] = {}
    for one in _judged(found):
        ages.setdefault(one["bundle"], []).append(one)
    oldest = max(ages.values(), key=len, default=[])
    if len(oldest) < AGES:
        lacking = f"{len(oldest)} windows of one model have a metric; {AGES} are needed to see it age"
        return [Lack(lacking, MONITOR)]
    metric = PRIMARY[found.contract.kind]
    values = [f"{one['performance'][metric]['value']:.4f}" for one in oldest]
    what = (
        f"{metric} of bundle {oldest[0]['bundle']} in {len(values)} windows: {values[0]} at first, {values[-1]} at last"
    )
    return [found.figure(what)]


def simpler(found: PracticeEvidence) -> list[Part]:
    """A simple answer is compared with the model's."""
    gain = found.pipeline.read_json(METRICS).get("gain", {})
    if not gain:
        return [found.pipeline.part(METRICS, "")]
    interval = f"{gain['value']:.4f} ({gain['low']:.4f} to {gain['high']:.4f})"
    if not gain["low"] > 0:
        lacking = f"the model is not surely better than the same answer for every row: gain {interval}"
        return [Lack(lacking, "make report")]
    what = f"better than the same answer for every row, by {interval} in {PRIMARY[found.contract.kind]}"
    return [found.pipeline.part(METRICS, what)]


def slices(found: PracticeEvidence) -> list[Part]:
    """The model is measured apart on each part of the data that matters."""
    wanted = found.contract.slices
    if not wanted:
        return [Lack("contract.yaml names no `slices`; name columns for whose values the model is judged apart", "")]
    lines = found.pipeline.read_lines(SLICES)
    measured = {line["column"] for line in lines}
    if lines and (absent := [name for name in wanted if name not in measured]):
        lacking = f"no value of {', '.join(absent)} has enough holdout rows (evaluate.slice_rows)"
        return [found.pipeline.part(SLICES, _slices_told(lines)), Lack(lacking, "make pipeline")]
    return [found.pipeline.part(SLICES, _slices_told(lines) if lines else "")]


def people(found: PracticeEvidence) -> list[Part]:
    """Whether the model treats groups of people alike was looked at."""
    name = CARD.as_posix()
    text = (found.root / CARD).read_text(encoding="utf-8") if found.pipeline.depends_on("bundle", name) else ""
    section = PEOPLE.search(text)
    if section is None or not section[1].strip():
        lacking = (
            f"{name} has no section `Groups of people` that is in the bundle: whom it is about, and what was found"
        )
        return [Lack(f"{lacking}; name their columns in backticks, and list these in slices of contract.yaml", "")]
    commit, when, author = (
        git(found.root, "log", "-1", "--format=%h%x09%cI%x09%an", "-G", "Groups of people", "--", name)
        .strip()
        .split("\t")
    )
    written: Part = Trace(f"{author} wrote what was found about groups of people", f"{name} at {commit}", when)
    named = set(re.findall(r"`([^`\n]+)`", section[1])) & set(found.contract.slices)
    watched = {key.partition("=")[0] for one in found.windows for key in one["slices"]}
    if named and named <= watched:
        what = f"{', '.join(sorted(named))}, which {name} says are about people, are measured apart in production"
        return [best(found.figure(what), written)]
    return [written]


def _judged(found: PracticeEvidence) -> list[dict[str, Any]]:
    """The windows whose labels have come, with the metric of then and of the release."""
    metric = PRIMARY[found.contract.kind]
    return [one for one in found.windows if (one["performance"] or {}).get(metric) and one["release"].get(metric)]


def _slices_told(lines: list[dict[str, str]]) -> str:
    values = {(line["column"], line["slice"]) for line in lines}
    columns = sorted({column for column, _ in values})
    return f"{len(values)} values of {', '.join(columns)} were measured apart"
