from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from library.bare import BARE, LIBRARY_PATH
from modelyard.github.api import GitHubError
from modelyard.github.scope import base_of, main, pythons, scope, touches_code, touches_model
from sample import SAMPLE


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    return subprocess.run(
        ["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def project(tmp_path) -> Path:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    change(tmp_path, {"pyproject.toml": '[project]\nrequires-python = ">=3.11"\n', "README.md": "one\n", "a.py": "1\n"})
    return tmp_path


def change(folder: Path, files: dict[str, str]) -> str:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "Change")
    return git(folder, "rev-parse", "HEAD")


def found(folder: Path, base: str) -> tuple[str, str]:
    outputs, _ = scope(folder, base)
    return outputs["code"], outputs["model"]


@pytest.mark.parametrize(
    ("path", "code", "model"),
    [
        ("README.md", False, False),
        ("notebooks/notes.md", False, False),
        ("docs/picture.png", False, False),
        ("docs/more/page.html", False, False),
        ("LICENSE", False, False),
        ("docs/model-card.md", True, True),
        ("docs/data.md", True, False),
        ("CODEOWNERS", True, False),
        (".github/CODEOWNERS", True, False),
        (".github/rulesets/main.json", True, False),
        (".github/dependabot.yml", True, False),
        (".github/workflows/train.yml", True, True),
        ("params.yaml", True, True),
        ("policy.yaml", True, True),
        ("vendor/modelyard-1.0.0-py3-none-any.whl", True, True),
        ("vendor/yard.json", True, True),
        ("vendor/modelyard/README.md", True, True),
        ("pyproject.toml", True, True),
        ("data/picture.png", True, True),
        ("LICENSE.py", True, True),
        ("readme.MD", True, True),
        ("tests/test_x.py", True, True),
    ],
)
def test_what_a_file_touches(path, code, model):
    assert (touches_code([path]), touches_model([path])) == (code, model)


def test_one_file_of_code_among_texts_counts():
    assert touches_code(["README.md", "a.py"])
    assert touches_model(["README.md", "a.py"])


def test_documentation_alone_is_neither(project):
    base = git(project, "rev-parse", "HEAD")
    change(project, {"README.md": "two\n", "docs/a b.md": "x\n"})
    assert found(project, base) == ("false", "false")


def test_code_is_both(project):
    base = git(project, "rev-parse", "HEAD")
    change(project, {"README.md": "two\n", "a.py": "2\n"})
    assert found(project, base) == ("true", "true")


def test_code_that_is_moved_into_the_documentation_counts(project):
    base = git(project, "rev-parse", "HEAD")
    (project / "docs").mkdir()
    git(project, "mv", "a.py", "docs/a.md")
    change(project, {})
    assert found(project, base) == ("true", "true")


def test_what_the_base_got_meanwhile_does_not_count(project):
    git(project, "checkout", "--quiet", "-b", "work")
    change(project, {"README.md": "two\n"})
    git(project, "checkout", "--quiet", "main")
    base = change(project, {"a.py": "2\n"})
    git(project, "checkout", "--quiet", "work")
    assert found(project, base) == ("false", "false")


def test_paths_are_those_of_the_project_where_it_is_in_a_folder_of_its_repository(project):
    inside = project / "models/flights"
    start = {"vendor/README.md": "one\n", "docs/data.md": "1\n", "docs/a.md": "1\n"}
    start["pyproject.toml"] = (project / "pyproject.toml").read_text()
    base = change(inside, start)
    for name, expected in [
        ("docs/a.md", ("false", "false")),
        ("docs/data.md", ("true", "false")),
        ("vendor/README.md", ("true", "true")),
        ("../../docs/b.md", ("false", "false")),
        ("../../.github/workflows/train.yml", ("true", "true")),
    ]:
        head = change(inside, {name: "two\n"})
        git(project, "add", "--all")
        git(project, "commit", "--quiet", "--allow-empty", "-m", name)
        assert (name, found(inside, base)) == (name, expected)
        base = head


@pytest.mark.parametrize("base", ["", "0" * 40, "f" * 40, "main", "--help", "HEAD; rm -rf ."])
def test_a_base_that_is_not_known_means_everything(project, base):
    change(project, {"README.md": "two\n"})
    outputs, why = scope(project, base)
    assert (outputs["code"], outputs["model"]) == ("true", "true")
    assert why == f"cannot compare with {base or 'no commit'}: everything counts as changed"


def test_a_history_without_a_common_commit_means_everything(project):
    base = git(project, "rev-parse", "HEAD")
    git(project, "checkout", "--quiet", "--orphan", "new")
    change(project, {"README.md": "two\n"})
    assert found(project, base) == ("true", "true")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[project]\nrequires-python = ">=3.12"\n', ["3.12"]),
        ('[project]\nrequires-python = ">= 3.11, <4"\n', ["3.11"]),
        ('[project]\nrequires-python = ">=3.11"\n[tool.modelyard]\npythons = ["3.11", "3.14"]\n', ["3.11", "3.14"]),
    ],
)
def test_the_pythons_to_test_are_those_of_the_project(tmp_path, text, expected):
    (tmp_path / "pyproject.toml").write_text(text)
    assert pythons(tmp_path / "pyproject.toml") == expected


