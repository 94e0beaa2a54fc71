"""A commit's dvc.lock, whether that commit still has what it was made from, and the bytes behind its hashes.

Nothing that DVC's cache holds is believed: each file is hashed again before it is used.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ..training.settings import read_yaml
from .tolerance import Difference, leaves

LOCK = Path("dvc.lock")
CACHE = Path(".dvc/cache")
MD5 = re.compile(r"[0-9a-f]{32}(\.dir)?")


@dataclass(frozen=True)
class Lock:
    """The stages of a dvc.lock, by name."""

    stages: dict[str, dict[str, Any]]

    @property
    def outs(self) -> dict[str, str]:
        """The hash of each output, by its path in the project."""
        return {path: md5 for stage in self.stages for path, md5 in self._hashes(stage, "outs").items()}

    def torn(self) -> list[Difference]:
        """Where one stage was made from another version of a file than the stage before left of it."""
        outs = self.outs
        return [
            Difference(f"dvc.lock: {stage}: {path}", md5, outs[path])
            for stage in self.stages
            for path, md5 in self._hashes(stage, "deps").items()
            if outs.get(path, md5) != md5
        ]

    def _hashes(self, stage: str, kind: str) -> dict[str, str]:
        entries = self.stages[stage].get(kind) or []
        return {entry["path"]: str(entry.get("md5")) for entry in entries if _inside(entry["path"])}


def read_lock(path: Path) -> Lock:
    """The lock in a file; one without stages where there is no such file."""
    return Lock(read_yaml(path).get("stages") or {} if path.is_file() else {})


def stale(lock: Lock, status: Mapping[str, list[Any]], root: Path) -> list[Difference]:
    """What the commit under `root` has otherwise than the lock was made with, by what `dvc status` says of it."""
    found: list[Difference] = []
    for stage, changes in status.items():
        for one in _changed(lock, stage, changes, root):
            if one not in found:  # several stages may depend on it
                found.append(one)
    return found


def _changed(lock: Lock, stage: str, changes: list[Any], root: Path) -> Iterator[Difference]:
    if stage not in lock.stages:
        yield Difference(f"dvc.yaml: {stage}", "no such stage", "a stage")
        return
    for change in changes:
        if change == "changed command":
            yield Difference(f"dvc.yaml: {stage}.cmd", lock.stages[stage]["cmd"], "another command")
        elif isinstance(change, dict):
            yield from _changed_deps(lock, stage, change.get("changed deps") or {}, root)


def _changed_deps(lock: Lock, stage: str, changes: Mapping[str, Any], root: Path) -> Iterator[Difference]:
    made = lock.stages[stage]
    for path, state in changes.items():
        if isinstance(state, dict):
            has, had = read_yaml(root / path), made.get("params", {}).get(path, {})
            for key in state:
                yield from _changed_params(f"{path}: {key}", had.get(key), _at(has, key))
        elif state != "deleted" and path not in lock.outs:  # what is made is not there before it is
            known = {entry["path"]: entry.get("md5") for entry in made.get("deps") or []}
            yield Difference(path, known.get(path, "not among its inputs"), "another version")


def _changed_params(where: str, had: Any, has: Any) -> Iterator[Difference]:
    before, now = dict(leaves(had)), dict(leaves(has))
    for key in {**before, **now}:
        if before.get(key) != now.get(key):
            yield Difference(f"{where}.{key}" if key else where, before.get(key), now.get(key))


def _at(content: Any, key: str) -> Any:
    for step in key.split("."):
        content = content.get(step) if isinstance(content, dict) else None
    return content


def take(md5: str, target: Path, cache: Path = CACHE) -> bool:
    """Copy the file or folder of that hash out of the cache; whether all of it was there and is what its hash says.

    Where it was not, nothing is left at `target`.
    """
    if not MD5.fullmatch(md5):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    if not md5.endswith(".dir"):
        return _take_file(md5, target, cache)
    listing = target.with_name(f"{target.name}.dir")
    if not _take_file(md5, listing, cache):
        return False
    entries = json.loads(listing.read_bytes())
    listing.unlink()
    target.mkdir()
    if all(_inside(one["relpath"]) and take(one["md5"], target / one["relpath"], cache) for one in entries):
        return True
    shutil.rmtree(target)
    return False


def _take_file(md5: str, target: Path, cache: Path) -> bool:
    kept = cache / "files/md5" / md5[:2] / md5[2:]
    if not kept.is_file():
        return False
    shutil.copyfile(kept, target)
    if file_md5(target) == md5.removesuffix(".dir"):
        return True
    target.unlink()
    return False


def file_md5(path: Path) -> str:
    """The hash by which DVC knows a file."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def path_md5(path: Path) -> str | None:
    """The hash by which DVC knows a file or a folder; None where there is neither."""
    if path.is_file():
        return file_md5(path)
    files = {one.relative_to(path).as_posix(): file_md5(one) for one in path.rglob("*") if one.is_file()}
    return folder_md5(files) if files else None


def folder_md5(files: Mapping[str, str]) -> str:
    """The hash by which DVC knows a folder, of the hashes of its files by their paths in it."""
    listing = json.dumps([{"md5": files[name], "relpath": name} for name in sorted(files)], sort_keys=True)
    return f"{hashlib.md5(listing.encode(), usedforsecurity=False).hexdigest()}.dir"


def _inside(path: str) -> bool:
    """Whether a path that somebody else wrote stays in the folder that it is relative to."""
    return not PurePosixPath(path).is_absolute() and ".." not in PurePosixPath(path).parts
