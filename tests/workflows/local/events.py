"""Events: what happened, what GitHub tells a workflow about it, and which workflows it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import shapes
from .documents import Workflow, chosen
from .repositories import ZERO, Repository

if TYPE_CHECKING:
    from .github import GitHub
    from .runs import Run
    from .state import PullRequest, Review

# The types of an event that start a workflow which names none
USUAL = {
    "pull_request": ("opened", "synchronize", "reopened"),
    "pull_request_target": ("opened", "synchronize", "reopened"),
}
SKIP = ("[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]")


@dataclass(frozen=True)
class Event:
    """What happened: `ref` and `sha` are GITHUB_REF and GITHUB_SHA, `head_sha` the commit that shows the checks.

    The workflow files are those of `sha`. `fork` says that the code is a stranger's: no secrets, a read-only token.
    """

    name: str
    repository: Repository
    ref: str
    sha: str
    payload: Mapping[str, Any]
    head_sha: str
    actor: str = "author"
    fork: bool = False
    changed: tuple[str, ...] = ()
    base: str = ""
    branch: str = ""
    head: Repository | None = None
    workflow: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def starts(self, workflow: Workflow) -> bool:
        """Whether GitHub would run this workflow for it."""
        if self.name not in workflow.on or self.workflow not in (None, workflow.file):
            return False
        filters = workflow.on[self.name]
        if not isinstance(filters, Mapping):
            return True
        if self.name == "workflow_run" and self.payload["workflow_run"]["name"] not in _listed(filters["workflows"]):
            return False
        types = _listed(filters.get("types", USUAL.get(self.name, ())))
        if types and self.payload.get("action") not in types:
            return False
        return self._branch_fits(filters) and self._paths_fit(filters)

    def _branch_fits(self, filters: Mapping[str, Any]) -> bool:
        if self.name == "push":
            kind, other = ("tags", "branches") if self.ref.startswith("refs/tags/") else ("branches", "tags")
            name = self.ref.split("/", 2)[2]
            if not _has(filters, kind) and _has(filters, other):
                return False
        else:
            kind, name = "branches", self.base
        if kind in filters and not chosen(name, filters[kind]):
            return False
        return not (f"{kind}-ignore" in filters and chosen(name, filters[f"{kind}-ignore"]))

    def _paths_fit(self, filters: Mapping[str, Any]) -> bool:
        if self.ref.startswith("refs/tags/"):
            return True
        if "paths" in filters and not any(chosen(path, filters["paths"]) for path in self.changed):
            return False
        ignored = filters.get("paths-ignore")
        return not ignored or not all(chosen(path, ignored) for path in self.changed)


def pushed(github: GitHub, repository: Repository, ref: str, before: str, after: str, actor: str) -> Event:
    """A push to a branch or of a tag."""
    sha = repository.sha(after)
    message = repository.log(sha)
    payload = {
        "ref": ref,
        "before": before,
        "after": after,  # of an annotated tag, the object
        "created": before == ZERO,
        "deleted": False,
        "forced": before != ZERO and repository.git("merge-base", before, sha) != before,
        "head_commit": {"id": sha, "message": message},
        "commits": [{"id": sha, "message": message}],
        "pusher": {"name": actor},
        **_common(github, repository, actor),
    }
    changed = tuple(repository.changed(before, sha))
    branch = ref.split("/", 2)[2]
    return Event("push", repository, ref, sha, payload, sha, actor, changed=changed, branch=branch)


def pull_request(
    github: GitHub, pull: PullRequest, action: str, actor: str, before: str = "", review: Review | None = None
) -> Event | None:
    """A change of a pull request, or a review of it; None where it conflicts, for which GitHub starts nothing."""
    merge = pull.merge_sha()
    if not merge:
        return None
    repository = pull.repository
    payload = {
        "action": action,
        "number": pull.number,
        "pull_request": shapes.pull(github, pull),
        **({"before": before, "after": pull.head_sha} if action == "synchronize" else {}),
        **({"review": {"id": review.id, "state": review.state.lower()}} if review else {}),
        **_common(github, repository, actor),
    }
    return Event(
        "pull_request_review" if review else "pull_request",
        repository,
        f"refs/pull/{pull.number}/merge",
        merge,
        payload,
        pull.head_sha,
        actor,
        fork=pull.fork,
        changed=tuple(repository.changed(pull.base_sha, pull.head_sha)),
        base=pull.base,
        branch=pull.branch,
        head=pull.head,
    )


def merge_group(github: GitHub, pull: PullRequest, sha: str, ref: str) -> Event:
    """A pull request, merged on a branch of the merge queue, whose checks are asked for."""
    group = {
        "head_sha": sha,
        "head_ref": ref,
        "base_sha": pull.base_sha,
        "base_ref": f"refs/heads/{pull.base}",
        "head_commit": {"id": sha, "message": pull.repository.log(sha)},
    }
    payload = {"action": "checks_requested", "merge_group": group, **_common(github, pull.repository, pull.author)}
    branch = ref.removeprefix("refs/heads/")
    return Event("merge_group", pull.repository, ref, sha, payload, sha, pull.author, base=pull.base, branch=branch)


def dispatched(
    github: GitHub, repository: Repository, file: str, ref: str, inputs: Mapping[str, Any], actor: str
) -> Event:
    """A workflow started by hand or by another one; `ref` is a full one."""
    payload = {
        "ref": ref,
        "inputs": dict(inputs),
        "workflow": f".github/workflows/{file}",
        **_common(github, repository, actor),
    }
    sha = repository.sha(ref)
    branch = ref.split("/", 2)[2]
    return Event("workflow_dispatch", repository, ref, sha, payload, sha, actor, branch=branch, workflow=file)


def scheduled(github: GitHub, repository: Repository, file: str, cron: str) -> Event:
    """The hour that a workflow of the default branch waits for."""
    ref = f"refs/heads/{repository.default_branch}"
    sha = repository.sha(ref)
    payload = {"schedule": cron, **_common(github, repository, "author")}
    branch = repository.default_branch
    return Event("schedule", repository, ref, sha, payload, sha, "author", branch=branch, workflow=file)


def sent(github: GitHub, repository: Repository, kind: str, given: Mapping[str, Any]) -> Event:
    """An event of a name of its own, which the default branch's workflows may wait for."""
    ref = f"refs/heads/{repository.default_branch}"
    sha = repository.sha(ref)
    payload = {
        "action": kind,
        "branch": repository.default_branch,
        "client_payload": dict(given),
        **_common(github, repository, "author"),
    }
    return Event("repository_dispatch", repository, ref, sha, payload, sha, "author", branch=repository.default_branch)


def completed(github: GitHub, run: Run) -> Event:
    """The end of a run, for which workflows of the default branch may wait."""
    repository = run.event.repository
    ref = f"refs/heads/{repository.default_branch}"
    sha = repository.sha(ref)
    payload = {
        "action": "completed",
        "workflow_run": shapes.run(github, run),
        "workflow": {"id": 1, "name": run.workflow.name, "path": run.workflow.path},
        **_common(github, repository, run.event.actor),
    }
    branch = repository.default_branch
    return Event(
        "workflow_run", repository, ref, sha, payload, sha, run.event.actor, base=run.event.branch, branch=branch
    )


def skipped(event: Event) -> bool:
    """Whether the commit's message asks for no run of a push or a pull request."""
    if event.name not in ("push", "pull_request"):
        return False
    return any(word in event.repository.log(event.head_sha) for word in SKIP)


def _common(github: GitHub, repository: Repository, actor: str) -> dict[str, Any]:
    return {"repository": shapes.repository(github, repository), "sender": {"login": actor}}


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def _has(filters: Mapping[str, Any], kind: str) -> bool:
    return kind in filters or f"{kind}-ignore" in filters