@pytest.mark.parametrize("text", ["", *(f"[tool.modelyard]\npythons = {one}" for one in ("[]", '["3.11;"]', '"3.11"'))])
def test_pythons_that_are_no_versions_are_refused(tmp_path, text):
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(GitHubError, match=r"tool\.modelyard\.pythons is .*: a list such as"):
        pythons(tmp_path / "pyproject.toml")


@pytest.mark.parametrize("text", [None, "[project"])
def test_a_project_that_cannot_be_read_is_told(tmp_path, text):
    if text is not None:
        (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(GitHubError, match=r"pyproject\.toml cannot be read"):
        pythons(tmp_path / "pyproject.toml")


def test_this_project_says_which_pythons_it_is_tested_with():
    assert pythons(SAMPLE / "pyproject.toml")


def test_the_outputs_are_those_of_a_job(project, monkeypatch, tmp_path, capsys):
    base = git(project, "rev-parse", "HEAD")
    change(project, {"README.md": "two\n"})
    monkeypatch.chdir(project)
    monkeypatch.delenv("GITHUB_OUTPUT", raising=False)
    main(["--base", base])
    lines = f'code=false\nmodel=false\nbase={base}\npythons=["3.11"]\n'
    assert capsys.readouterr().out == lines
    (tmp_path / "output").write_text("before=1\n")
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    main(["--base", base])
    assert (tmp_path / "output").read_text() == f"before=1\n{lines}"
    assert capsys.readouterr().out == f"1 files changed since {base}\n{lines}"


@pytest.mark.parametrize(
    ("event", "base"),
    [
        ({"pull_request": {"base": {"sha": "a" * 40}}, "before": "b" * 40}, "a" * 40),
        ({"merge_group": {"base_sha": "c" * 40}}, "c" * 40),
        ({"before": "b" * 40, "after": "d" * 40}, "b" * 40),
        ({}, ""),
    ],
)
def test_the_base_is_that_of_the_event(project, event, base):
    assert base_of(event, project) == base


def test_a_run_that_a_person_started_is_compared_with_main(project, tmp_path, monkeypatch, capsys):
    clone = tmp_path / "clone"
    git(project, "clone", "--quiet", str(project), str(clone))
    base = git(clone, "rev-parse", "HEAD")
    change(clone, {"a.py": "2\n"})
    (tmp_path / "event.json").write_text(json.dumps({"inputs": {}, "repository": {"default_branch": "main"}}))
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(tmp_path / "event.json"))
    monkeypatch.delenv("GITHUB_OUTPUT", raising=False)
    monkeypatch.chdir(clone)
    main([])
    assert f"code=true\nmodel=true\nbase={base}\n" in capsys.readouterr().out


def test_it_runs_with_a_bare_python(project):
    command = [*BARE, "scope", "--base", ""]
    done = subprocess.run(
        command, cwd=project, env={**LIBRARY_PATH, "PATH": "/usr/bin:/bin"}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "code=true\nmodel=true\n" in done.stdout
