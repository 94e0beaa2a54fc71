"""A GitHub on this machine: repositories, pull requests, and a queue of events that start workflows."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from . import actions, attestations, events, git_http, issues, pulls, releases, storage
from .documents import FOLDER, Workflow
from .events import Event
from .http import Refused, Route, Token
from .registry import Registry
from .repositories import ZERO, Repository, git
from .runner import Runner
from .runs import Run, now
from .server import Server
from .state import Check, Comment, PullRequest, Review

ROUTES = [
    *pulls.ROUTES,
    *issues.ROUTES,
    *actions.ROUTES,
    *releases.ROUTES,
    *attestations.ROUTES,
    *storage.ROUTES,
    *git_http.ROUTES,
]
# A loop of workflows that start each other is a fault, and GitHub has limits too
MOST_RUNS = 60


class GitHub(Registry):
    """A local GitHub that serves from its making until `stop`; everything it keeps is under `root`."""

    def __init__(self, root: Path, routes: Sequence[Route] = ()) -> None:
        super().__init__(root)
        self._events: deque[Event] = deque()
        self.server = Server(self, [*ROUTES, *routes])
        self.url = self.server.url
        self.runner = Runner(self)

    def stop(self) -> None:
        """End the server; raises where it failed at something, for then a test proved nothing."""
        self.server.stop()
        if self.server.errors:
            raise AssertionError("the local GitHub failed:\n" + "\n".join(self.server.errors))

    # Repositories, and what a person does in them

    def push(
        self,
        repository: Repository,
        branch: str,
        source: Path | Mapping[str, str | bytes | None],
        message: str = "Change",
        actor: str = "author",
    ) -> str:
        """Push as a person: HEAD of a clone, or a commit that changes these files (None deletes) on the branch.

        A branch that is not there starts at the default branch. The events wait for `deliver`.
        """
        with repository.lock:
            before = repository.refs()
            ref = branch if branch.startswith("refs/") else f"refs/heads/{branch}"
            if isinstance(source, Path):
                git(source, "push", "--quiet", "--force", str(repository.path), f"HEAD:{ref}")
            else:
                parent = before.get(ref) or before.get(f"refs/heads/{repository.default_branch}")
                repository.git("update-ref", ref, repository.commit_files(parent, source, message))
            after = repository.refs()
        self.pushed(repository, before, after, Token("", {}, None), actor)
        return after[ref]

    def tag(self, repository: Repository, name: str, clone: Path, actor: str = "author") -> str:
        """Push a tag of a clone as a person, whatever it was before; the commit that it leads to."""
        with repository.lock:
            before = repository.refs()
            git(clone, "push", "--quiet", "--force", str(repository.path), f"refs/tags/{name}")
            after = repository.refs()
        self.pushed(repository, before, after, Token("", {}, None), actor)
        return repository.sha(f"refs/tags/{name}")

    def rerun(self, run: Run) -> None:
        """Run a workflow once more for the event that it ran for."""
        self.happened(run.event)

    def open_pull_request(
        self, repository: Repository, head: str, base: str = "main", fork: bool | Repository = False, title: str = ""
    ) -> PullRequest:
        """Open a pull request from a branch of the repository, or of a fork, as a person."""
        source = fork if isinstance(fork, Repository) else repository
        if fork is True:
            source = next(found for found in self.repositories.values() if found.fork_of == repository.name)
        return self.open(repository, source, head, base, title or head, "", None)

    def comment(self, pull: PullRequest, body: str, author: str = "author") -> None:
        """Comment on one as a person."""
        self.shelf(pull.repository).comments.append(Comment(self.next_id(), pull.number, author, body))

    def review(self, pull: PullRequest, author: str, state: str = "APPROVED", body: str = "") -> None:
        """Review a pull request as a person; 422 where people approve or refuse their own."""
        if author == pull.author and state != "COMMENTED":
            raise Refused(422, "Unprocessable Entity: Can not approve your own pull request")
        made = Review(self.next_id(), pull.number, author, state, pull.head_sha, body)
        self.shelf(pull.repository).reviews.append(made)
        self.happened(events.pull_request(self, pull, "submitted", author, review=made))

    def retarget(self, pull: PullRequest, base: str) -> None:
        """Have a pull request go into another branch, as a person; no workflow that names no type starts for it."""
        pull.base = base
        self.shelf(pull.repository).moves.append((pull.number, now()))
        self.happened(events.pull_request(self, pull, "edited", "author"))

    def merge(self, pull: PullRequest) -> str:
        """Merge a pull request as a person, whatever its checks say; 405 where it conflicts."""
        made = pull.merge_sha()
        if not made:
            raise Refused(405, "Pull Request is not mergeable")
        before = pull.repository.refs()
        pull.state, pull.merged = "closed", True
        pull.repository.git("update-ref", f"refs/heads/{pull.base}", made)
        self.pushed(pull.repository, before, pull.repository.refs(), Token("", {}, None))
        self.happened(events.pull_request(self, pull, "closed", "author"))
        return made

    def enqueue(self, pull: PullRequest) -> str:
        """Put a pull request into the merge queue: the commit that the queue's checks will be on."""
        made = pull.merge_sha()
        if not made:
            raise Refused(405, "Pull Request is not mergeable")
        ref = f"refs/heads/gh-readonly-queue/{pull.base}/pr-{pull.number}-{pull.base_sha}"
        pull.repository.git("update-ref", ref, made)
        self.happened(events.merge_group(self, pull, made, ref))
        return made

    def dispatch(self, repository: Repository, file: str, ref: str = "", **inputs: str) -> None:
        """Start a workflow by hand, as a person who filled in its form."""
        ref = f"refs/heads/{ref or repository.default_branch}"
        workflow = Workflow.read(file, repository.read(ref, f"{FOLDER}/{file}"))
        filled = workflow.inputs(inputs)
        self.happened(events.dispatched(self, repository, file, ref, filled, "author"))

    def schedule(self, repository: Repository, file: str, cron: str = "0 0 * * *") -> None:
        """Let the hour come that a workflow of the default branch waits for."""
        self.happened(events.scheduled(self, repository, file, cron))

    def send(self, repository: Repository, kind: str, payload: Mapping[str, Any]) -> None:
        """A `repository_dispatch` from outside."""
        self.happened(events.sent(self, repository, kind, payload))

    def token(self, permissions: Mapping[str, str], repository: Repository | None = None) -> str:
        """A token for tests, of a person's."""
        value = f"local_{secrets.token_hex(16)}"
        self.tokens[value] = Token(value, dict(permissions), repository.name if repository else None)
        return value

    # What happens, and the runs that follow

    def deliver(
        self,
        only: Collection[str] | None = None,
        jobs: Collection[str] | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 3600,
    ) -> list[Run]:
        """Run what waits until nothing does, and return the runs in their order, the cancelled ones too.

        `only` leaves out workflows of other files; `jobs` leaves out other jobs than these and what they need.
        """
        done: list[Run] = []
        waiting: list[Run] = []
        while waiting or self._events:
            while self._events:
                waiting += self._started(self._events.popleft(), only)
            if len(done) + len(waiting) > MOST_RUNS:
                raise AssertionError(f"more than {MOST_RUNS} runs: do workflows start each other?")
            for run in _superseded(waiting):
                waiting.remove(run)
                run.status, run.conclusion = "completed", "cancelled"
                self._ended(run)
                done.append(run)
            if waiting:
                run = waiting.pop(0)
                self.runner.run(run, jobs, env or {}, timeout)
                # what it dispatched itself may be in its own group, and then ends it
                started = [new for _ in range(len(self._events)) for new in self._started(self._events.popleft(), only)]
                if any(new.group == (run.group[0], True) for new in started):
                    run.conclusion = "cancelled"
                waiting += started
                self._ended(run)
                done.append(run)
        return done

    def happened(self, event: Event | None) -> None:
        """Put an event into the queue."""
        if event and not events.skipped(event):
            self._events.append(event)

    def pushed(
        self, repository: Repository, before: Mapping[str, str], after: Mapping[str, str], token: Token, actor: str = ""
    ) -> None:
        """Follow a push: pull requests get its head, and events start unless a run's own token pushed."""
        for ref, sha in after.items():
            if before.get(ref) == sha or not ref.startswith(("refs/heads/", "refs/tags/")):
                continue
            actor = actor or ("github-actions[bot]" if token.run else "author")
            if not token.run and not ref.startswith("refs/heads/gh-readonly-queue/"):
                self.happened(events.pushed(self, repository, ref, before.get(ref, ZERO), sha, actor))
            for shelf in self._shelves.values():
                for pull in shelf.pulls.values():
                    if (pull.state, pull.head.name, f"refs/heads/{pull.branch}") == ("open", repository.name, ref):
                        last = pull.head_sha
                        pull.follow()
                        if not token.run:
                            self.happened(events.pull_request(self, pull, "synchronize", actor, last))

    def open(
        self,
        repository: Repository,
        head: Repository,
        branch: str,
        base: str,
        title: str,
        body: str,
        token: Token | None,
    ) -> PullRequest:
        """Open a pull request; one that a run's own token opens starts nothing."""
        author = "github-actions[bot]" if token and token.run else head.owner
        number = self.next_number(repository)
        pull = PullRequest(self, repository, number, head, branch, base, title, body, author)
        pull.follow()
        self.shelf(repository).pulls[pull.number] = pull
        if not (token and token.run):
            self.happened(events.pull_request(self, pull, "opened", author))
        return pull

    def _started(self, event: Event, only: Collection[str] | None) -> list[Run]:
        found = []
        for path in event.repository.files(event.sha, FOLDER):
            file = path.removeprefix(f"{FOLDER}/")
            if "/" in file or not file.endswith((".yml", ".yaml")) or (only is not None and file not in only):
                continue
            workflow = Workflow.read(file, event.repository.read(event.sha, path))
            if event.starts(workflow):
                name = self.next_id()
                number = 1 + sum(run.file == file for run in self.runs)
                run = Run(self, name, number, workflow, event, self.root / "runs" / str(name))
                self.runs.append(run)
                found.append(run)
        return found

    def _ended(self, run: Run) -> None:
        for job in run.jobs.values():
            check = Check(self.next_id(), run.event.head_sha, job.name, job.conclusion, run=run.id)
            self.shelf(run.event.repository).checks.append(check)
        if run.event.repository.find(f"refs/heads/{run.event.repository.default_branch}"):
            self.happened(events.completed(self, run))


def _superseded(waiting: list[Run]) -> list[Run]:
    """The runs whose concurrency group has a later one, as if all had come while the first one ran."""
    groups: dict[str, list[Run]] = {}
    for run in waiting:
        if not run.queues:
            groups.setdefault(f"{run.event.repository.name} {run.group[0]}", []).append(run)
    return [run for runs in groups.values() for run in runs[0 if runs[-1].group[1] else 1 : -1]]
