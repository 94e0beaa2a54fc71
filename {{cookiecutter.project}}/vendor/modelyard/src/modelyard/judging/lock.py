"""A commit's dvc.lock, and the files with its hashes.

The contents of DVC's cache are not trusted: each file is hashed again before it is used.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ..training.strict_yaml import read_yaml

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

    def deps(self, stage: str) -> dict[str, str]:
        """The hash of each dependency of a stage, by its path in the project."""
        return self._hashes(stage, "deps")

    def _hashes(self, stage: str, kind: str) -> dict[str, str]:
        entries = self.stages[stage].get(kind) or []
        return {entry["path"]: str(entry.get("md5")) for entry in entries if _inside(entry["path"])}


def read_lock(path: Path) -> Lock:
    """The lock in a file; a lock without stages if there is no such file."""
    return Lock(read_yaml(path).get("stages") or {} if path.is_file() else {})


def take(md5: str, target: Path, cache: Path = CACHE) -> bool:
    """Copy the file or folder with this hash out of the cache; return whether all of it was there and has its hash.

    If not, nothing is left at `target`.
    """
    if not MD5.fullmatch(md5):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    if not md5.endswith(".dir"):
        return _take_file(md5, target, cache)
    entries = _take_listing(md5, target, cache)
    if entries is None:
        return False
    target.mkdir()
    if all(_inside(path) and take(entry, target / path, cache) for path, entry in entries.items()):
        return True
    shutil.rmtree(target)
    return False


def take_some(md5: str, names: Collection[str], target: Path, cache: Path = CACHE) -> set[str]:
    """Copy files by their names out of the folder with this hash; return those that were there and have their hash."""
    if not (MD5.fullmatch(md5) and md5.endswith(".dir")):
        return set()
    target.mkdir(parents=True, exist_ok=True)
    entries = _take_listing(md5, target, cache) or {}
    return {name for name in names if _inside(name) and take(entries.get(name, ""), target / name, cache)}


def put_folder(folder: Path, cache: Path = CACHE) -> None:
    """Add a folder to the cache, as DVC does, replacing files of the same name."""
    hashes = _hashes_below(folder)
    for name, md5 in hashes.items():
        _put((folder / name).read_bytes(), md5, cache)
    _put(_listing(hashes), folder_md5(hashes), cache)


def file_md5(path: Path) -> str:
    """DVC's hash of a file."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def path_md5(path: Path) -> str | None:
    """DVC's hash of a file or a folder; None if there is neither."""
    if path.is_file():
        return file_md5(path)
    hashes = _hashes_below(path)
    return folder_md5(hashes) if hashes else None


def folder_md5(hashes: Mapping[str, str]) -> str:
    """DVC's hash of a folder, from the hashes of its files by their paths in it."""
    return f"{hashlib.md5(_listing(hashes), usedforsecurity=False).hexdigest()}.dir"


def _hashes_below(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): file_md5(path) for path in folder.rglob("*") if path.is_file()}


def _listing(hashes: Mapping[str, str]) -> bytes:
    """The entry of a folder in DVC's cache."""
    return json.dumps([{"md5": hashes[name], "relpath": name} for name in sorted(hashes)], sort_keys=True).encode()


def _cached(md5: str, cache: Path) -> Path:
    return cache / "files/md5" / md5[:2] / md5[2:]


def _take_listing(md5: str, target: Path, cache: Path) -> dict[str, str] | None:
    """The hash of each file in a folder of the cache, by its path in it; None if the cache does not list them."""
    listing = target.with_name(f"{target.name}.dir")
    if not _take_file(md5, listing, cache):
        return None
    entries = json.loads(listing.read_bytes())
    listing.unlink()
    return {entry["relpath"]: entry["md5"] for entry in entries}


def _take_file(md5: str, target: Path, cache: Path) -> bool:
    if not _cached(md5, cache).is_file():
        return False
    shutil.copyfile(_cached(md5, cache), target)
    if file_md5(target) == md5.removesuffix(".dir"):
        return True
    target.unlink()
    return False


def _put(content: bytes, md5: str, cache: Path) -> None:
    path = _cached(md5, cache)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    path.chmod(0o444)  # as DVC sets it, so that nobody changes it through a link


def _inside(path: str) -> bool:
    """Whether an untrusted path stays inside the folder that it is relative to."""
    return not PurePosixPath(path).is_absolute() and ".." not in PurePosixPath(path).parts
