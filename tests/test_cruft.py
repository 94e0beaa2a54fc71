"""A project follows its template: cruft creates, checks and updates it, and a conflict is left to a person."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from conftest import BIN, ROOT, Project, run


class Template:
    """A clone of this template to which versions are added."""

    def __init__(self, root: Path) -> None:
        self.root = root
        ignored = shutil.ignore_patterns(".git", ".venv", "demo", "__pycache__", ".*_cache")
        shutil.copytree(ROOT, root, ignore=ignored)
        run(["git", "init", "--quiet", "--initial-branch=main"], root)
        self.commit("First version")

    def commit(self, message: str) -> None:
        """Commit everything as a new version."""
        run(["git", "add", "--all"], self.root)
        who = ["-c", "user.name=test", "-c", "user.email=test@example.invalid"]
        run(["git", *who, "commit", "--quiet", "--message", message], self.root)

    def change(self, name: str, old: str, new: str) -> None:
        """Make a version in which a file of the project has other text."""
        path = self.root / "{{cookiecutter.project}}" / name
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        self.commit(f"Change {name}")


@pytest.fixture
def template(tmp_path: Path) -> Template:
    return Template(tmp_path / "template")


@pytest.fixture
def created(template: Template, tmp_path: Path) -> Project:
    """A project that cruft created, with all of it committed."""
    cruft(tmp_path, "create", str(template.root), "--no-input", "--output-dir", str(tmp_path / "out"))
    project = Project(tmp_path / "out/flight-delays")
    project.commit("Follow the template")
    return project


def cruft(folder: Path, *arguments: str, ok: bool = True) -> str:
    """What cruft printed."""
    return run([BIN / "cruft", *arguments], folder, {"TRAINYARD_NO_LOCK": "1"}, ok)


def test_a_created_project_is_committed_and_up_to_date(created: Project) -> None:
    assert created.git("log", "--format=%s").splitlines() == ["Follow the template", "Generate the project"]
    assert "up to date" in cruft(created.root, "check")


def test_a_check_finds_a_newer_template(created: Project, template: Template) -> None:
    template.change("Makefile", "## List the commands", "## List all commands")
    assert "out of date" in cruft(created.root, "check", ok=False)


def test_an_update_brings_the_change_and_nothing_else(created: Project, template: Template) -> None:
    template.change("Makefile", "## List the commands", "## List all commands")
    cruft(created.root, "update", "--skip-apply-ask")
    assert created.git("status", "--porcelain").split() == ["M", ".cruft.json", "M", "Makefile"]
    assert "## List all commands" in (created.root / "Makefile").read_text()
    assert created.git("rev-list", "--count", "HEAD").strip() == "2"


def test_an_update_keeps_what_was_changed_by_hand(created: Project, template: Template) -> None:
    params = created.root / "params.yaml"
    params.write_text(params.read_text().replace("learning_rate: 0.1", "learning_rate: 0.07"))
    created.commit("Learn slower")
    template.change("params.yaml", "bootstrap: 1000", "bootstrap: 2000")
    cruft(created.root, "update", "--skip-apply-ask")
    assert "learning_rate: 0.07" in params.read_text()
    assert "bootstrap: 2000" in params.read_text()


def test_a_conflict_is_left_in_the_tree_for_a_person(created: Project, template: Template) -> None:
    params = created.root / "params.yaml"
    params.write_text(params.read_text().replace("learning_rate: 0.1", "learning_rate: 0.07"))
    created.commit("Learn slower")
    template.change("params.yaml", "learning_rate: 0.1", "learning_rate: 0.2")
    cruft(created.root, "update", "--skip-apply-ask")
    assert {line.split()[-1] for line in created.git("ls-files", "--unmerged").splitlines()} == {"params.yaml"}
    assert "<<<<<<<" in params.read_text()
    assert "learning_rate: 0.07" in params.read_text()


def test_an_update_does_not_bring_back_pruned_files(created: Project, template: Template) -> None:
    template.change("licenses/Apache-2.0", "Version 2.0", "Version 2.0 ")
    cruft(created.root, "update", "--skip-apply-ask")
    assert not (created.root / "licenses").exists()
    assert (
        json.loads((created.root / ".cruft.json").read_text())["commit"]
        == run(["git", "rev-parse", "HEAD"], template.root).strip()
    )
