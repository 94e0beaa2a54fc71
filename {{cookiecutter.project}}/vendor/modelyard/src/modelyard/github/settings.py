"""The wanted settings of a repository, read strictly from `.github/repository.json` and `.github/rulesets/`.

The rulesets are in the form that GitHub exports, so they can be imported by hand as well. There are five: `main`
requires the checks, without exception; `review` requires an approval, which an administrator may bypass on a pull
request, so that somebody who works alone is not locked out; `tags` prevents changes of release and registry tags;
`versions` lets administrators make tags such as v1.2.0; `merge queue` is off until somebody sets its enforcement to
active.

Anybody who may push can make a tag of the registry: workflows make them with their token, which GitHub accepts as no
exception of a ruleset, and which a workflow of any branch can have. So `deployment` believes no tag without its commit,
its image and, where the project has them, its signature and its attestation.

`can_approve_pull_request_reviews` is GitHub's only switch for creating and approving pull requests. It is on, because
retraining and template updates open theirs with the workflow's token. An approval by a workflow does not count as a
code owner's, which is required for what judges the model. Switch it off if these workflows have a token of their own.
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
    """The wanted settings. repository, actions, rulesets: with the keys of GitHub's API."""

    repository: Mapping[str, Any]
    vulnerability_alerts: bool
    automated_security_fixes: bool
    actions: Mapping[str, Mapping[str, Any]]
    environments: tuple[Environment, ...]
    rulesets: tuple[Mapping[str, Any], ...]


def read_settings(root: Path) -> Settings:
    """The settings in a project's folder. Raises GitHubError that names file, key and what is needed."""
    path = root / SETTINGS
    table = _table(_read(path), f"{SETTINGS}", KEYS)
    for key in ("vulnerability_alerts", "automated_security_fixes"):
        _expect(type(table[key]) is bool, f"{SETTINGS}: {key}", table[key], "true or false")
    environments = table["environments"]
    _expect(isinstance(environments, dict), f"{SETTINGS}: environments", environments, "a table of them")
    files = sorted((root / RULESETS).glob("*.json"))
    return Settings(
        repository=_table(table["repository"], f"{SETTINGS}: repository", None),
        vulnerability_alerts=table["vulnerability_alerts"],
        automated_security_fixes=table["automated_security_fixes"],
        actions={
            key: _table(value, f"{SETTINGS}: actions.{key}", None)
            for key, value in _table(table["actions"], f"{SETTINGS}: actions", ACTIONS).items()
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


def _expect(valid: bool, where: str, value: Any, needed: str) -> None:
    if not valid:
        raise GitHubError(f"{where} is {value!r}: {needed} is needed")


def _table(value: Any, where: str, keys: set[str] | None) -> dict[str, Any]:
    """A table with exactly these keys; with any, if `keys` is None."""
    _expect(isinstance(value, dict), where, value, "a table")
    if keys is not None:
        if unknown := value.keys() - keys:
            allowed = ", ".join(sorted(keys))
            raise GitHubError(f"{where}: {min(unknown)} is no key that is known here; there are: {allowed}")
        if missing := keys - value.keys():
            raise GitHubError(f"{where}: {min(missing)} is missing")
    return value


def _environment(name: str, value: Any) -> Environment:
    where = f"{SETTINGS}: environments.{name}"
    table = _table(value, where, ENVIRONMENT)
    required = table["required_reviewers"]
    _expect(type(required) is bool, f"{where}.required_reviewers", required, "true or false")
    for key in ("branches", "tags"):
        texts = isinstance(table[key], list) and all(isinstance(one, str) for one in table[key])
        _expect(texts, f"{where}.{key}", table[key], "a list of names or patterns")
    return Environment(name, required, tuple(table["branches"]), tuple(table["tags"]))


def _ruleset(ruleset: Any, where: str) -> dict[str, Any]:
    _expect(isinstance(ruleset, dict), where, ruleset, "a table")
    table = _table({key: value for key, value in ruleset.items() if key not in EXPORTED}, where, RULESET)
    rules = table["rules"]
    typed = isinstance(rules, list) and all(isinstance(rule, dict) and "type" in rule for rule in rules)
    _expect(typed, f"{where}: rules", rules, "a list of rules with their type")
    return table
