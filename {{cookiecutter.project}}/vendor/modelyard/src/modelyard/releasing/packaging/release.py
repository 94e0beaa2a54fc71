"""Which release is made: of what project, in what version, from which commit."""

from __future__ import annotations

import datetime
import os
import re
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path

from ...git import git
from ...runtime.contract import ContractError

UNRELEASED = "0.0.0"
VERSION = re.compile(r"\d+\.\d+\.\d+(-(alpha|beta|rc)\.?\d+)?")


@dataclass(frozen=True)
class Release:
    """One release; nothing of it depends on where or when it is made.

    epoch: the commit's time in seconds since 1970, which is the time of all that is made from it.
    """

    project: str
    version: str
    revision: str
    epoch: int
    source: str

    @property
    def created(self) -> datetime.datetime:
        """The commit's time, in UTC."""
        return datetime.datetime.fromtimestamp(self.epoch, datetime.UTC)

    @property
    def surroundings(self) -> dict[str, str]:
        """What a build is told by its environment."""
        return {**os.environ, "RELEASE_VERSION": self.version, "SOURCE_DATE_EPOCH": str(self.epoch)}

    @property
    def executable(self) -> str:
        """The name of the single-file executable."""
        return f"{self.project}-{self.version}.pyz"


def read_release(version: str) -> Release:
    """The release of the commit in the current folder.

    Raises ContractError where the version is none, or there is no commit.
    """
    if not VERSION.fullmatch(version):
        raise ContractError(f"--version is {version!r}: one such as 1.2.0 is expected, or 1.2.0-rc.1")
    settings = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    name = settings["project"]["name"]
    source = f"https://github.com/{settings['tool']['trainyard']['github_owner']}/{name}"
    if repository := os.environ.get("GITHUB_REPOSITORY"):
        source = f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{repository}"
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or git("log", "-1", "--format=%ct"))
    return Release(name, version, git("rev-parse", "HEAD"), epoch, source)


def uv() -> str:
    """The uv that made this environment. Raises ContractError where there is none."""
    found = os.environ.get("UV") or shutil.which("uv") or shutil.which("uv", path=".tools/bin")
    if not found:
        raise ContractError("uv is not there; `make setup` brings it")
    return found
