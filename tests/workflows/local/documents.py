"""Workflow files as GitHub reads them: what starts them, their jobs and what their tokens may do."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from ruamel.yaml import YAML

FOLDER = ".github/workflows"
# What a token may do where neither the workflow nor its job says, in a new repository
RESTRICTED = {"contents": "read", "packages": "read"}
SCOPES = (
    "actions",
    "artifact-metadata",
    "attestations",
    "checks",
    "contents",
    "deployments",
    "discussions",
    "id-token",
    "issues",
    "models",
    "packages",
    "pages",
    "pull-requests",
    "security-events",
    "statuses",
)


class WorkflowError(Exception):
    """A workflow that GitHub would refuse to run, or that this stand-in cannot."""


@dataclass(frozen=True)
class Workflow:
    """One workflow file: `file` is its name in .github/workflows, `document` its content."""

    file: str
    document: Mapping[str, Any]

    @classmethod
    def read(cls, file: str, text: str | bytes) -> Workflow:
        """A file's content; WorkflowError where it is no workflow."""
        document = load(text)
        if not isinstance(document, dict) or "on" not in document or not document.get("jobs"):
            raise WorkflowError(f"{file} has no `on` or no `jobs`")
        return cls(file, document)

    @property
    def path(self) -> str:
        """Where it is in the repository."""
        return f"{FOLDER}/{self.file}"

    @property
    def name(self) -> str:
        """What it calls itself."""
        return str(self.document.get("name") or self.path)

    @cached_property
    def on(self) -> dict[str, Any]:
        """Each event that starts it, with its filters."""
        events = self.document["on"]
        if isinstance(events, str):
            return {events: {}}
        if isinstance(events, list):
            return {name: {} for name in events}
        return {name: filters or {} for name, filters in events.items()}

    @property
    def jobs(self) -> Mapping[str, Mapping[str, Any]]:
        """Its jobs by their ids."""
        return self.document["jobs"]

    def permissions(self, job: str, called_with: Mapping[str, str] | None = None) -> dict[str, str]:
        """What a job's token may do; a called workflow gets no more than its caller's job has."""
        asked = self.jobs[job].get("permissions", self.document.get("permissions"))
        found = dict(called_with or RESTRICTED) if asked is None else _permissions(asked, self.file)
        if called_with is None:
            return found
        for scope, level in found.items():
            if _RANK[level] > _RANK[called_with.get(scope, "none")]:
                raise WorkflowError(f"{self.file} asks for {scope}: {level}, which its caller has not")
        return found

    def inputs(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The inputs of a dispatch with the defaults filled in; ValueError names what is wrong with them."""
        declared: Mapping[str, Any] = self.on["workflow_dispatch"].get("inputs") or {}
        unknown = sorted(set(given) - set(declared))
        if unknown:
            raise ValueError(f"Unexpected inputs provided: {unknown}")
        filled = {}
        for name, about in declared.items():
            about = about or {}
            value = given.get(name, about.get("default", ""))
            if name not in given and about.get("required") and "default" not in about:
                raise ValueError(f"Required input '{name}' not provided")
            if about.get("type") == "choice" and value not in about["options"]:
                raise ValueError(f"Provided value '{value}' for input '{name}' not in the list of allowed values")
            filled[name] = str(value).lower() if isinstance(value, bool) else str(value)
        return filled


_RANK = {"none": 0, "read": 1, "write": 2}


def _permissions(asked: object, file: str) -> dict[str, str]:
    if asked in ("read-all", "write-all"):
        return dict.fromkeys(SCOPES, str(asked).partition("-")[0])
    if not isinstance(asked, Mapping):
        raise WorkflowError(f"{file}: permissions are {asked!r}")
    for scope, level in asked.items():
        if scope not in SCOPES or level not in _RANK:
            raise WorkflowError(f"{file}: GitHub knows no permission {scope}: {level}")
    return {scope: level for scope, level in asked.items() if level != "none"}


def read_only(permissions: Mapping[str, str]) -> dict[str, str]:
    """What is left of permissions for a pull request from a fork."""
    return {scope: "read" for scope in permissions if scope != "id-token"}


def load(text: str | bytes) -> Any:
    """YAML as Actions reads it, where `on` is a text."""
    return copy.deepcopy(_loaded(text))


@lru_cache(maxsize=256)
def _loaded(text: str | bytes) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def chosen(name: str, patterns: Sequence[str] | str) -> bool:
    """Whether the last pattern that matches a name includes it; `!` excludes, `*` stops at a slash, `**` does not."""
    found = False
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        if re.fullmatch(_regex(pattern.removeprefix("!")), name):
            found = not pattern.startswith("!")
    return found


def _regex(pattern: str) -> str:
    parts = re.split(r"(\*\*/?|\*|[?+]|\[[^\]]*\])", pattern)
    known = {"**": ".*", "**/": "(?:.*/)?", "*": "[^/]*", "?": "?", "+": "+"}
    return "".join(part if part.startswith("[") else known.get(part, re.escape(part)) for part in parts)
