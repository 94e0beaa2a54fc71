from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from modelyard.errors import GitError
from modelyard.git import ask_git, find_commit, git, read_blob, read_objects, try_git, without_repository

IDENTITY = ["-c", "user.name=a", "-c", "user.email=a@example.invalid"]
CONTENT = b"\r\nfirst \xff, no line end"


@pytest.fixture
def repository(tmp_path) -> Path:
    """A repository of one commit."""
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/file").write_bytes(CONTENT)
    git(tmp_path, "add", "--all")
    git(tmp_path, *IDENTITY, "commit", "--quiet", "-m", "first")
    return tmp_path


def test_what_git_prints_is_the_answer(repository):
    assert git(repository, "log", "--format=%s", "-1") == "first\n"


def test_what_went_wrong_is_an_error_in_the_words_of_git(repository):
    with pytest.raises(GitError, match=r"git rev-parse in \S+ ended with 128: fatal: Needed a single revision"):
        git(repository, "rev-parse", "--verify", "nowhere")
    assert try_git(repository, "rev-parse", "--verify", "nowhere").returncode == 128


def test_a_commit_is_found_by_whatever_names_it(repository):
    commit = git(repository, "rev-parse", "HEAD").strip()
    assert [find_commit(repository, ref) for ref in ("main", "HEAD", commit, commit[:8])] == [commit] * 4


@pytest.mark.parametrize("ref", ["nowhere", "main~1", "--all", "0" * 40])
def test_a_commit_that_is_not_there_is_none(repository, ref):
    assert find_commit(repository, ref) is None


def test_a_folder_without_a_repository_is_an_error(tmp_path):
    with pytest.raises(GitError, match="not a git repository"):
        find_commit(tmp_path, "main")


def test_a_file_of_a_commit_is_read_byte_by_byte_whatever_the_workspace_has(repository):
    (repository / "folder/file").write_bytes(b"changed")
    assert read_blob(repository, "main", "folder/file") == CONTENT
    assert read_blob(repository / "folder", "main", "file") == CONTENT
    assert read_blob(repository, "main", "no-such") is None


LOCAL = subprocess.run(["git", "rev-parse", "--local-env-vars"], capture_output=True, text=True, check=True).stdout
SETTINGS = {"GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT"}


@pytest.mark.parametrize("name", sorted({*LOCAL.split()} - SETTINGS))
def test_a_variable_that_names_another_repository_changes_nothing(repository, tmp_path, monkeypatch, name):
    """As a hook has it: GIT_DIR in a linked worktree, GIT_INDEX_FILE in each commit."""
    commit = git(repository, "rev-parse", "HEAD").strip()
    blob = git(repository, "rev-parse", "HEAD:folder/file").strip()
    monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    assert find_commit(repository, "main") == commit
    assert read_blob(repository, "main", "folder/file") == CONTENT
    assert read_objects(repository, [blob])[blob].endswith("no line end")
    git(repository, "add", "--all")
    assert git(repository, "status", "--porcelain") == ""
    assert name not in without_repository()
    assert not (tmp_path / "elsewhere").exists()


def test_settings_from_the_environment_are_kept_beside_a_token(repository, monkeypatch):
    for key, value in {"COUNT": "1", "KEY_0": "own.setting", "VALUE_0": "Ada"}.items():
        monkeypatch.setenv(f"GIT_CONFIG_{key}", value)
    printed = try_git(repository, "config", "--get-regexp", "own.setting|extraheader", token="abc").stdout.splitlines()  # noqa: S106
    assert [line.split()[0] for line in printed] == ["own.setting", "http.https://github.com/.extraheader"]


def test_what_git_prints_does_not_depend_on_a_persons_settings(repository):
    (repository / "folder/é").touch()
    for key, value in {"color.ui": "always", "diff.noprefix": "true", "core.quotePath": "true"}.items():
        git(repository, "config", key, value)
    git(repository, "add", "--all")
    diff = git(repository, "diff", "--cached")
    assert diff.startswith("diff --git a/folder/é b/folder/é\n")


def test_looking_does_not_write_the_index(repository):
    (repository / "folder/file").touch()
    index = repository / ".git/index"
    before = index.read_bytes()
    for look in (["status", "--porcelain"], ["diff", "--name-only", "HEAD"]):
        assert git(repository, *look) == ""
    assert index.read_bytes() == before


def test_a_repository_of_another_user_is_refused_in_the_words_of_git(repository, monkeypatch):
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # as in a container whose user does not own the checkout
    for ask in (
        lambda: find_commit(repository, "main"),
        lambda: read_blob(repository, "main", "folder/file"),
        lambda: ask_git(repository, "remote", "get-url", "origin", no=["No such remote"]),
    ):
        with pytest.raises(GitError, match=r"dubious ownership in repository at .* git config .*safe\.directory"):
            ask()


def test_no_hook_of_the_repository_runs(repository):
    hook = repository / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    git(repository, *IDENTITY, "commit", "--quiet", "--allow-empty", "-m", "second")
    assert git(repository, "log", "--format=%s", "-1") == "second\n"
