"""What the local GitHub knows: repositories, tokens, and what is kept beside Git."""

from __future__ import annotations

import itertools
import secrets
import threading
from collections.abc import Mapping
from pathlib import Path

from . import pins
from .http import Refused, Token
from .repositories import Repository
from .runs import Run
from .state import Cache, Check, Comment, PullRequest, Shelf


class Registry:
    """All that is kept, under `root` and in memory, and how the routes find it.

    `secrets` and `variables` are what workflows see as such, and `environments` has the variables of each environment,
    which come before those. `env` is set on each runner beside what GitHub sets. So many of the next uploads of a
    release's files break off as `broken_uploads` says. Each of `faults` is the status with which one request is
    answered whose method and path begin so, such as ("POST /repos/owner/name/issues", 502); `carried_out` says that
    it is done nevertheless.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.root.mkdir(parents=True, exist_ok=True)
        self.repositories: dict[str, Repository] = {}
        self.tokens: dict[str, Token] = {}
        self.runners: dict[str, Run] = {}
        self.runs: list[Run] = []
        self.loans: dict[str, bytes] = {}
        self.secrets: dict[str, str] = {}
        self.variables: dict[str, str] = {}
        self.environments: dict[str, dict[str, str]] = {}
        self.env: dict[str, str] = {}
        self.url = ""
        self.broken_uploads = 0
        self.faults: list[tuple[str, int]] = []
        self.carried_out = False
        self._shelves: dict[str, Shelf] = {}
        self._ids = itertools.count(1001)
        self._lock = threading.RLock()

    def create(self, name: str, private: bool = True, fork_of: str | None = None) -> Repository:
        """A new repository "owner/name": empty, or with all that the one it is forked from has."""
        path = self.root / "repositories" / f"{name}.git"
        path.parent.mkdir(parents=True, exist_ok=True)
        made = Repository(name, path, self.next_id(), private, fork_of=fork_of)
        if fork_of:
            made.git("fetch", "--quiet", str(self.repositories[fork_of].path), "+refs/heads/*:refs/heads/*")
        self.repositories[name] = made
        return made

    def next_id(self) -> int:
        """A number that nothing else has."""
        return next(self._ids)

    def repository(self, name: str) -> Repository:
        """A repository by "owner/name"; refused with 404 where there is none."""
        with self._lock:
            if name not in self.repositories and name in pins.STAND_FOR:
                self._stand_in(name)
        if name not in self.repositories:
            raise Refused(404, "Not Found")
        return self.repositories[name]

    def _stand_in(self, name: str) -> None:
        commit, folder = pins.STAND_FOR[name], pins.STAND_INS / name.replace("/", "-")
        made = self.create(name, private=False)
        files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        made.git("update-ref", "refs/heads/main", made.commit_files(None, files, f"Stand in for {commit}"))
        made.git("update-ref", f"refs/stands-for/{commit}", "refs/heads/main")

    def fork_owned_by(self, repository: Repository, owner: str) -> Repository:
        """The repository of an owner in a network of forks."""
        for found in self.repositories.values():
            if found.owner == owner and repository.name in (found.name, found.fork_of):
                return found
        raise Refused(422, "Validation Failed", [{"resource": "PullRequest", "field": "head", "code": "invalid"}])

    def shelf(self, repository: Repository) -> Shelf:
        """What is kept for a repository beside Git."""
        with self._lock:
            return self._shelves.setdefault(repository.name, Shelf())

    def kept_refs(self, repository: Repository) -> list[str]:
        """The patterns of tags that rulesets keep from being moved and deleted."""
        found = self.shelf(repository).settings.get("rulesets", {}).values()
        kept = [one for one in found if (one["target"], one["enforcement"]) == ("tag", "active")]
        kept = [one for one in kept if {rule["type"] for rule in one["rules"]} >= {"update", "deletion"}]
        return [pattern for one in kept for pattern in one["conditions"]["ref_name"]["include"]]

    def pulls(self, repository: Repository) -> list[PullRequest]:
        """All pull requests, the oldest first."""
        return list(self.shelf(repository).pulls.values())

    def next_number(self, repository: Repository) -> int:
        """The number of the next issue or pull request, which count together."""
        shelf = self.shelf(repository)
        return 1 + max([0, *shelf.pulls, *shelf.issues])

    def comments_of(self, repository: Repository, number: int) -> list[Comment]:
        """The comments of one pull request or issue, the oldest first."""
        return [comment for comment in self.shelf(repository).comments if comment.number == number]

    def checks_of(self, repository: Repository, sha: str) -> list[Check]:
        """The latest check and the latest status of each name on a commit."""
        found = [check for check in self.shelf(repository).checks if check.sha == sha]
        return list({(check.name, check.of_statuses): check for check in found}.values())

    def caches(self, repository: Repository) -> list[Cache]:
        """What runs have saved; `clear()` it to evict all."""
        return self.shelf(repository).caches

    def permissions(self, token: Token) -> Mapping[str, str]:
        """What a token may do now: that of a run depends on the job that is running."""
        run = next((run for run in self.runs if run.id == token.run), None)
        return {"metadata": "read", **(run.allowed() if run else token.permissions)}

    def lend(self, content: bytes) -> str:
        """An address at which content can be had without a token."""
        name = secrets.token_hex(16)
        self.loans[name] = content
        return f"{self.url}/_lent/{name}"
