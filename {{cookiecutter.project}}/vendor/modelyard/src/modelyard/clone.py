"""A clone of one commit outside this folder, in which its pipeline runs with the library of that commit."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .errors import ContractError
from .git import find_commit, git, without_repository
from .vendoring.guard import ANY_VERSIONS
from .vendoring.launcher import VendorError, find_library

WHEELS = "vendor/modelyard-*.whl"
EJECTED = "vendor/modelyard/src"


def own_library(checkout: Path) -> list[Path]:
    """The paths to put first on `sys.path` so that a checkout runs with its own library.

    This is the wheel, which Python can import from directly, or the source if the library was ejected. It is empty for
    a commit that is older than the vendored library.

    Raises ContractError if there is more than one.
    """
    if not (any(checkout.glob(WHEELS)) or (checkout / EJECTED).is_dir()):
        return []
    try:
        return [find_library(checkout / "vendor")]
    except VendorError as error:
        raise ContractError(str(error)) from None


class Clone:
    """A clone of one commit of the repository in the current folder, removed after the `with` block.

    The current folder is the project's, which may be a subfolder of its repository.

    root: the project's folder in the clone. beside: an empty folder outside of the clone, removed with it. cache: the
    DVC cache that it uses; None gives it an empty one of its own.

    Raises ContractError if there is no such commit, or the commit has no such folder.
    """

    def __init__(self, commit: str, cache: Path | None = Path(".dvc/cache")) -> None:
        self._repository, self._inside = _locate(Path.cwd())
        self._temporary = tempfile.TemporaryDirectory(prefix="clone-")
        self._top = Path(self._temporary.name) / self._repository.name
        self.root = self._top / self._inside
        self.beside = Path(self._temporary.name) / ".beside"
        self._commit, self._cache = commit, cache

    def __enter__(self) -> Clone:
        project = Path.cwd()
        try:
            # resolved here, because a branch of that name may differ in the clone
            commit = find_commit(project, self._commit)
            if commit is None:
                raise ContractError(f"there is no commit {self._commit!r} here")
            self.beside.mkdir()
            git(project, "clone", "--quiet", "--no-checkout", "--shared", str(self._repository), str(self._top))
            git(self._top, "-c", "advice.detachedHead=false", "checkout", "--quiet", commit)
            if not self.root.is_dir():
                raise ContractError(f"commit {commit[:7]} has no folder {self._inside}, which this project is in")
            self._write_settings(project)
        except BaseException:
            self._temporary.cleanup()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._temporary.cleanup()

    @property
    def python_path(self) -> str:
        """The PYTHONPATH that gives the commit's code and the commit's library."""
        return os.pathsep.join(map(str, [self.root, *own_library(self.root)]))

    def run(self, *command: str, env: Mapping[str, str] | None = None) -> int:
        """Run a program of this environment in the clone with its output on stderr; return its exit status."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        python_path = os.pathsep.join(filter(None, [self.python_path, os.environ.get("PYTHONPATH")]))
        own = {"PYTHONPATH": python_path, ANY_VERSIONS: "1"}
        environment = {**without_repository(), **own, **(env or {}), "PATH": path}
        return subprocess.run(command, cwd=self.root, env=environment, stdout=2, check=False).returncode  # noqa: S603

    def _write_settings(self, project: Path) -> None:
        """Write the settings that Git does not hold: credentials, the cache, and absolute paths of local remotes."""
        local = configparser.ConfigParser(interpolation=None)
        local.read(project / ".dvc/config.local", encoding="utf-8")
        shared = configparser.ConfigParser(interpolation=None)
        shared.read(self.root / ".dvc/config", encoding="utf-8")
        for section in {*shared.sections(), *local.sections()}:
            url = local.get(section, "url", fallback=shared.get(section, "url", fallback=""))
            if section.strip("'").startswith("remote ") and _is_relative(url):
                if not local.has_section(section):
                    local.add_section(section)
                local[section]["url"] = str((project / ".dvc" / url).resolve())
        if not local.has_section("cache"):
            local.add_section("cache")
        # always set, because the project's settings may name a shared cache
        own_cache = self.root / ".dvc/cache"
        local["cache"]["dir"] = str(own_cache if self._cache is None else (project / self._cache).absolute())
        with (self.root / ".dvc/config.local").open("w", encoding="utf-8") as opened:
            local.write(opened)


def _locate(folder: Path) -> tuple[Path, Path]:
    """The top folder of the repository that a folder is in, and the folder's path in it."""
    top, inside, *_ = git(folder, "rev-parse", "--show-toplevel", "--show-prefix").split("\n")
    return Path(top), Path(inside)


def _is_relative(url: str) -> bool:
    return bool(url) and "://" not in url and not url.startswith("~") and not Path(url).is_absolute()
