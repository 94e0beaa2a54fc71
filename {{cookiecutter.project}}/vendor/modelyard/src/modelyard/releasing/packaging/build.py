"""Which release is built: of which project, in which version, from which commit."""

from __future__ import annotations

import datetime
import os
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path

from ...errors import ContractError
from ...git import git
from ...versions import parse_version

UNRELEASED = "0.0.0"


@dataclass(frozen=True)
class ReleaseBuild:
    """One release; nothing of it depends on where or when it is built.

    name: the project's. revision: the commit. epoch: the commit's time in seconds since 1970, which all files built
    from it get. source: the address of the repository.
    """

    name: str
    version: str
    revision: str
    epoch: int
    source: str

    @property
    def created(self) -> datetime.datetime:
        """The commit's time, in UTC."""
        return datetime.datetime.fromtimestamp(self.epoch, datetime.UTC)

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of a build."""
        return {**os.environ, "RELEASE_VERSION": self.version, "SOURCE_DATE_EPOCH": str(self.epoch)}

    @property
    def executable(self) -> str:
        """The name of the single-file executable."""
        return f"{self.name}-{self.version}.pyz"


def read_release(version: str) -> ReleaseBuild:
    """The release of the commit in the current folder.

    Raises ContractError where the version is none that a package can have, GitError where there is no commit.
    """
    parsed = parse_version(version)
    if not (parsed and parsed.can_be_packaged):
        raise ContractError(f"--version is {version!r}: one such as 1.2.0 is expected, or 1.2.0-rc.1")
    settings = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    name = settings["project"]["name"]
    source = f"https://github.com/{settings['tool']['modelyard']['github_owner']}/{name}"
    if repository := os.environ.get("GITHUB_REPOSITORY"):
        source = f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{repository}"
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or git(Path(), "log", "-1", "--format=%ct"))
    return ReleaseBuild(name, version, git(Path(), "rev-parse", "HEAD").strip(), epoch, source)


def uv() -> str:
    """The path of uv. Raises ContractError where it is not installed."""
    program = os.environ.get("UV") or shutil.which("uv") or shutil.which("uv", path=".tools/bin")
    if not program:
        raise ContractError("uv was not found; `make setup` installs it")
    return program
