"""Pull data and models from the DVC remote, or push them to it.

If the remote cannot be reached, this is a warning and not an error, because missing files are made again from the
source. A folder inside the project is not shared with other machines, so nothing is moved there.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence

from ..errors import YardError
from ..git import without_repository
from ..judging.unmerged import check_merged
from ..runtime.project import Project
from ..training.tracked import shared_remote, told_after

DVC = [sys.executable, "-m", "dvc"]  # that of this environment, not one on the PATH
COMMANDS = {"pull": [*DVC, "fetch", "--run-cache", "--quiet"], "push": [*DVC, "push", "--run-cache", "--quiet"]}
# Outputs of this commit that are in the cache need not be made again
CHECKOUT = [*DVC, "checkout", "--allow-missing", "--quiet"]


def move(direction: str) -> str:
    """Pull or push; return the result in one line."""
    url = shared_remote()
    failed = url is not None and _run(COMMANDS[direction])
    if direction == "pull":
        _run(CHECKOUT)
    if url is None:
        return f"nothing to {direction}: the DVC remote is a folder of this project"
    if failed:
        return f"{_warning()}dvc {direction} failed for {url}, see above; going on without"
    return f"dvc {direction}: {url}"


def _warning() -> str:
    return "::warning::" if os.environ.get("GITHUB_ACTIONS") else "warning: "


def _run(command: Sequence[str]) -> int:
    return subprocess.run(command, env=without_repository(), stdout=2, check=False).returncode  # noqa: S603


def main(arguments: Sequence[str], _project: Project) -> None:
    """The verb `remote`."""
    parser = argparse.ArgumentParser(
        prog="remote", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("direction", choices=COMMANDS)
    direction = parser.parse_args(arguments).direction
    try:
        check_merged()
    except YardError as error:
        if direction == "push":
            raise
        print(f"warning: nothing is pulled: {error}")  # the pipeline says the same, and the report shows it
    else:
        print(move(direction))
        for line in told_after(direction):
            print(f"{_warning()}{line}")
