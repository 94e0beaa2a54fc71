"""A clone of one commit outside this folder, in which its pipeline can run; and Git by its commands."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .runtime.contract import ContractError


class Clone:
    """A clone of one commit of the repository in the current folder, gone after the `with` block.

    cache: the DVC cache that it uses; one of its own, empty, where that is None.

    Raises ContractError where there is no such commit.
    """

    def __init__(self, commit: str, cache: Path | None = Path(".dvc/cache")) -> None:
        self._made = tempfile.TemporaryDirectory(prefix="clone-")
        self.root = Path(self._made.name) / Path.cwd().name
        self._commit, self._cache = commit, cache

    def __enter__(self) -> Clone:
        here = Path.cwd()
        try:
            # looked up here, as a branch may be another in the clone
            commit = git("rev-parse", "--verify", "--quiet", f"{self._commit}^{{commit}}", ok=False)
            if not commit:
                raise ContractError(f"there is no commit {self._commit!r} here")
            git("clone", "--quiet", "--no-checkout", "--shared", str(here), str(self.root))
            git("-C", str(self.root), "-c", "advice.detachedHead=false", "checkout", "--quiet", commit)
            self._settle(here)
        except BaseException:
            self._made.cleanup()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._made.cleanup()

    def run(self, *command: str, env: Mapping[str, str] | None = None) -> int:
        """Run a program of this environment in the clone, its output on standard error; its status."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        given = {**os.environ, **(env or {}), "PATH": path}
        return subprocess.run(command, cwd=self.root, env=given, stdout=2, check=False).returncode  # noqa: S603

    def _settle(self, here: Path) -> None:
        """Give the clone what Git does not hold: credentials, the cache, and where a remote beside it really is."""
        local = configparser.ConfigParser(interpolation=None)
        local.read(here / ".dvc/config.local", encoding="utf-8")
        shared = configparser.ConfigParser(interpolation=None)
        shared.read(self.root / ".dvc/config", encoding="utf-8")
        for section in {*shared.sections(), *local.sections()}:
            url = local.get(section, "url", fallback=shared.get(section, "url", fallback=""))
            if section.strip("'").startswith("remote ") and _is_relative(url):
                if not local.has_section(section):
                    local.add_section(section)
                local[section]["url"] = str((here / ".dvc" / url).resolve())
        if not local.has_section("cache"):
            local.add_section("cache")
        # said even where it is the clone's own, as the settings may name one that is shared
        own = self.root / ".dvc/cache"
        local["cache"]["dir"] = str(own if self._cache is None else (here / self._cache).absolute())
        with (self.root / ".dvc/config.local").open("w", encoding="utf-8") as written:
            local.write(written)


def _is_relative(url: str) -> bool:
    return bool(url) and "://" not in url and not url.startswith("~") and not Path(url).is_absolute()


def git(*arguments: str, ok: bool = True) -> str:
    """What git printed. Raises ContractError with what it said where it failed; without `ok`, that is an empty text."""
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607
    if ok and done.returncode:
        raise ContractError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip() if done.returncode == 0 else ""
