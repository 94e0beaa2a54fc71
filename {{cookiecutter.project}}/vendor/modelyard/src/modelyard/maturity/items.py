"""The 28 items: those of the ML Test Score (Breck, Cai, Nielsen, Salib and Sculley, 2017), in words of our own.

E. Breck et al., "The ML Test Score: A Rubric for ML Production Readiness and Technical Debt Reduction", IEEE Big Data
2017. A check by hand whose result is written down is half a point, one that a workflow makes is a whole one, and the
score is the least sum of a section.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from . import data, infrastructure, model, monitoring
from .evidence import PracticeEvidence
from .found import JudgedItem, Lack, Part

TRAIN = Lack("no run of train.yml or release.yml is known that does it", "GH_TOKEN=... make maturity")
TESTS = Lack("no run of ci.yml is known that does it", "GH_TOKEN=... make maturity")
WATCH = Lack("no run of monitor.yml is known that does it: name a store in policy.yaml (monitor.store)", "make monitor")
RELEASE = Lack("a person did it, and not release.yml", "git tag -a v1.0.0, and git push origin v1.0.0")
DEPLOY = Lack("a person did it, and not deploy.yml", "gh workflow run deploy.yml")
TUNE = Lack("a person did it, and not tune.yml or a retraining with `retrain.tune`", "gh workflow run tune.yml")
PULL = Lack("not every change comes as a pull request that GitHub's rules hold", "make github APPLY=1")
GROUPS = Lack("these groups are not measured apart in production: name slices in that section", "make monitor")
COST = Lack("no run of train.yml is known that measures it", "GH_TOKEN=... make maturity")
SETTINGS = Lack("GitHub's settings do not do it by themselves", "make github APPLY=1")


@dataclass(frozen=True)
class Item:
    """One item. find: its parts, each a trace or what is missing. workflow: what would automate what a person did."""

    key: str
    section: str
    name: str
    find: Callable[[PracticeEvidence], Sequence[Part]]
    workflow: Lack


ITEMS = (
    Item("schema", "data", "Rows are held to a contract", data.schema, TRAIN),
    Item("benefit", "data", "What each input adds is known", data.benefit, TRAIN),
    Item("cost", "data", "What inputs cost is known", data.cost, COST),
    Item("rules", "data", "Only allowed inputs are used", data.rules, TESTS),
    Item("privacy", "data", "Access to data is limited", data.privacy, SETTINGS),
    Item("quickness", "data", "A new input arrives soon", data.quickness, PULL),
    Item("features", "data", "Code of features is tested", data.tested, TESTS),
    Item("review", "model", "Changes are approved by others", model.review, PULL),
    Item("online", "model", "Metrics before and after release agree", model.online, WATCH),
    Item("tuned", "model", "Settings are searched for", model.tuned, TUNE),
    Item("ageing", "model", "How a model ages is known", model.ageing, WATCH),
    Item("simpler", "model", "It beats a simple answer", model.simpler, TRAIN),
    Item("slices", "model", "Parts of the data are judged apart", model.slices, TRAIN),
    Item("people", "model", "Groups of people are looked at", model.people, GROUPS),
    Item("reproducible", "infrastructure", "The model can be made again", infrastructure.reproducible, TRAIN),
    Item("model_code", "infrastructure", "Code of models is tested", infrastructure.model_code, TESTS),
    Item("integrated", "infrastructure", "All steps run together", infrastructure.integrated, TESTS),
    Item("validated", "infrastructure", "A gate judges each model", infrastructure.validated, TRAIN),
    Item("debuggable", "infrastructure", "One answer can be followed", infrastructure.debuggable, TESTS),
    Item("canary", "infrastructure", "A version is tried first", infrastructure.canary, DEPLOY),
    Item("rollback", "infrastructure", "A version can be taken back", infrastructure.rollback, DEPLOY),
    Item("dependencies", "monitoring", "Changed dependencies are told", monitoring.dependencies, SETTINGS),
    Item("inputs", "monitoring", "Rows that come are compared", monitoring.inputs, WATCH),
    Item("skew", "monitoring", "Training and service agree", monitoring.skew, WATCH),
    Item("staleness", "monitoring", "An old model is noticed", monitoring.staleness, WATCH),
    Item("stability", "monitoring", "Numbers stay finite", monitoring.stability, WATCH),
    Item("speed", "monitoring", "Slow answers are noticed", monitoring.speed, DEPLOY),
    Item("quality", "monitoring", "Worse answers are noticed", monitoring.quality, WATCH),
)


def judge(evidence: PracticeEvidence) -> list[JudgedItem]:
    """All items, as the evidence has them."""
    return [JudgedItem(one.key, one.section, one.name, one.workflow, tuple(one.find(evidence))) for one in ITEMS]
