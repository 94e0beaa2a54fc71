from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from library.bare import BARE, LIBRARY_PATH
from modelyard.errors import GitError
from modelyard.git import git as ours
from modelyard.github.api import Client, GitHubError
from modelyard.github.patch import OUTPUTS
from modelyard.github.relock import main, relock


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True).stdout


def commit(folder: Path, message: str = "Change") -> str:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", message)
    return git(folder, "rev-parse", "HEAD").strip()


@pytest.fixture
def remote(tmp_path, monkeypatch) -> Path:
    """A bare repository with main and a branch `work`, which have outputs of the pipeline in them."""
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "ada")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "ada@example.invalid")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    bare, first = tmp_path / "remote.git", tmp_path / "first"
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    git(tmp_path, "clone", "--quiet", str(bare), str(first))
    git(first, "checkout", "--quiet", "-b", "main")
    for name in [*OUTPUTS, "src/code.py"]:
        (first / name).parent.mkdir(exist_ok=True)
        (first / name).write_text("one\n")
    commit(first)
    git(first, "push", "--quiet", "origin", "main", "main:work")
    return bare


@pytest.fixture
def checkout(tmp_path, remote, monkeypatch) -> Path:
    """The branch, checked out as a workflow does it."""
    folder = tmp_path / "checkout"
    git(tmp_path, "clone", "--quiet", "--branch=work", str(remote), str(folder))
    for who in ("AUTHOR", "COMMITTER"):  # a runner knows nobody
        monkeypatch.delenv(f"GIT_{who}_NAME")
        monkeypatch.delenv(f"GIT_{who}_EMAIL")
    return folder


@pytest.fixture
def run(checkout, tmp_path, client):
    """What relock says of the patch that a change of files makes; None as text deletes."""

    def act(files: dict[str, str | None], branch: str = "work", number: int | None = 7, github: Client = client) -> str:
        patch = tmp_path / "lock.patch"
        patch.write_text(made(tmp_path, checkout, files))
        return relock(github, "acme/flights", checkout, patch, branch, tip(checkout), number)

    return act


def tip(folder: Path) -> str:
    return git(folder, "rev-parse", "HEAD").strip()


def made(folder: Path, checkout: Path, files: dict[str, str | None], *options: str) -> str:
    """The patch of a change, made in another clone."""
    other = folder / "other"
    git(folder, "clone", "--quiet", str(checkout), str(other))
    for name, text in files.items():
        (other / name).parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            (other / name).unlink()
        else:
            (other / name).write_text(text)
    git(other, "add", "--all")
    return git(other, "diff", "--cached", *options)


def test_lock_and_outputs_are_committed_and_the_checks_started(run, remote, checkout, github):
    head = tip(checkout)
    said = run({"dvc.lock": "two\n", "evaluation/metrics.json": "{}\n"})
    new = git(remote, "rev-parse", "work").strip()
    assert said == f"work is at {new} now, and its checks are started"
    assert git(remote, "log", "-1", "--format=%P %an <%ae> %cn", "work").strip() == (
        f"{head} github-actions[bot] <41898282+github-actions[bot]@users.noreply.github.com> github-actions[bot]"
    )
    assert git(remote, "show", "work:dvc.lock") == "two\n"
    assert git(remote, "diff", "--name-only", "main", "work").split() == ["dvc.lock", "evaluation/metrics.json"]
    assert github.dispatches == [
        ("ci.yml", {"ref": "work"}),
        ("train.yml", {"ref": "work", "inputs": {"pull_request": "7"}}),
    ]


def test_the_commit_says_which_run_made_it(run, remote, checkout, monkeypatch):
    monkeypatch.setenv("GITHUB_RUN_ID", "42")
    head = tip(checkout)
    run({"dvc.lock": "two\n"})
    message = git(remote, "log", "-1", "--format=%B", "work").strip()
    assert message == f"Update dvc.lock\n\nMade by https://github.com/acme/flights/actions/runs/42\nfrom {head}."


