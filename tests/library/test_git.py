from __future__ import annotations

from pathlib import Path

import pytest
from modelyard.errors import GitError
from modelyard.git import find_commit, git, read_blob, try_git

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


def test_no_hook_of_the_repository_runs(repository):
    hook = repository / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    git(repository, *IDENTITY, "commit", "--quiet", "--allow-empty", "-m", "second")
    assert git(repository, "log", "--format=%s", "-1") == "second\n"
