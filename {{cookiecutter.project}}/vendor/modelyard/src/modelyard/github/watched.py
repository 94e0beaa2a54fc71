"""Tell whether anything is watched: whether `policy.yaml` names a store, read without an environment.

The standard library reads no YAML, so this looks for a key `store` with a value. It says no only where that is certain:
the monitor, which reads the file properly, runs otherwise. Also tells for how many days main has had no commit, because
GitHub stops the schedules of a public repository after 60.
"""

from __future__ import annotations

import argparse
import os
import re
import time
from pathlib import Path

from ..git import git
from .alarms import IDLE
from .api import GitHubError
from .outputs import write_outputs

POLICY = Path("policy.yaml")
COMMENT = re.compile(r"(^|\s)#.*$", re.MULTILINE)
KEY = re.compile(r"""(?<![\w-])["']?store["']?\s*:(?=\s|$)[ \t]*([^\n]*)""")
NOTHING = re.compile(r"""(null|Null|NULL|~|""|''|)\s*([,}].*)?""")


def is_watched(policy: str) -> bool:
    """Whether a policy may name a store; False only where it surely names none."""
    text = COMMENT.sub("", policy)
    for found in KEY.finditer(text):
        if not NOTHING.fullmatch(found[1].strip()):
            return True
        if not found[1].strip():  # the value may be on the next lines, which are indented further then
            start = text.rfind("\n", 0, found.start()) + 1
            following = next((line for line in text[found.end() :].splitlines() if line.strip()), "")
            if _indent(following) > _indent(text[start:]):
                return True
    return False


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def idle_days(root: Path, now: float) -> int:
    """The days since the last commit."""
    return max(0, int((now - int(git(root, "log", "-1", "--format=%ct"))) // 86_400))


def main(arguments: list[str] | None = None) -> None:
    """The verb `watched`."""
    parser = argparse.ArgumentParser(
        prog="watched", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args(arguments)
    try:
        watched = is_watched(POLICY.read_text(encoding="utf-8"))
    except (OSError, ValueError) as failure:
        raise GitHubError(f"{POLICY} cannot be read: {failure}") from None
    idle = idle_days(Path(), time.time())
    lines = write_outputs({"watched": str(watched).lower(), "idle": str(idle)})
    if not watched:
        print(f"{POLICY} names no store in `monitor`, so nothing is watched")
    elif idle >= IDLE:
        mark = "::warning::" if os.environ.get("GITHUB_ACTIONS") else "warning: "
        print(f"{mark}main has had no commit for {idle} days; GitHub stops a public repository's schedules after 60")
    print(lines, end="")
