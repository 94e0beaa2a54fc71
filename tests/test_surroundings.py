"""Whatever Git's settings, or the repository around it, a project is made and works in its own folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sample import SAMPLE

from projects import ROOT, Project, generate, run

NO_LOCK = {"MODELYARD_NO_LOCK": "1"}
WHO = ["-c", "user.name=a", "-c", "user.email=a@example.invalid"]
CRLF = b"when,x\r\n2023-01-01,1\r\n"


@pytest.fixture
def hook_of_another(tmp_path: Path) -> dict[str, str]:
    """The variables that a hook of another repository has."""
    other = tmp_path / "other"
    run(["git", "init", "--quiet", other], tmp_path)
    run(["git", *WHO, "commit", "--quiet", "--allow-empty", "--message", "Theirs"], other)
    names = {"GIT_DIR": other / ".git", "GIT_INDEX_FILE": other / ".git/index", "GIT_WORK_TREE": other}
    return {**{name: str(path) for name, path in names.items()}, "GIT_PREFIX": ""}


def test_a_project_generated_in_a_hook_is_committed_to_its_own_repository(
    tmp_path: Path, hook_of_another: dict[str, str]
) -> None:
    project, printed = generate(tmp_path / "out", {}, {**NO_LOCK, **hook_of_another})
    assert project.git("log", "--format=%s") == "Generate the project\n"
    assert project.git("status", "--porcelain") == ""
    assert run(["git", "log", "--format=%s"], tmp_path / "other") == "Theirs\n"
    assert run(["git", "status", "--porcelain"], tmp_path / "other") == ""
    assert "a repository of its own" not in printed


@pytest.mark.parametrize("ignored", [True, False])
def test_a_project_inside_another_repository_is_said_unless_that_one_ignores_it(tmp_path: Path, ignored: bool) -> None:
    run(["git", "init", "--quiet"], tmp_path)
    if ignored:
        (tmp_path / ".gitignore").write_text("/models/\n")
    project, printed = generate(tmp_path / "models", {}, NO_LOCK)
    assert project.git("rev-list", "--count", "HEAD") == "1\n"
    said = f"the project is a repository of its own inside the repository {tmp_path}: move it out"
    assert (said in printed) != ignored


@pytest.mark.parametrize("folder", [ROOT, SAMPLE], ids=["template", "project"])
def test_no_recipe_gets_the_variables_of_another_repository(
    tmp_path: Path, hook_of_another: dict[str, str], folder: Path
) -> None:
    kept = {"GIT_AUTHOR_NAME": "Ada", "GIT_CONFIG_COUNT": "0"}
    (tmp_path / "show.mk").write_text("show:\n\t@env\n")
    printed = run(
        ["make", "-f", folder / "Makefile", "-f", tmp_path / "show.mk", "show"], tmp_path, {**hook_of_another, **kept}
    )
    shown = dict(line.split("=", 1) for line in printed.splitlines() if line.startswith("GIT_"))
    assert shown == {name: value for name, value in os.environ.items() if name.startswith("GIT_")} | kept


@pytest.mark.parametrize("setting", ["core.autocrlf=true", "core.autocrlf=input", "core.eol=crlf"])
def test_every_file_has_the_same_bytes_in_every_clone(tmp_path: Path, setting: str) -> None:
    made = Project(tmp_path / "made")
    made.root.mkdir()
    (made.root / ".gitattributes").write_bytes((SAMPLE / ".gitattributes").read_bytes())
    written = {
        "rows.csv": CRLF,
        "contract.yaml": b"name: flights\n",
        "mixed.md": b"one\r\ntwo\n",
        "x.parquet": b"\0\r\n",
    }
    for name, content in written.items():
        (made.root / name).write_bytes(content)
    made.git("init", "--quiet")
    made.git("-c", setting, "add", "--all")
    made.git(*WHO, "commit", "--quiet", "--message", "All")
    run(["git", "clone", "--quiet", "--config", setting, made.root, tmp_path / "clone"], tmp_path)
    assert {name: (tmp_path / "clone" / name).read_bytes() for name in written} == written
