"""What the local GitHub keeps beside Git: pull requests, comments, checks, artifacts, caches and releases."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .github import GitHub
    from .repositories import Repository

PASSED = ("success", "skipped", "neutral")


@dataclass
class Comment:
    """One comment of an issue or a pull request."""

    id: int
    number: int
    author: str
    body: str


@dataclass
class Check:
    """The outcome of one job, or of whoever else judges a commit."""

    id: int
    sha: str
    name: str
    conclusion: str | None
    status: str = "completed"
    run: int | None = None
    of_statuses: bool = False  # posted as a commit's status; a check of the same name is another


@dataclass
class Review:
    """What a person said of a pull request as it was at a commit: APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED."""

    id: int
    number: int
    author: str
    state: str
    commit: str
    body: str = ""


@dataclass
class Artifact:
    """Files that a run leaves behind, by their paths."""

    id: int
    name: str
    run: int
    files: dict[str, bytes]


@dataclass
class Cache:
    """An archive that a run saved: found by key from runs that may read its scope, which is a ref."""

    id: int
    key: str
    version: str
    scope: str
    path: Path


@dataclass
class Asset:
    """A file of a release; `state` is "starter" where the upload broke off."""

    id: int
    name: str
    content: bytes
    state: str = "uploaded"


@dataclass
class Release:
    """A release of a tag, or a draft of one."""

    id: int
    tag: str
    target: str = ""
    name: str = ""
    body: str = ""
    draft: bool = False
    prerelease: bool = False
    assets: list[Asset] = field(default_factory=list)


@dataclass
class Attestation:
    """What a run says that it made: digests by the names of their subjects."""

    id: int
    subjects: dict[str, str]
    run: int | None


@dataclass
class PullRequest:
    """A pull request; its head branch may be a fork's."""

    github: GitHub
    repository: Repository
    number: int
    head: Repository
    branch: str
    base: str
    title: str
    body: str = ""
    author: str = "author"
    state: str = "open"
    merged: bool = False
    head_sha: str = ""
    labels: list[str] = field(default_factory=list)

    @property
    def fork(self) -> bool:
        """Whether the head is in another repository."""
        return self.head.name != self.repository.name

    @property
    def base_sha(self) -> str:
        """The commit that it would be merged into."""
        return self.repository.sha(f"refs/heads/{self.base}")

    def merge_sha(self) -> str | None:
        """The commit of refs/pull/N/merge, made anew; None where there are conflicts."""
        made = self.repository.merged(self.base_sha, self.head_sha)
        if made:
            self.repository.git("update-ref", f"refs/pull/{self.number}/merge", made)
        return made

    def follow(self) -> None:
        """Take the head from its branch, as GitHub does after each push."""
        sha = self.head.find(f"refs/heads/{self.branch}")
        if sha and sha != self.head_sha:
            if self.fork:
                self.repository.git("fetch", "--quiet", str(self.head.path), sha)
            self.repository.git("update-ref", f"refs/pull/{self.number}/head", sha)
            self.head_sha = sha

    @property
    def comments(self) -> list[str]:
        """The bodies of its comments, oldest first."""
        return [comment.body for comment in self.github.comments_of(self.repository, self.number)]

    def checks(self) -> dict[str, str | None]:
        """The latest conclusion of each check on its head, by name."""
        return {check.name: check.conclusion for check in self.github.checks_of(self.repository, self.head_sha)}

    def mergeable_by_checks(self, required: list[str]) -> bool:
        """Whether each required check has reported on the head and passed; one that never came blocks.

        Of a check and a status of one name, both must have passed.
        """
        found = self.github.checks_of(self.repository, self.head_sha)
        ended = {name: [check.conclusion in PASSED for check in found if check.name == name] for name in required}
        return all(passed and all(passed) for passed in ended.values())


@dataclass
class Issue:
    """An issue; its number is that of no pull request."""

    number: int
    title: str
    body: str
    author: str
    labels: list[str] = field(default_factory=list)
    state: str = "open"
    state_reason: str | None = None


@dataclass
class Shelf:
    """All of it for one repository, oldest first."""

    pulls: dict[int, PullRequest] = field(default_factory=dict)
    issues: dict[int, Issue] = field(default_factory=dict)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    comments: list[Comment] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    moves: list[tuple[int, str]] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    artifacts: list[Artifact] = field(default_factory=list)
    caches: list[Cache] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)
    attestations: list[Attestation] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    machines: dict[str, list[str]] = field(default_factory=dict)  # self-hosted runners: labels by name
