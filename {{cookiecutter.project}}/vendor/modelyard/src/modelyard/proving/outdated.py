"""Whether a commit's dvc.lock was made from the files of that commit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..judging.lock import Lock
from ..training.strict_yaml import read_yaml
from ..training.tracked import SUFFIX
from .tolerance import Difference, leaves


def outdated(lock: Lock, status: Mapping[str, list[Any]], root: Path) -> list[Difference]:
    """The differences between the commit under `root` and what its lock was made from, as `dvc status` reports them."""
    differences: list[Difference] = []
    for stage, changes in status.items():
        if stage.endswith(SUFFIX):  # a file under DVC, which the stages that read it report; no stage may be called so
            continue
        for difference in _stage_differences(lock, stage, changes, root):
            if difference not in differences:  # several stages may depend on the same file
                differences.append(difference)
    return differences


def torn(lock: Lock) -> list[Difference]:
    """The files of which a stage read another version than the stage before wrote."""
    outs = lock.outs
    return [
        Difference(f"dvc.lock: {stage}: {path}", md5, outs[path])
        for stage in lock.stages
        for path, md5 in lock.deps(stage).items()
        if outs.get(path, md5) != md5
    ]


def _stage_differences(lock: Lock, stage: str, changes: list[Any], root: Path) -> Iterator[Difference]:
    if stage not in lock.stages:
        yield Difference(f"dvc.yaml: {stage}", "no such stage", "a stage")
        return
    for change in changes:
        if change == "changed command":
            yield Difference(f"dvc.yaml: {stage}.cmd", lock.stages[stage]["cmd"], "another command")
        elif isinstance(change, dict):
            yield from _input_differences(lock, stage, change.get("changed deps") or {}, root)


def _input_differences(lock: Lock, stage: str, changes: Mapping[str, Any], root: Path) -> Iterator[Difference]:
    locked = lock.stages[stage]
    for path, state in changes.items():
        if isinstance(state, dict):  # a file of parameters
            before = locked.get("params", {}).get(path, {})
            now = read_yaml(root / path) if (root / path).is_file() else {}
            for key in state:
                yield from _parameter_differences(f"{path}: {key}", before.get(key), _value_at(now, key))
        elif state != "deleted" and path not in lock.outs:  # outputs do not exist before the pipeline has run
            locked_deps = {entry["path"]: entry.get("md5") for entry in locked.get("deps") or []}
            yield Difference(path, locked_deps.get(path, "not among its inputs"), "another version")


def _parameter_differences(where: str, locked: Any, committed: Any) -> Iterator[Difference]:
    before, now = dict(leaves(locked)), dict(leaves(committed))
    for key in {**before, **now}:
        if before.get(key) != now.get(key):
            yield Difference(f"{where}.{key}" if key else where, before.get(key), now.get(key))


def _value_at(content: Any, key: str) -> Any:
    for step in key.split("."):
        content = content.get(step) if isinstance(content, dict) else None
    return content
