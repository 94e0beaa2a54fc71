"""What the commit here holds of the pipeline's results: files of Git that are those that dvc.lock says a stage made.

A file that is there, and is not what the stage wrote, says nothing; nor does one that is not committed.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from ..errors import YardError
from ..git import find_commit, git
from ..judging.lock import LOCK, path_md5, read_lock
from .found import Lack, Part, Trace

UNMADE = "the commit here has no {path} that its dvc.lock knows; the pipeline has not run, or is not committed"


class Pipeline:
    """The results of the pipeline in HEAD. trained_by: the workflow's run that is known to run it; may be empty."""

    def __init__(self, root: Path, trained_by: str) -> None:
        self.root, self.trained_by = root, trained_by
        self.head = find_commit(root, "HEAD")
        if self.head is None:
            raise YardError(f"{root.absolute()} has no commit yet; commit the project, for its results are in Git")
        self.lock = read_lock(root / LOCK)
        edited = set(git(root, "diff", "--name-only", "--relative", "-z", "HEAD", "--", ".").split("\0"))
        self._committed = set(git(root, "ls-files", "-z").split("\0")) - edited
        self._outs = self.lock.outs if LOCK.as_posix() in self._committed else {}

    def read(self, path: Path) -> bytes | None:
        """The content of an output that the commit holds; None if it is not what dvc.lock says."""
        name = path.as_posix()
        is_made = name in self._committed and self._outs.get(name) == path_md5(self.root / path)
        return (self.root / path).read_bytes() if is_made else None

    def read_json(self, path: Path) -> dict[str, Any]:
        """The same as a JSON object; empty if it is not there."""
        content = self.read(path)
        return json.loads(content) if content else {}

    def read_lines(self, path: Path) -> list[dict[str, str]]:
        """The same as the lines of a CSV file."""
        return list(csv.DictReader((self.read(path) or b"").decode().splitlines()))

    def depends_on(self, stage: str, path: str) -> bool:
        """Whether a stage ran with this file as it is now."""
        known = self.lock.deps(stage).get(path) if stage in self.lock.stages else None
        return bool(self._outs) and path in self._committed and known == path_md5(self.root / path)

    def part(self, path: Path, what: str) -> Part:
        """The trace of an output; `what` is empty where it does not hold what is asked for."""
        if not what:
            return Lack(UNMADE.format(path=path), "make pipeline")
        return self._trace(path, what)

    def of_lock(self, what: str) -> Part:
        """The trace of dvc.lock itself."""
        if not self._outs:
            return Lack("dvc.lock here is not committed", "make pipeline")
        return self._trace(LOCK, what)

    def _trace(self, path: Path, what: str) -> Trace:
        commit, when = git(self.root, "log", "-1", "--format=%h %cI", "--", path.as_posix()).split()
        again = f"; a workflow runs the stages too: {self.trained_by}" if self.trained_by else ""
        return Trace(what, f"{path} at {commit}{again}", when, bool(self.trained_by))
