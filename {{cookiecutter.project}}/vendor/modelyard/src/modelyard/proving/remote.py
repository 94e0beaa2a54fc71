"""Bring data and models from the DVC remote, or to it, as far as that goes.

A remote that cannot be reached costs time and never a run: what is not there is made again from the source. It is said
as a warning. A folder inside the project is no remote that other machines share, so nothing is moved there.
"""

from __future__ import annotations

import argparse
import configparser
import os
import subprocess
import sys
from pathlib import Path

from ..runtime.contract import ContractError

CONFIG = Path(".dvc/config")
DVC = [sys.executable, "-m", "dvc"]  # that of this environment, whatever the PATH says
COMMANDS = {"pull": [*DVC, "fetch", "--run-cache", "--quiet"], "push": [*DVC, "push", "--run-cache", "--quiet"]}
# What the cache holds of this commit's outputs need not be made again
CHECKOUT = [*DVC, "checkout", "--allow-missing", "--quiet"]


def shared_remote() -> str | None:
    """The address of the remote, or None where it is a folder of this project, or there is none."""
    config = configparser.ConfigParser(interpolation=None)
    config.read([CONFIG, CONFIG.with_suffix(".local")], encoding="utf-8")
    name = config.get("core", "remote", fallback=None)
    if name is None:
        return None
    section = f"'remote \"{name}\"'"
    if not config.has_option(section, "url"):
        raise ContractError(f"{CONFIG}: core.remote is {name!r}, and no remote of that name has a url")
    url = config.get(section, "url")
    if "://" in url:
        return url
    place = (CONFIG.parent / url).resolve()
    return None if place.is_relative_to(Path.cwd()) else str(place)


def move(direction: str) -> str:
    """Pull or push; what came of it, in one line."""
    url = shared_remote()
    failed = url is not None and subprocess.run(COMMANDS[direction], stdout=2, check=False).returncode  # noqa: S603
    if direction == "pull":
        subprocess.run(CHECKOUT, stdout=2, check=False)  # noqa: S603
    if url is None:
        return f"nothing to {direction}: the DVC remote is a folder of this project"
    if failed:
        mark = "::warning::" if os.environ.get("GITHUB_ACTIONS") else "warning: "
        return f"{mark}dvc {direction} failed for {url}, see above; going on without"
    return f"dvc {direction}: {url}"


def main(arguments: list[str] | None = None) -> None:
    """The verb `remote`."""
    parser = argparse.ArgumentParser(
        prog="remote", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("direction", choices=COMMANDS)
    print(move(parser.parse_args(arguments).direction))
