"""Decide what a change affects, as outputs of a job: `code`, `model`, its `base`, and the `pythons` to test.

Documentation alone is neither code nor model; everything in vendor/ is both, because it holds the library. If the
changed files cannot be determined, everything counts as changed. The base is that of the event: the pull request, the
merge queue or the push. For a run that a person started, it is main.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..git import find_commit, git, try_git
from .api import GitHubError
from .outputs import write_outputs

CARD = "docs/model-card.md"  # goes into the bundle
VENDOR = "vendor/"  # the library: what runs and judges, whatever its file is called
TESTED = {"docs/data.md"}  # a test compares it with the contract
# Files that GitHub and the tests read, and the pipeline does not
FOR_GITHUB = {"CODEOWNERS", ".github/CODEOWNERS", ".github/dependabot.yml", ".github/repository.json"}
RULESETS = ".github/rulesets/"


def is_text(path: str) -> bool:
    """Whether a file is documentation only."""
    if path == CARD or path.startswith(VENDOR):
        return False
    return path.endswith(".md") or path.startswith("docs/") or path == "LICENSE"


def touches_code(paths: Iterable[str]) -> bool:
    """Whether a change of these files can change the result of the tests."""
    return any(path in TESTED or not is_text(path) for path in paths)


def touches_model(paths: Iterable[str]) -> bool:
    """Whether a change of these files can change the model, or what judges it."""
    return any(not (is_text(path) or path in FOR_GITHUB or path.startswith(RULESETS)) for path in paths)


def changed(root: Path, base: str) -> list[str] | None:
    """The files that differ between HEAD and its merge base with `base`; None if that cannot be determined.

    Paths are relative to `root`; those of files outside it, where the project is in a folder of its repository, to the
    top of the repository.
    """
    if not re.fullmatch(r"[0-9a-f]{7,64}", base) or not base.strip("0"):
        return None
    if find_commit(root, base) is None:
        return None
    fork = try_git(root, "merge-base", base, "HEAD")
    if fork.returncode:
        return None
    listed = try_git(root, "diff", "--name-only", "-z", "--no-renames", fork.stdout.strip(), "HEAD")
    inside = git(root, "rev-parse", "--show-prefix").rstrip("\n")
    return None if listed.returncode else [path.removeprefix(inside) for path in listed.stdout.split("\0") if path]


def pythons(path: Path) -> list[str]:
    """The Python versions to test: `tool.modelyard.pythons`, else the oldest that pyproject.toml allows."""
    try:
        project = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as failure:
        raise GitHubError(f"{path} cannot be read: {failure}") from None
    listed = project.get("tool", {}).get("modelyard", {}).get("pythons")
    if listed is None:
        listed = re.findall(r">=\s*(3\.\d+)", project.get("project", {}).get("requires-python", ""))[:1]
    if not isinstance(listed, list) or not listed or not all(re.fullmatch(r"3\.\d+", str(one)) for one in listed):
        raise GitHubError(f'{path}: tool.modelyard.pythons is {listed!r}: a list such as ["3.11", "3.13"] is needed')
    return [str(one) for one in listed]


def base_of(event: Mapping[str, Any], root: Path) -> str:
    """The commit that an event's change is compared with; empty if there is none."""
    pull, group = event.get("pull_request") or {}, event.get("merge_group") or {}
    base = pull.get("base", {}).get("sha") or group.get("base_sha") or event.get("before")
    if not base:
        main = event.get("repository", {}).get("default_branch", "main")
        base = find_commit(root, f"refs/remotes/origin/{main}") or ""
    return str(base)


def scope(root: Path, base: str) -> tuple[dict[str, str], str]:
    """The outputs, and the reason for them in a sentence."""
    paths = changed(root, base)
    common = {"base": base, "pythons": json.dumps(pythons(root / "pyproject.toml"))}
    if paths is None:
        everything = {"code": "true", "model": "true", **common}
        return everything, f"cannot compare with {base or 'no commit'}: everything counts as changed"
    code, model = (str(touches(paths)).lower() for touches in (touches_code, touches_model))
    return {"code": code, "model": model, **common}, f"{len(paths)} files changed since {base}"


def main(arguments: list[str] | None = None) -> None:
    """The verb `scope`."""
    parser = argparse.ArgumentParser(
        prog="scope", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", metavar="SHA", help="the commit to compare with (that of the event)")
    options = parser.parse_args(arguments)
    event_file = os.environ.get("GITHUB_EVENT_PATH")
    event = json.loads(Path(event_file).read_text(encoding="utf-8")) if event_file else {}
    outputs, why = scope(Path(), base_of(event, Path()) if options.base is None else options.base)
    lines = write_outputs(outputs)
    if os.environ.get("GITHUB_OUTPUT"):
        print(why)
    print(lines, end="")
