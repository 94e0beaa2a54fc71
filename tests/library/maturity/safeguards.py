"""What holds each item up, and what it is without: taken away from a project that has everything."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from library.github_server import GitHub
from library.maturity.practice import Practice
from modelyard.production.layout import LATEST
from modelyard.releasing.registry.register import register, version_tag
from modelyard.releasing.registry.tags import read_tags
from modelyard.training.edit import edit_yaml

Act = Callable[[Practice, GitHub], None]


@dataclass(frozen=True)
class Safeguard:
    """One that is removed: in words, from which item, what the item is then, and how."""

    words: str
    key: str
    without: str
    remove: Act


def _lost(name: str) -> Act:
    """A file that no run leaves any more."""
    return lambda practice, _: (practice.left / name).unlink()


def _unchecked(name: str) -> Act:
    """A check of the library that no test calls any more."""

    def act(practice: Practice, _: GitHub) -> None:
        path = practice.left / "junit.xml"
        text = path.read_text()
        assert f'value="{name}"' in text
        path.write_text(text.replace(f'value="{name}"', 'value="none"'))

    return act


def _edited(name: str, change: Callable[[str], str]) -> Act:
    """A committed file that is not what its stage wrote."""

    def act(practice: Practice, _: GitHub) -> None:
        path = practice.root / name
        before = path.read_text()
        path.write_text(change(before))
        assert path.read_text() != before
        practice.commit(f"Edit {name}")

    return act


def _said(name: str, change: Callable[[dict[str, Any]], object]) -> Act:
    """A report that says something else; figures are in the store of production too."""

    def act(practice: Practice, _: GitHub) -> None:
        content = json.loads((practice.left / name).read_text())
        change(content)
        (practice.left / name).write_text(json.dumps(content))
        if name == "monitor.json":
            practice.store.write(LATEST, json.dumps(content).encode())

    return act


def _set(**values: object) -> Act:
    """Other settings on GitHub."""

    def act(_: Practice, github: GitHub) -> None:
        for name, value in values.items():
            assert getattr(github, name) != value
            setattr(github, name, value)

    return act


def _disable_rules(_: Practice, github: GitHub) -> None:
    next(one for one in github.rulesets.values() if one["name"] == "main")["enforcement"] = "disabled"


def _commit_alone(practice: Practice, _: GitHub) -> None:
    practice.git("commit", "--quiet", "--amend", "--no-edit")


def _release_unjudged(practice: Practice, _: GitHub) -> None:
    (practice.left / "verdict.json").unlink()
    practice.commit("Say more")
    practice.git("tag", "--annotate", "--message", "v1.2.0", "v1.2.0")
    practice.git("push", "--quiet", "origin", "refs/tags/v1.2.0")
    tag = read_tags(practice.root)["v1.2.0"]
    with practice.in_workflow("release"), chdir(practice.root):
        register(Path(), "main", None, lambda registry: version_tag(registry, tag, "", "", "", ""))


def _skip_the_canary(practice: Practice, _: GitHub) -> None:
    shutil.copyfile(practice.left / "verdict.json", practice.root / "reports/verdict.json")
    practice.commit("Say more")
    practice.upgrade("v1.2.0", "1.2.0 serves alone")
    (practice.root / "reports/verdict.json").unlink()


def _never_go_back(practice: Practice, _: GitHub) -> None:
    last = practice.git("tag", "--list", "*#production#*", "--sort=-creatordate").splitlines()[0]
    practice.git("tag", "--delete", last)


def _one_version(content: dict[str, Any]) -> None:
    first = content["windows"][0]["bundle"]
    content["windows"] = [one for one in content["windows"] if one["bundle"] == first]


SAFEGUARDS = (
    Safeguard(
        "the contract changed after the rows were taken",
        "schema",
        "missing",
        lambda practice, _: (
            edit_yaml(practice.root / "contract.yaml", {"owner": "Somebody"}),
            practice.commit("Change the owner"),
        )[1],
    ),
    Safeguard(
        "an input has no measured importance",
        "benefit",
        "missing",
        _edited("evaluation/importance.csv", lambda text: text.rstrip().rpartition("\n")[0] + "\n"),
    ),
    Safeguard("no run left what `train` cost", "cost", "missing", _lost("cost/train.json")),
    Safeguard("no test checks which columns are read", "rules", "missing", _unchecked("check_inputs_only")),
    Safeguard(
        "the token of workflows may write",
        "privacy",
        "missing",
        _set(workflow={"default_workflow_permissions": "write", "can_approve_pull_request_reviews": True}),
    ),
    Safeguard("the change was pushed, not merged", "quickness", "by hand", _commit_alone),
    Safeguard("no test checks that features are repeatable", "features", "missing", _unchecked("check_twice")),
    Safeguard("the ruleset of main is off", "review", "by hand", _disable_rules),
    Safeguard("one version only was ever watched", "online", "by hand", _said("monitor.json", _one_version)),
    Safeguard("nobody searched for settings", "tuned", "missing", _lost("params.patch")),
    Safeguard(
        "a model was watched for too short a time",
        "ageing",
        "missing",
        _said("monitor.json", lambda content: content["windows"].pop(0)),
    ),
    Safeguard(
        "the metrics were edited by hand",
        "simpler",
        "missing",
        _edited("evaluation/metrics.json", lambda text: text.replace('"gain"', '"Gain"', 1)),
    ),
    Safeguard(
        "the figures of slices were edited by hand",
        "slices",
        "missing",
        _edited("evaluation/slices.csv", lambda text: text.replace("0.", "1.", 1)),
    ),
    Safeguard(
        "the model card says nothing of groups of people",
        "people",
        "missing",
        _edited("docs/model-card.md", lambda text: text.partition("\n## Groups of people")[0]),
    ),
    Safeguard(
        "the proof found a difference",
        "reproducible",
        "missing",
        _said("prove.json", lambda content: content.update(verdict="different")),
    ),
    Safeguard("no test exports an estimator", "model_code", "missing", _unchecked("check_export")),
    Safeguard("no test asks the service", "integrated", "by hand", _unchecked("check_answers")),
    Safeguard("a version was registered without the gate", "validated", "missing", _release_unjudged),
    Safeguard("no test answers the probes again", "debuggable", "missing", _unchecked("check_predictor")),
    Safeguard("a version was promoted without a canary", "canary", "missing", _skip_the_canary),
    Safeguard("production never went back", "rollback", "missing", _never_go_back),
    Safeguard("GitHub's warnings of packages are off", "dependencies", "missing", _set(alerts=False)),
    Safeguard(
        "the newest window was not compared with training",
        "inputs",
        "missing",
        _said("monitor.json", lambda content: content["windows"][-1].update(drift=None)),
    ),
    Safeguard("no test compares training and serving", "skew", "by hand", _unchecked("check_parity")),
    Safeguard(
        "logged rows get other scores",
        "skew",
        "by hand",
        _said("monitor.json", lambda content: content["skew"].update(different=3)),
    ),
    Safeguard("nobody looked whether to retrain", "staleness", "missing", _lost("retrain.json")),
    Safeguard("no test looks for infinite features", "stability", "by hand", _unchecked("check_no_infinity")),
    Safeguard("no alert ever became an issue", "speed", "missing", lambda _, github: github.issues.clear()),
    Safeguard(
        "no label came for the newest window",
        "quality",
        "missing",
        _said("monitor.json", lambda content: content["windows"][-1].update(coverage=0.0, performance=None)),
    ),
)
