"""Runs of workflows: what was asked for, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from . import expressions
from .documents import Workflow, WorkflowError, read_only

if TYPE_CHECKING:
    from .events import Event
    from .github import GitHub


def now() -> str:
    """The time, finer than GitHub's seconds, since here nothing takes one."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


@dataclass
class Job:
    """One job: its steps by name, with GitHub's words for how they ended ("success", "failure", "skipped").

    `steps` holds the conclusions, `outcomes` what a failure was before `continue-on-error`. `asked` holds the labels of
    its runner, where an expression made them; `seconds` is how long its runner was busy with it.
    """

    id: str
    name: str
    conclusion: str = "skipped"
    steps: dict[str, str] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    log: str = ""
    asked: list[str] = field(default_factory=list)
    seconds: float = 0.0


@dataclass
class Run:
    """One run of a workflow for an event; `folder` is its own, `jobs` are by the names that checks have."""

    github: GitHub
    id: int
    number: int
    workflow: Workflow
    event: Event
    folder: Path
    status: str = "queued"
    conclusion: str | None = None
    jobs: dict[str, Job] = field(default_factory=dict)
    summary: str = ""
    log: str = ""
    permissions: dict[str, dict[str, str]] = field(default_factory=dict)
    created_at: str = field(default_factory=now)

    @property
    def file(self) -> str:
        """The name of its workflow's file."""
        return self.workflow.file

    @property
    def artifacts(self) -> dict[str, dict[str, bytes]]:
        """The files of each artifact that it left, by name and path."""
        kept = self.github.shelf(self.event.repository).artifacts
        return {artifact.name: artifact.files for artifact in kept if artifact.run == self.id}

    @property
    def contexts(self) -> dict[str, object]:
        """What expressions that GitHub evaluates before the run can see."""
        event = self.event
        pull = event.payload.get("pull_request", {})
        github = {
            "workflow": self.workflow.name,
            "event_name": event.name,
            "event": event.payload,
            "ref": event.ref,
            "ref_name": event.ref.split("/", 2)[2],
            "sha": event.sha,
            "run_id": self.id,
            "run_number": self.number,
            "head_ref": pull.get("head", {}).get("ref", ""),
            "base_ref": pull.get("base", {}).get("ref", ""),
            "repository": event.repository.name,
            "actor": event.actor,
        }
        return {"github": github, "inputs": event.payload.get("inputs", {}), "vars": self.github.variables}

    @property
    def group(self) -> tuple[str, bool]:
        """Its concurrency group, of its own where none is asked for, and whether it ends what is in progress."""
        asked = self.workflow.document.get("concurrency")
        if not asked:
            return f"run {self.id}", False
        if isinstance(asked, str):
            return expressions.fill(asked, self.contexts), False
        group = expressions.fill(asked["group"], self.contexts)
        return group, expressions.true(asked.get("cancel-in-progress", False), self.contexts)

    @property
    def queues(self) -> bool:
        """Whether it waits for its turn in its group, however many others do."""
        asked = self.workflow.document.get("concurrency")
        if not isinstance(asked, dict) or asked.get("queue", "single") == "single":
            return False
        if asked["queue"] != "max" or asked.get("cancel-in-progress"):
            raise WorkflowError(f"{self.file}: `queue` is max or single, and max does not go with cancel-in-progress")
        return True

    def allow(self) -> None:
        """Find what the token may do in each job, by "file#job"; less of it for a stranger's pull request."""
        self.permissions.clear()
        self._allow(self.workflow, None)

    def _allow(self, workflow: Workflow, called_with: dict[str, str] | None) -> None:
        for name, job in workflow.jobs.items():
            found = workflow.permissions(name, called_with)
            if self.event.fork:
                found = read_only(found)
            self.permissions[f"{workflow.file}#{name}"] = found
            uses = str(job.get("uses", ""))
            if uses.startswith("./"):
                self._allow(self.called(uses), found)
            elif uses:
                raise WorkflowError(f"{workflow.file}: {uses} is a workflow of another repository")

    def allowed(self) -> dict[str, str]:
        """What its token may do in the job that runs now: nothing, between jobs."""
        marker = self.folder / "job"
        return self.permissions.get(marker.read_text().strip(), {}) if marker.exists() else {}

    def called(self, uses: str) -> Workflow:
        """The workflow of this repository that a job calls."""
        path = uses.removeprefix("./")
        try:
            return Workflow.read(Path(path).name, self.event.repository.read(self.event.sha, path))
        except FileNotFoundError as error:
            raise WorkflowError(f"{self.file} calls {uses}: {error}") from None
