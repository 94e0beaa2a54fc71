"""What the hooks promise: bad answers are refused, and a good one gives a project whatever the machine lacks."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from conftest import BIN, ROOT, generate, hook, run

NO_LOCK = {"TRAINYARD_NO_LOCK": "1"}
REMOTES = {
    "local": ".dvc-storage",
    "s3": "s3://flight-delays-dvc",
    "gs": "gs://flight-delays-dvc",
    "azure": "azure://flight-delays-dvc",
    "ssh": "ssh://dvc@storage.example.com/srv/flight-delays",
}


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"project": "Flights"}, "project is 'Flights': lower-case words joined by hyphens"),
        ({"project": "flight--delays"}, "lower-case words joined by hyphens"),
        ({"project": "1st"}, "lower-case words joined by hyphens"),
        ({"project": "a" * 41}, "at most 40 characters"),
        ({"project": "class"}, "class is a Python keyword"),
        ({"project": "match"}, "match is a Python keyword"),
        ({"project": "json"}, "json is a module of Python's standard library"),
        ({"project": "scikit-learn"}, "scikit_learn is one of the project's dependencies"),
        ({"project": "pandas"}, "pandas is one of the project's dependencies"),
        ({"project": "ops"}, "ops is a folder of the project"),
        ({"author": " "}, "author is ' ': one line of text is needed"),
        ({"description": "two\nlines"}, "description is 'two\\nlines': one line of text is needed"),
        ({"github_owner": "no such owner"}, "github_owner is 'no such owner'"),
        ({"python_version": "3.10"}, "python_version is '3.10': one of 3.11, 3.12, 3.13, 3.14 is needed"),
        ({"dvc_remote": "s3", "dvc_remote_url": "gs://bucket"}, "dvc_remote_url is 'gs://bucket': for dvc_remote s3"),
        ({"dvc_remote": "gs", "dvc_remote_url": "bucket"}, "for dvc_remote gs it must be gs://bucket/path"),
        ({"dvc_remote": "azure", "dvc_remote_url": "az:/x"}, "for dvc_remote azure it must be azure://container/path"),
        ({"dvc_remote": "ssh", "dvc_remote_url": "host:path"}, "for dvc_remote ssh it must be ssh://user@host/path"),
        ({"dvc_remote": "local", "dvc_remote_url": "s3://bucket"}, "for dvc_remote local it must be a folder"),
    ],
)
def test_a_bad_answer_is_refused_in_one_line_and_leaves_nothing(
    tmp_path: Path, answers: dict[str, str], said: str
) -> None:
    _, printed = generate(tmp_path, answers, ok=False)
    refusals = [line for line in printed.splitlines() if line.startswith("refused: ")]
    assert len(refusals) == 1
    assert said in refusals[0]
    assert list(tmp_path.iterdir()) == []


def test_every_dependency_of_a_project_is_a_refused_name() -> None:
    refused = hook("pre_gen_project").DEPENDENCIES
    text = (ROOT / "{{cookiecutter.project}}/pyproject.toml").read_text()
    quoted = [*re.findall(r'^\s+"([a-z0-9.-]+)(?:\[\w+\])?[><=]', text, re.MULTILINE), "numpy", "onnxruntime"]
    assert {name.replace("-", "_").replace(".", "_") for name in quoted} - {"hatchling"} <= refused


def test_every_folder_of_a_project_is_a_refused_name(tmp_path: Path) -> None:
    project, _ = generate(tmp_path, {}, NO_LOCK)
    folders = {path.name for path in project.root.iterdir() if path.is_dir() and not path.name.startswith(".")}
    assert folders - {project.package.name} <= hook("pre_gen_project").FOLDERS


@pytest.mark.parametrize(("remote", "url"), REMOTES.items())
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_remote_is_in_the_first_commit(tmp_path: Path, task: str, remote: str, url: str) -> None:
    project, _ = generate(tmp_path, {"task": task, "dvc_remote": remote}, NO_LOCK)
    config = project.git("show", "HEAD:.dvc/config")
    assert f"url = {'../' if remote == 'local' else ''}{url}\n" in config
    assert project.git("rev-list", "--count", "HEAD").strip() == "1"
    assert project.git("status", "--porcelain") == ""


@pytest.mark.parametrize(("folder", "ignored"), [(".dvc-storage", True), ("kept/here", True), ("../beside", False)])
def test_a_remote_inside_the_project_is_not_committed(tmp_path: Path, folder: str, ignored: bool) -> None:
    project, _ = generate(tmp_path, {"dvc_remote_url": folder}, NO_LOCK)
    assert (f"/{folder}/" in (project.root / ".gitignore").read_text().splitlines()) == ignored


def test_an_absolute_folder_stays_absolute(tmp_path: Path) -> None:
    project, _ = generate(tmp_path, {"dvc_remote_url": "/srv/dvc"}, NO_LOCK)
    assert "url = /srv/dvc\n" in (project.root / ".dvc/config").read_text()


def test_the_next_three_commands_are_the_last_three_lines(tmp_path: Path) -> None:
    _, printed = generate(tmp_path, {"project": "my-model"}, NO_LOCK)
    assert printed.splitlines()[-4:] == ["Next:", "  cd my-model", "  make pipeline", "  make report"]


def test_the_lock_is_made_and_committed(tmp_path: Path) -> None:
    project, _ = generate(tmp_path, {})
    locked = tomllib.loads(project.git("show", "HEAD:uv.lock"))
    assert "scikit-learn" in {package["name"] for package in locked["package"]}


@pytest.mark.parametrize("license", ["MIT", "Apache-2.0", "BSD-3-Clause", "Proprietary"])
def test_only_the_chosen_licence_is_kept(tmp_path: Path, license: str) -> None:  # noqa: A002
    project, _ = generate(tmp_path, {"license": license, "author": "Ada Lovelace"}, NO_LOCK)
    text = (project.root / "LICENSE").read_text()
    assert not (project.root / "licenses").exists()
    assert ("Apache License" in text) == (license == "Apache-2.0")
    assert ("Ada Lovelace" in text) == (license != "Apache-2.0")


@pytest.mark.parametrize("target", ["compose", "kubernetes", "none"])
def test_only_the_chosen_way_to_deploy_is_kept(tmp_path: Path, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = ("deploy", "ops/deploying", "tests/ops/deploying")
    for folder in folders:
        for name in ("compose/one.py", "kubernetes/overlays/staging/patch.yaml", "shared.py"):
            (tmp_path / folder / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / folder / name).touch()
    (tmp_path / "licenses").mkdir()
    (tmp_path / "licenses/MIT").touch()
    monkeypatch.chdir(tmp_path)
    hook("post_gen_project").prune({"license": "MIT", "author": "me", "deploy_target": target})
    for folder in folders:
        assert {path.name for path in (tmp_path / folder).iterdir()} == {target, "shared.py"} - {"none"}


def tools(folder: Path, *names: str) -> dict[str, str]:
    """A PATH with these programs only."""
    folder.mkdir()
    for name in names:
        (folder / name).symlink_to(str(shutil.which(name)))
    return {"PATH": str(folder)}


def test_without_git_there_is_a_tree_and_word_of_what_to_run(tmp_path: Path) -> None:
    project, printed = generate(tmp_path / "out", {}, tools(tmp_path / "bin") | NO_LOCK)
    assert "git was not found, so nothing is committed: run `git init" in printed
    assert (project.root / "params.yaml").is_file()
    assert not (project.root / ".git").exists()


def test_without_uv_there_is_a_commit_and_word_of_what_to_run(tmp_path: Path) -> None:
    python = tmp_path / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", python], check=True)
    packages = next((BIN.parent / "lib").glob("python3*/site-packages"))
    (next((python / "lib").glob("python3*/site-packages")) / "template.pth").write_text(f"{packages}\n")
    command = [python / "bin/python", "-m", "cookiecutter", ROOT, "--no-input", "--default-config", "-o", tmp_path]
    env = tools(tmp_path / "bin", "git") | {"HOME": str(tmp_path)}
    printed = subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout
    assert "uv was not found, so there is no uv.lock yet: `make setup` makes it" in printed
    assert "params.yaml" in subprocess.check_output(["git", "ls-files"], cwd=tmp_path / "flight-delays", text=True)


def test_without_a_network_there_is_a_commit_and_word_of_what_to_run(tmp_path: Path) -> None:
    offline = {"UV_OFFLINE": "1", "UV_NO_CACHE": "1"}
    project, printed = generate(tmp_path, {}, offline)
    assert "uv.lock could not be made" in printed
    assert "`make setup` tries again" in printed
    assert "params.yaml" in project.git("ls-files")


def test_a_machine_without_an_identity_commits_as_the_author(tmp_path: Path) -> None:
    nobody = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, **NO_LOCK}
    nobody |= {key: "" for key in os.environ if key.startswith(("GIT_AUTHOR", "GIT_COMMITTER", "EMAIL"))}
    project, _ = generate(tmp_path, {"author": "Ada Lovelace", "github_owner": "ada"}, nobody)
    assert project.git("log", "-1", "--format=%an <%ae>").strip() == "Ada Lovelace <ada@users.noreply.github.com>"


def test_hostile_texts_stay_texts(tmp_path: Path) -> None:
    texts = {"author": 'O\'Brien "Bob" \\ <b> & $(id)', "description": "Predicts: #1 'late' \"or\" not"}
    project, _ = generate(tmp_path, texts, NO_LOCK)
    answers = tomllib.loads((project.root / "pyproject.toml").read_text())["project"]
    assert answers["authors"] == [{"name": texts["author"]}]
    assert answers["description"] == texts["description"]


def test_the_answers_reach_workflows_through_pyproject(tmp_path: Path) -> None:
    answers = {"task": "regression", "dvc_remote": "gs", "deploy_target": "kubernetes", "github_owner": "ada"}
    project, _ = generate(tmp_path, answers, NO_LOCK)
    kept = tomllib.loads((project.root / "pyproject.toml").read_text())["tool"]["trainyard"]
    assert kept == answers


def test_every_prompt_says_what_it_is_for() -> None:
    prompts = json.loads((ROOT / "cookiecutter.json").read_text())
    asked = {name for name in prompts if not name.startswith("_")}
    assert prompts["__prompts__"].keys() == asked
    assert all(len(text) > 10 for text in prompts["__prompts__"].values())


def test_the_package_has_the_projects_name_wherever_it_is_imported(tmp_path: Path) -> None:
    project, _ = generate(tmp_path, {"project": "other-name"}, NO_LOCK)
    assert "flight_delays" not in project.git("grep", "--name-only", "other_name")
    named = run(["git", "grep", "-c", "flight_delays"], project.root, ok=False)
    assert named == ""
    assert "from other_name.contract import" in (project.root / "tests/conftest.py").read_text()
