"""The settings that a repository is to have, read strictly from `.github/repository.json` and `.github/rulesets/`.

The rulesets are in the form that GitHub exports, so they can be imported by hand as well. They are four: `main` lets
nothing past the checks, for nobody; `review` asks for an approval, which an administrator may go without on a pull
request, so that who works alone is not locked out; `tags` keeps release and registry tags as they are, while anybody
who may push can make one, because it is the release that proves; `merge queue` is off until somebody sets its
enforcement to active.

`can_approve_pull_request_reviews` is GitHub's one switch for creating and approving pull requests. Retraining and
template updates open theirs with the token of the workflow, so it is on; an approval by a workflow is none by a code
owner, who is needed for what judges the model. Who gives these workflows a token of their own switches it off.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .api import GitHubError

SETTINGS = Path(".github/repository.json")
RULESETS = Path(".github/rulesets")
KEYS = {"repository", "vulnerability_alerts", "automated_security_fixes", "actions", "environments"}
ACTIONS = {"permissions", "selected", "workflow"}
ENVIRONMENT = {"required_reviewers", "branches", "tags"}
RULESET = {"name", "target", "enforcement", "bypass_actors", "conditions", "rules"}
EXPORTED = {"id", "source", "source_type"}  # what GitHub adds when it exports one


@dataclass(frozen=True)
class Environment:
    """Where a workflow may deploy to: from which branches and tags, and whether a code owner must agree first."""

    name: str
    required_reviewers: bool
    branches: tuple[str, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Settings:
    """All that is wanted. repository, actions and rulesets are in the words of GitHub's API."""

    repository: Mapping[str, Any]
    vulnerability_alerts: bool
    automated_security_fixes: bool
    actions: Mapping[str, Mapping[str, Any]]
    environments: tuple[Environment, ...]
    rulesets: tuple[Mapping[str, Any], ...]


def read_settings(root: Path) -> Settings:
    """The settings in a project's folder. Raises GitHubError that names file, key and what is needed."""
    path = root / SETTINGS
    found = _table(_read(path), f"{SETTINGS}", KEYS)
    for key in ("vulnerability_alerts", "automated_security_fixes"):
        _expect(type(found[key]) is bool, f"{SETTINGS}: {key}", found[key], "true or false")
    environments = found["environments"]
    _expect(isinstance(environments, dict), f"{SETTINGS}: environments", environments, "a table of them")
    files = sorted((root / RULESETS).glob("*.json"))
    return Settings(
        repository=_table(found["repository"], f"{SETTINGS}: repository", None),
        vulnerability_alerts=found["vulnerability_alerts"],
        automated_security_fixes=found["automated_security_fixes"],
        actions={
            key: _table(value, f"{SETTINGS}: actions.{key}", None)
            for key, value in _table(found["actions"], f"{SETTINGS}: actions", ACTIONS).items()
        },
        environments=tuple(_environment(name, value) for name, value in environments.items()),
        rulesets=tuple(_ruleset(_read(file), f"{RULESETS / file.name}") for file in files),
    )


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise GitHubError(f"{path}: no such file; run this in the project's root folder") from None
    except ValueError as fault:
        raise GitHubError(f"{path} is no JSON: {fault}") from None


def _expect(kept: bool, where: str, found: Any, needed: str) -> None:
    if not kept:
        raise GitHubError(f"{where} is {found!r}: {needed} is needed")


def _table(found: Any, where: str, keys: set[str] | None) -> dict[str, Any]:
    """A table that has exactly these keys, where they are given."""
    _expect(isinstance(found, dict), where, found, "a table")
    if keys is not None:
        if unknown := found.keys() - keys:
            known = ", ".join(sorted(keys))
            raise GitHubError(f"{where}: {min(unknown)} is no key that is known here; there are: {known}")
        if missing := keys - found.keys():
            raise GitHubError(f"{where}: {min(missing)} is missing")
    return found


def _environment(name: str, found: Any) -> Environment:
    where = f"{SETTINGS}: environments.{name}"
    table = _table(found, where, ENVIRONMENT)
    required = table["required_reviewers"]
    _expect(type(required) is bool, f"{where}.required_reviewers", required, "true or false")
    for key in ("branches", "tags"):
        texts = isinstance(table[key], list) and all(isinstance(one, str) for one in table[key])
        _expect(texts, f"{where}.{key}", table[key], "a list of names or patterns")
    return Environment(name, required, tuple(table["branches"]), tuple(table["tags"]))


def _ruleset(found: Any, where: str) -> dict[str, Any]:
    _expect(isinstance(found, dict), where, found, "a table")
    table = _table({key: value for key, value in found.items() if key not in EXPORTED}, where, RULESET)
    rules = table["rules"]
    typed = isinstance(rules, list) and all(isinstance(rule, dict) and "type" in rule for rule in rules)
    _expect(typed, f"{where}: rules", rules, "a list of rules with their type")
    return table
