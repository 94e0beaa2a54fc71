"""`versions`: write versions.json, the versions in uv.lock of the packages that each stage runs. DVC depends on it.

So an update of a package makes the stages run again that it can change, and no others: ruff changes none of them. The
file is made from uv.lock and not from what is installed, so it is the same on every platform and Python. Where uv.lock
has a package in several versions, one for each Python or platform, all of them are listed.
"""

from __future__ import annotations

import argparse
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from ..code import STAGES
from ..errors import YardError

VERSIONS = Path("versions.json")
LOCK = Path("uv.lock")
EXTRA = "train"  # what the manifest of a model records
LIBRARY = "modelyard"  # its code has hashes of its own: vendor/yard.json

# A requirement of platforms on which no workflow runs
ELSEWHERE = re.compile(r"sys_platform == '(win32|emscripten)'( or sys_platform == '(win32|emscripten)')*")

# What a stage does not import, of the packages that training requires. What a project adds counts for every stage.
_READING = {"fsspec", "pandera", "sqlalchemy"}
_FITTING = {"lightgbm", "onnx", "packaging", "scikit-learn", "threadpoolctl", "xgboost", "xgboost-cpu"}
UNUSED: Mapping[str, set[str]] = {
    "ingest": {*_FITTING, "onnxruntime"},
    "train": _READING,
    "evaluate": {*_READING, *_FITTING, "pandas"},
    "bundle": {*_READING, *_FITTING, "pandas"},
}

Versions = dict[str, dict[str, str]]
NONE: Versions = {stage: {} for stage in STAGES}  # of a project that has no uv.lock yet


def locked_versions(lock: str) -> Versions:
    """The version of each package that a stage runs, by stage, from the text of uv.lock.

    Raises YardError if that is no lock of uv.
    """
    try:
        packages: list[dict[str, Any]] = tomllib.loads(lock)["package"]
        by_name: dict[str, list[dict[str, Any]]] = {}
        project = next(one["name"] for one in packages if "." in map(one["source"].get, ("editable", "virtual")))
        for one in packages:
            by_name.setdefault(one["name"], []).append(one)
        answering = _direct(by_name, project, "")
        needed = answering | _direct(by_name, project, EXTRA)
        # a package that the service needs too may be imported by features.py
        own = {stage: answering if stage != "ingest" else set() for stage in STAGES}
        return {
            stage: _closure(by_name, {one for one in needed if one[0] not in UNUSED[stage] or one in own[stage]})
            for stage in STAGES
        }
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        raise YardError(
            f"{LOCK} cannot be read as a lock of uv ({error}); where a merge left both versions in it, take one with "
            f"`git checkout --theirs {LOCK}`, then run `make lock APPLY=1`"
        ) from None


def _direct(by_name: Mapping[str, list[dict[str, Any]]], name: str, extra: str) -> set[tuple[str, str]]:
    """What a package requires with an extra, as names with their extras; what the library requires in its place."""
    found = set()
    for needed in _requirements(by_name, name, extra):
        found |= _direct(by_name, *needed) if needed[0] == LIBRARY else {needed}
    return found


def _requirements(by_name: Mapping[str, list[dict[str, Any]]], name: str, extra: str) -> Iterator[tuple[str, str]]:
    for package in by_name[name]:
        listed = package.get("optional-dependencies", {}).get(extra, ()) if extra else package.get("dependencies", ())
        for needed in listed:
            if ELSEWHERE.fullmatch(needed.get("marker", "")):
                continue
            yield from ((needed["name"], one) for one in ("", *needed.get("extra", ())))


def _closure(by_name: Mapping[str, list[dict[str, Any]]], roots: Iterable[tuple[str, str]]) -> dict[str, str]:
    todo, done = list(roots), set()
    while todo:
        if (one := todo.pop()) not in done:
            done.add(one)
            todo += _requirements(by_name, *one)
    names = sorted({name for name, _ in done})
    return {name: ", ".join(sorted(_version(package) for package in by_name[name])) for name in names}


def _version(package: Mapping[str, Any]) -> str:
    """The version; for what is from no index also where it is from, with its commit or hash."""
    source, version = package["source"], str(package.get("version", "unknown"))
    if "registry" in source:
        return version
    files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ())]
    place = source.get("git") or next((file["hash"] for file in files if "hash" in file), next(iter(source.values())))
    return f"{version} ({re.sub(r'://[^/@]*@', '://', str(place))})"


def text(versions: Mapping[str, Mapping[str, str]]) -> str:
    """The content of versions.json."""
    return json.dumps(versions, indent=2 if any(versions.values()) else None) + "\n"


def write_versions(root: Path = Path()) -> list[str]:
    """Bring versions.json up to date with uv.lock; return the changes, one line a package. Without uv.lock: nothing.

    Raises YardError if uv.lock cannot be read; versions.json then stays as it is.
    """
    if not (root / LOCK).is_file():
        return []
    now, before = locked_versions((root / LOCK).read_text(encoding="utf-8")), read_versions(root)
    if now == before:
        return []
    (root / VERSIONS).write_text(text(now), encoding="utf-8")
    changed: dict[str, list[str]] = {}
    for stage in STAGES:
        old, new = (before or {}).get(stage, {}), now[stage]
        for name in sorted({*old, *new}):
            if old.get(name) != new.get(name):
                change = f"{name} {old.get(name, 'none')} -> {new.get(name, 'none')}"
                changed.setdefault(change, []).append(stage)
    return [f"{change} ({', '.join(stages)})" for change, stages in changed.items()]


def read_versions(root: Path = Path()) -> Versions | None:
    """The content of versions.json; None where there is none, or where it cannot be read."""
    try:
        found = json.loads((root / VERSIONS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    valid = isinstance(found, dict) and all(isinstance(one, dict) for one in found.values())
    return found if valid else None


def others_installed(stage: str, root: Path = Path()) -> dict[str, tuple[str, str]]:
    """The packages of a stage that are installed in another version than versions.json names: (installed, named).

    A package that is not installed is one of another platform or Python.
    """
    found = {}
    for name, listed in ((read_versions(root) or {}).get(stage) or {}).items():
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        if installed not in {version.partition(" ")[0] for version in listed.split(", ")}:
            found[name] = (installed, listed)
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the file, and print which stages will run again."""
    argparse.ArgumentParser(
        prog="versions", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args(arguments)
    if changes := write_versions():
        lines = "\n  ".join(changes)
        print(f"{VERSIONS} now has what uv.lock has; `make pipeline` runs the stages in brackets:\n  {lines}")
