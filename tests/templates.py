"""Copies of this template as Git repositories, to which versions are added."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from library.vendoring.raise_version import LIBRARY, set_version

from projects import ROOT, run

LEFT_OUT = (".git", ".venv", "demo", "__pycache__", ".*_cache")
WHO = ("-c", "user.name=test", "-c", "user.email=test@example.invalid", "-c", "commit.gpgSign=false")


@dataclass(frozen=True)
class Template:
    """A copy of this template, as a Git repository."""

    root: Path

    @classmethod
    def create(cls, root: Path) -> Template:
        """What is needed of this template to generate, committed."""
        shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(*LEFT_OUT, "tests", "bench"))
        made = cls(root)
        made.git("init", "--quiet", "--initial-branch=main")
        made.commit("First version")
        return made

    def copy(self, root: Path) -> Template:
        """The same with its history in another folder, to change."""
        return Template(shutil.copytree(self.root, root))

    def git(self, *arguments: str) -> str:
        """What git printed."""
        return run(["git", *WHO, *arguments], self.root)

    def commit(self, message: str) -> str:
        """Commit everything as a new version; its commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD").strip()

    def change(self, name: str, old: str, new: str) -> str:
        """Make a version in which a file of the project has other text."""
        self.edit("{{cookiecutter.project}}/" + name, old, new)
        return self.commit(f"Change {name}")

    def edit(self, name: str, old: str, new: str) -> None:
        """Change a file of the template without a commit."""
        path = self.root / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))

    def release(self, version: str, module: str, old: str, new: str) -> str:
        """Make a version of the template with a new version of the library, in which a module has other text."""
        self.edit(f"{LIBRARY}/src/modelyard/{module}", old, new)
        set_version(self.root, version)
        return self.commit(f"Library {version}")
