"""Tell whether the template has a newer version than this project was made from, as the output `newer` of a step.

It says no where there is nothing to ask: without .cruft.json, or where the template cannot be reached from here.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from ..git import try_git
from .check import CRUFT


def newer(root: Path) -> tuple[str, str]:
    """The template's newest commit, empty if there is none that is newer, and a sentence on it."""
    try:
        link = json.loads((root / CRUFT).read_text(encoding="utf-8"))
        template, had, wanted = str(link["template"]), str(link["commit"]), str(link.get("checkout") or "HEAD")
    except (OSError, ValueError, KeyError, TypeError):
        return "", f"{CRUFT} names no template, so there is none to follow"
    asked = try_git(root, "ls-remote", "--", template, wanted)
    found = asked.stdout.split()
    if asked.returncode or not found or not re.fullmatch(r"[0-9a-f]{40}", found[0]):
        return "", f"the template {template} cannot be reached from here, or has no {wanted}"
    if found[0] == had:
        return "", "the project has the newest version of its template"
    return found[0], f"the template is at {found[0][:7]}, and the project has {had[:7]}"


def main(arguments: Sequence[str] | None = None) -> None:
    """The verb `newer`."""
    parser = argparse.ArgumentParser(
        prog="newer", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args(arguments)
    found, why = newer(Path())
    if path := os.environ.get("GITHUB_OUTPUT"):
        with open(path, "a", encoding="utf-8") as opened:
            opened.write(f"newer={found}\n")
    print(why)