def test_dependabot_may_rebase_its_branch_over_the_commit(run, remote, checkout):
    branch = "dependabot/uv/packages-0a1b2c3d"
    git(checkout, "push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
    run({"dvc.lock": "two\n", "versions.json": "two\n"}, branch)
    assert git(remote, "log", "-1", "--format=%s", branch).strip() == "Update dvc.lock [dependabot skip]"
    assert git(remote, "diff", "--name-only", "main", branch).split() == ["dvc.lock", "versions.json"]


def test_a_first_lock_is_added(run, remote, checkout):
    git(checkout, "rm", "--quiet", "dvc.lock")
    git(checkout, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "-m", "None yet")
    git(checkout, "push", "--quiet", "origin", "work")
    run({"dvc.lock": "first\n"})
    assert git(remote, "show", "work:dvc.lock") == "first\n"


def test_without_a_pull_request_its_number_is_not_sent(run, github):
    run({"dvc.lock": "two\n"}, number=None)
    assert github.dispatches == [("ci.yml", {"ref": "work"}), ("train.yml", {"ref": "work"})]


@pytest.mark.parametrize("name", ["src/code.py", ".github/workflows/ci.yml", "dvc.yaml", "data/dvc.lock"])
def test_a_patch_of_anything_else_is_refused_by_its_name(run, remote, github, name):
    with pytest.raises(GitHubError, match=f"the patch changes {name}, which is no output of the pipeline"):
        run({"dvc.lock": "two\n", name: "evil\n"})
    assert git(remote, "rev-parse", "work") == git(remote, "rev-parse", "main")
    assert github.written == []


def refused(checkout: Path, tmp_path: Path, client: Client, patch: str) -> str:
    path = tmp_path / "given.patch"
    path.write_text(patch)
    before = git(checkout, "ls-remote", "origin")
    with pytest.raises((GitHubError, GitError)) as error:
        relock(client, "acme/flights", checkout, path, "work", tip(checkout), 7)
    assert git(checkout, "ls-remote", "origin") == before
    return str(error.value)


def test_a_deleted_output_is_refused(checkout, tmp_path, client):
    patch = made(tmp_path, checkout, {"dvc.lock": None})
    assert "makes dvc.lock of mode 100644 one of 000000" in refused(checkout, tmp_path, client, patch)


def test_a_mode_is_not_changed(checkout, tmp_path, client):
    patch = "diff --git a/dvc.lock b/dvc.lock\nold mode 100644\nnew mode 100755\n"
    assert "makes dvc.lock of mode 100644 one of 100755" in refused(checkout, tmp_path, client, patch)


DELETED = """diff --git a/dvc.lock b/dvc.lock
deleted file mode 100644
--- a/dvc.lock
+++ /dev/null
@@ -1 +0,0 @@
-one
"""


def test_a_link_is_refused(checkout, tmp_path, client):
    link = "new file mode 120000\n--- /dev/null\n+++ b/dvc.lock\n@@ -0,0 +1 @@\n+/etc/passwd\n"
    patch = f"{DELETED}diff --git a/dvc.lock b/dvc.lock\n{link}"
    assert "makes dvc.lock of mode 100644 one of 120000" in refused(checkout, tmp_path, client, patch)


def test_a_file_moved_to_an_allowed_name_is_refused(checkout, tmp_path, client):
    renamed = "similarity index 100%\nrename from src/code.py\nrename to dvc.lock\n"
    patch = f"{DELETED}diff --git a/src/code.py b/dvc.lock\n{renamed}"
    assert "the patch changes src/code.py" in refused(checkout, tmp_path, client, patch)


@pytest.mark.parametrize("name", ["../outside", ".git/hooks/pre-push", "/etc/cron.d/x"])
def test_a_file_outside_of_the_branch_is_refused(checkout, tmp_path, client, name):
    patch = f"diff --git a/{name} b/{name}\nnew file mode 100644\n--- /dev/null\n+++ b/{name}\n@@ -0,0 +1 @@\n+x\n"
    assert refused(checkout, tmp_path, client, patch)
    assert not (tmp_path / "outside").exists()
    assert not (checkout / ".git/hooks/pre-push").exists()


def test_a_binary_patch_is_refused(checkout, tmp_path, client):
    patch = made(tmp_path, checkout, {"dvc.lock": "\0\n"}, "--binary")
    assert "changes a binary file" in refused(checkout, tmp_path, client, patch)


def test_a_patch_that_is_too_large_is_not_read(checkout, tmp_path, client):
    assert "has 5000001 bytes, more than 5000000" in refused(checkout, tmp_path, client, "a" * 5_000_001)


def test_a_patch_that_does_not_apply_is_told_as_git_says_it(checkout, tmp_path, client):
    patch = "diff --git a/dvc.lock b/dvc.lock\n--- a/dvc.lock\n+++ b/dvc.lock\n@@ -1 +1 @@\n-three\n+two\n"
    assert "git apply in" in refused(checkout, tmp_path, client, patch)


def test_a_patch_that_is_a_link_or_is_not_there_is_refused(checkout, tmp_path, client):
    (tmp_path / "link").symlink_to("/etc/passwd")
    for name, said in {"link": "no regular file", "none": "cannot be read: No such file"}.items():
        with pytest.raises(GitHubError, match=said):
            relock(client, "acme/flights", checkout, tmp_path / name, "work", tip(checkout), 7)


def test_an_empty_patch_changes_nothing(run, github):
    assert run({}) == "the patch changes nothing; nothing is pushed"
    assert github.written == []


def test_no_code_of_the_branch_runs(run, remote, checkout, tmp_path):
    trap = tmp_path / "sprung"
    for name in ("pre-commit", "commit-msg", "post-commit", "pre-push", "post-index-change", "reference-transaction"):
        hook = checkout / ".git/hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {trap}\n")
        hook.chmod(0o755)
    git(checkout, "config", "core.fsmonitor", f"touch {trap}; false")
    git(checkout, "config", "core.hooksPath", str(checkout / ".git/hooks"))
    run({"dvc.lock": "two\n"})
    assert git(remote, "show", "work:dvc.lock") == "two\n"
    assert not trap.exists()


