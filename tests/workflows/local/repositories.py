"""Repositories of the local GitHub: real bare ones, asked and changed with git."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .http import Refused

AUTHOR = {
    "GIT_AUTHOR_NAME": "author",
    "GIT_AUTHOR_EMAIL": "author@example.invalid",
    "GIT_COMMITTER_NAME": "author",
    "GIT_COMMITTER_EMAIL": "author@example.invalid",
}
ZERO = "0" * 40
# What GitHub's server does, whatever the machine's own settings are
CONFIG = {
    "http.receivepack": "true",
    "uploadpack.allowFilter": "true",
    "uploadpack.allowAnySHA1InWant": "true",
    "receive.denyDeleteCurrent": "ignore",
    "core.logAllRefUpdates": "false",
    "gc.auto": "0",
}
# Refused are pushes to protected branches, other objects for tags that rulesets keep, and workflows from a run's token
PRE_RECEIVE = """#!/bin/sh
set -f
refused=0
while read -r before after ref; do
  for branch in $LOCAL_GITHUB_PROTECTED; do
    if [ "$ref" = "refs/heads/$branch" ]; then
      echo "error: GH013: Repository rule violations found for $ref." >&2
      echo "- Changes must be made through a pull request." >&2
      refused=1
    fi
  done
  for pattern in $LOCAL_GITHUB_KEPT; do
    case "$ref" in $pattern)
      [ "$before" = 0000000000000000000000000000000000000000 ] && continue
      echo "error: GH013: Repository rule violations found for $ref." >&2
      echo "- Cannot update or delete this protected ref." >&2
      refused=1
    esac
  done
  [ -n "$LOCAL_GITHUB_RUN" ] || continue
  [ "$after" = 0000000000000000000000000000000000000000 ] && continue
  for commit in $(git rev-list "$after" --not --all); do
    if git diff-tree -r -c --root --no-commit-id --name-only "$commit" | grep -q '^.github/workflows/'; then
      echo "refusing to allow a GitHub App to create or update workflow files without \\`workflows\\` permission" >&2
      refused=1
    fi
  done
done
exit $refused
"""


@dataclass
class Repository:
    """A repository: `name` is "owner/name", `path` a bare repository; private unless said otherwise."""

    name: str
    path: Path
    id: int
    private: bool = True
    default_branch: str = "main"
    fork_of: str | None = None
    protected: set[str] = field(default_factory=set)
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def __post_init__(self) -> None:
        git(self.path.parent, "init", "--quiet", "--bare", f"--initial-branch={self.default_branch}", str(self.path))
        with (self.path / "config").open("a") as config:
            for name, value in CONFIG.items():
                section, key = name.split(".")
                config.write(f"[{section}]\n\t{key} = {value}\n")
        hook = self.path / "hooks/pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(PRE_RECEIVE)
        hook.chmod(0o755)

    @property
    def owner(self) -> str:
        """The account that it belongs to."""
        return self.name.partition("/")[0]

    def git(self, *arguments: str, env: Mapping[str, str] | None = None, give: bytes = b"") -> str:
        """What git printed about the bare repository."""
        return git(self.path, *arguments, env=env, give=give)

    def refs(self) -> dict[str, str]:
        """Each ref and the object that it points to."""
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(line.split(" ") for line in lines)

    def find(self, revision: str) -> str | None:
        """The commit of a branch, a tag, a full ref or an id; None where there is none."""
        for ref in (revision, f"refs/heads/{revision}", f"refs/tags/{revision}"):
            if ref.startswith("refs/") or len(ref) == 40:
                try:
                    return self.git("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
                except subprocess.CalledProcessError:
                    continue
        return None

    def sha(self, revision: str) -> str:
        """The commit of a branch, a tag, a full ref or an id; refused with 422 where there is none."""
        found = self.find(revision)
        if not found:
            raise Refused(422, f"No commit found for SHA: {revision}")
        return found

    def files(self, revision: str, folder: str = "") -> list[str]:
        """The files under a folder at a revision."""
        return self.git("ls-tree", "-r", "--name-only", self.sha(revision), "--", folder or ".").splitlines()

    def read(self, revision: str, path: str) -> str:
        """A file's text at a revision; FileNotFoundError where it is not there."""
        sha = self.sha(revision)
        if path not in self.files(sha, path):
            raise FileNotFoundError(f"{path} is not in {self.name} at {revision}")
        return git(self.path, "cat-file", "blob", f"{sha}:{path}", strip=False)

    def log(self, revision: str) -> str:
        """The message of a commit."""
        return self.git("log", "-1", "--format=%B", revision)

    def changed(self, before: str, after: str) -> list[str]:
        """The files that differ between where two commits parted and the second one.

        A new branch is compared with the default branch, and all is new where there is none.
        """
        if before == ZERO:
            before = self.find(f"refs/heads/{self.default_branch}") or after
        if before == after:
            return self.files(after)
        return self.git("diff", "--name-only", f"{before}...{after}").splitlines()

    def commit(self, tree: str, parents: Sequence[str], message: str, env: Mapping[str, str] | None = None) -> str:
        """The id of a new commit."""
        given = [part for parent in parents for part in ("-p", parent)]
        return self.git("commit-tree", tree, *given, "-m", message, env={**AUTHOR, **(env or {})})

    def commit_files(self, parent: str | None, files: Mapping[str, str | bytes | None], message: str) -> str:
        """The id of a commit that changes these files; None as content deletes."""
        with tempfile.TemporaryDirectory() as folder:
            env = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            if parent:
                self.git("read-tree", parent, env=env)
            listed = []
            for path, content in files.items():
                data = content.encode() if isinstance(content, str) else content
                blob = ZERO if data is None else self.git("hash-object", "-w", "--stdin", give=data)
                listed.append(f"{'0' if data is None else '100644'} {blob}\t{path}\n")
            self.git("update-index", "--add", "--index-info", env=env, give="".join(listed).encode())
            tree = self.git("write-tree", env=env)
        return self.commit(tree, [parent] if parent else [], message)

    def merged(self, base: str, head: str) -> str | None:
        """The commit that merges a head into a base, as a pull request shows it; None where they conflict."""
        if self.git("merge-base", base, head) == head:
            return base
        try:
            tree = self.git("merge-tree", "--write-tree", base, head).splitlines()[0]
        except subprocess.CalledProcessError:
            return None
        # the same merge has the same id, as long as both sides stay
        dates = {"GIT_AUTHOR_DATE": "2030-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2030-01-01T00:00:00Z"}
        return self.commit(tree, [base, head], f"Merge {head} into {base}", env=dates)


def git(
    folder: Path, *arguments: str, env: Mapping[str, str] | None = None, give: bytes = b"", strip: bool = True
) -> str:
    """What git printed, without the machine's settings; CalledProcessError with its words where it failed."""
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        input=give,
        capture_output=True,
        check=False,
        timeout=120,
        env={**clean(), **(env or {})},
    )
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, done.args, done.stdout, done.stderr)
    return done.stdout.decode().strip() if strip else done.stdout.decode()


def clean() -> dict[str, str]:
    """The environment without what points git at another repository or at a person's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**kept, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