@pytest.mark.parametrize("default", ["main", "trunk"])
def test_the_default_branch_is_never_pushed_to(github, checkout, default):
    github.repository["default_branch"] = default
    for branch in {"main", default}:
        with pytest.raises(GitHubError, match=f"{branch} changes by pull request only"):
            relock(Client(github.url, "a-secret-token"), "acme/flights", checkout, Path("p"), branch, tip(checkout), 7)


@pytest.mark.parametrize("branch", ["", "-f", "--force", "a b", "a..b", "@{-1}", "refs/heads/work", "a:main", "x.lock"])
def test_what_is_no_name_of_a_branch_is_refused(client, checkout, branch):
    with pytest.raises(GitHubError, match="is no name of a branch; nothing is pushed"):
        relock(client, "acme/flights", checkout, Path("p"), branch, tip(checkout), 7)


def push_elsewhere(tmp_path: Path, remote: Path) -> None:
    """Somebody pushes to the branch meanwhile."""
    folder = tmp_path / "meanwhile"
    git(tmp_path, "clone", "--quiet", "--branch=work", str(remote), str(folder))
    (folder / "src/code.py").write_text("newer\n")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "-am", "Newer")
    git(folder, "push", "--quiet", "origin", "work")


def test_a_branch_that_moved_is_left_to_its_newer_run(run, remote, checkout, tmp_path, github):
    push_elsewhere(tmp_path, remote)
    assert run({"dvc.lock": "two\n"}) == f"work is no longer at {tip(checkout)}; the run of its new head does this"
    assert git(remote, "log", "-1", "--format=%s", "work").strip() == "Newer"
    assert github.written == []


def test_a_branch_that_is_gone_is_left_alone(run, remote):
    git(remote, "update-ref", "-d", "refs/heads/work")
    assert "is no longer at" in run({"dvc.lock": "two\n"})


def refuse_pushes(remote: Path, then: str = "") -> None:
    hook = remote / "hooks/pre-receive"
    hook.write_text(f"#!/bin/sh\n{then}\necho no pushes today >&2\nexit 1\n")
    hook.chmod(0o755)


def test_a_branch_that_moves_while_pushing_is_left_to_its_newer_run(run, remote, checkout):
    move = [
        "unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "who='-c user.name=a -c user.email=b'",
        "git update-ref refs/heads/work $(git $who commit-tree -m x refs/heads/main^{tree})",
    ]
    refuse_pushes(remote, "\n".join(move))
    head = tip(checkout)
    assert run({"dvc.lock": "two\n"}) == f"work is no longer at {head}; the run of its new head does this"


def test_a_refused_push_is_told(run, remote, github):
    refuse_pushes(remote)
    with pytest.raises(GitHubError, match=r"git push to work was refused: .*no pushes today"):
        run({"dvc.lock": "two\n"})
    assert github.written == []


def test_checks_that_cannot_be_started_are_told_with_the_command(run, github):
    github.no_workflows.add("train.yml")
    with pytest.raises(GitHubError, match=r"the lock is pushed, but .*422.*`gh workflow run train\.yml --ref work`"):
        run({"dvc.lock": "two\n"})


def test_a_checkout_at_another_commit_is_refused(client, checkout):
    with pytest.raises(GitHubError, match=f"the run was of {'f' * 40}; nothing is pushed"):
        relock(client, "acme/flights", checkout, Path("p"), "work", "f" * 40, 7)


def test_the_token_goes_to_its_server_only_and_into_no_argument(tmp_path, monkeypatch):
    seen = tmp_path / "seen"
    program = tmp_path / "bin/git"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nenv > {seen}\necho "$@" >> {seen}.arguments\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://git.example")
    monkeypatch.delenv("GITHUB_TOKEN", raising=False)
    ours(tmp_path, "push", token="abc")  # noqa: S106
    environment = seen.read_text()
    assert "GIT_CONFIG_KEY_0=http.https://git.example/.extraheader" in environment
    assert "GIT_CONFIG_VALUE_0=AUTHORIZATION: basic eC1hY2Nlc3MtdG9rZW46YWJj" in environment
    assert "abc" not in Path(f"{seen}.arguments").read_text()
    ours(tmp_path, "push")
    assert "extraheader" not in seen.read_text()


def test_without_git_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="git was not found on the PATH"):
        ours(tmp_path, "status")


@pytest.mark.usefixtures("github")
def test_the_verb_runs_with_a_bare_python(remote, checkout, tmp_path):
    patch = tmp_path / "lock.patch"
    patch.write_text(made(tmp_path, checkout, {"dvc.lock": "two\n"}))
    arguments = ["--patch", str(patch), "--checkout", str(checkout), "--branch", "work", "--head", tip(checkout)]
    command = [*BARE, "relock", *arguments, "--pull-request", "7"]
    done = subprocess.run(command, env={**os.environ, **LIBRARY_PATH}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "its checks are started" in done.stdout
    assert git(remote, "show", "work:dvc.lock") == "two\n"


def test_the_head_must_be_a_whole_hash():
    with pytest.raises(GitHubError, match="--head is 'main': the full hash of a commit is needed"):
        main(["--patch", "p", "--branch", "work", "--head", "main"])
