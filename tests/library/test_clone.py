from __future__ import annotations

import configparser
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import modelyard
import pytest
from modelyard.clone import Clone, own_library
from modelyard.git import find_commit, git
from modelyard.runtime.contract import ContractError

STORAGE = "'remote \"storage\"'"
IDENTITY = ["-c", "user.name=a", "-c", "user.email=a@example.invalid"]


@pytest.fixture
def repository(tmp_path, monkeypatch) -> Path:
    """A repository of two commits with a DVC remote beside it, in which one stands."""
    root = tmp_path / "flights"
    (root / ".dvc").mkdir(parents=True)
    monkeypatch.chdir(root)
    (root / ".dvc/config").write_text(f"[core]\n    remote = storage\n[{STORAGE}]\n    url = ../../storage\n")
    git(Path(), "init", "--quiet", "--initial-branch", "main")
    for text in ("first", "second"):
        (root / "text").write_text(text)
        git(Path(), "add", "--all")
        git(Path(), *IDENTITY, "commit", "--quiet", "-m", text)
    return root


def settings(clone: Clone) -> configparser.ConfigParser:
    """What the clone's own settings say; they go before those of the commit."""
    local = configparser.ConfigParser(interpolation=None)
    local.read(clone.root / ".dvc/config.local")
    return local


def test_a_clone_holds_the_commit_and_nothing_of_the_workspace(repository):
    (repository / "text").write_text("changed")
    (repository / "new").write_text("new")
    with Clone("main~1") as clone:
        assert (clone.root / "text").read_text() == "first"
        assert not (clone.root / "new").exists()
    assert (repository / "text").read_text() == "changed"


def test_a_clone_has_the_name_of_the_folder_and_is_gone_afterwards(repository):
    with Clone("main") as clone:
        assert clone.root.name == repository.name
        assert not clone.root.is_relative_to(repository)
    assert not clone.root.exists()


@pytest.mark.usefixtures("repository")
def test_a_clone_is_gone_after_an_error_too():
    clone = Clone("main")
    with pytest.raises(RuntimeError), clone:
        raise RuntimeError
    assert not clone.root.exists()


@pytest.mark.usefixtures("repository")
def test_a_commit_that_is_on_no_branch_can_be_cloned():
    commit = str(find_commit(Path(), "main"))
    git(Path(), "update-ref", "refs/heads/main", "main~1")
    with Clone(commit) as clone:
        assert (clone.root / "text").read_text() == "second"


@pytest.mark.usefixtures("repository")
def test_a_commit_that_is_not_there_is_told():
    clone = Clone("nowhere")
    with pytest.raises(ContractError, match="there is no commit 'nowhere' here"), clone:
        pass
    assert not clone.root.parent.exists()


def test_a_project_in_a_folder_of_its_repository_is_in_the_same_folder_of_the_clone(repository, monkeypatch):
    shutil.copytree(repository / ".dvc", repository / "models/flights/.dvc")
    git(repository, "add", "--all")
    git(repository, *IDENTITY, "commit", "--quiet", "-m", "another project")
    monkeypatch.chdir("models/flights")
    with Clone("main") as clone:
        assert clone.root.parts[-3:] == (repository.name, "models", "flights")
        assert settings(clone)[STORAGE]["url"] == str(repository / "models/storage")
        assert not clone.beside.is_relative_to(clone.root.parents[1])
    missing = Clone("main~1")
    with pytest.raises(ContractError, match="has no folder models/flights, which this project is in"), missing:
        pass


def test_a_linked_worktree_is_cloned_from_its_own_commit_and_keeps_it(repository, tmp_path, monkeypatch):
    """As in a hook there, which has the variables of its repository."""
    git(repository, "worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"), "main~1")
    monkeypatch.chdir(tmp_path / "linked")
    monkeypatch.setenv("GIT_DIR", str(repository / ".git/worktrees/linked"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(repository / ".git/worktrees/linked/index"))
    index = (repository / ".git/worktrees/linked/index").read_bytes()
    with Clone("main") as clone:
        assert (clone.root / "text").read_text() == "second"
        shown = ["python", "-c", "import os, sys; sys.exit('GIT_DIR' in os.environ)"]
        assert clone.run(*shown) == 0
    assert git(Path(), "log", "-1", "--format=%s") == "first\n"
    assert (repository / ".git/HEAD").read_text() == "ref: refs/heads/main\n"
    assert (repository / ".git/worktrees/linked/index").read_bytes() == index


@pytest.mark.usefixtures("repository")
def test_a_branch_is_the_one_that_is_meant_here():
    """In a clone, origin/main is what is called main here."""
    git(Path(), "update-ref", "refs/remotes/origin/main", "main~1")
    with Clone("origin/main") as clone:
        assert (clone.root / "text").read_text() == "first"


def test_a_remote_beside_the_project_stays_where_it_is(repository):
    with Clone("main") as clone:
        assert settings(clone)[STORAGE]["url"] == str(repository.parent / "storage")


@pytest.mark.parametrize("url", ["s3://bucket/path", "/mnt/storage", "~/storage"])
def test_a_remote_elsewhere_is_left_as_it_is(repository, url):
    (repository / ".dvc/config").write_text(f"[{STORAGE}]\n    url = {url}\n")
    git(Path(), *IDENTITY, "commit", "--quiet", "--all", "-m", "elsewhere")
    with Clone("main") as clone:
        assert not settings(clone).has_section(STORAGE)


@pytest.mark.parametrize(
    ("url", "found"),
    [("../../mine", "{beside}/mine"), ("s3://mine/path", "s3://mine/path"), ("/mnt/mine", "/mnt/mine")],
)
def test_a_remote_of_this_machine_goes_before_that_of_the_project(repository, url, found):
    (repository / ".dvc/config.local").write_text(f"[{STORAGE}]\n    url = {url}\n    user = me\n")
    with Clone("main") as clone:
        assert settings(clone)[STORAGE]["url"] == found.format(beside=repository.parent)
        assert settings(clone)[STORAGE]["user"] == "me"


def test_a_clone_uses_the_cache_that_is_here(repository):
    with Clone("main") as clone:
        assert settings(clone)["cache"]["dir"] == str(repository / ".dvc/cache")


@pytest.mark.parametrize("name", ["config", "config.local"])
def test_a_cache_of_its_own_is_its_own_whatever_the_settings_say(repository, name):
    with (repository / ".dvc" / name).open("a") as opened:
        opened.write(f"[cache]\n    dir = {repository.parent / 'shared'}\n")
    git(Path(), "add", "--force", "--all")
    git(Path(), *IDENTITY, "commit", "--quiet", "-m", "a shared cache")
    with Clone("main", cache=None) as clone:
        assert settings(clone)["cache"]["dir"] == str(clone.root / ".dvc/cache")
        (clone.root / "rows.csv").write_text("1\n")
        assert clone.run("dvc", "add", "--quiet", "rows.csv") == 0
        assert list((clone.root / ".dvc/cache").rglob("*/*"))
    assert not (repository.parent / "shared").exists()


@pytest.mark.usefixtures("repository")
def test_a_program_of_this_environment_runs_in_the_clone_and_its_status_is_told(capfd):
    script = "import os, sys; print(os.getcwd(), sys.executable, os.environ['GIVEN']); sys.exit(3)"
    with Clone("main") as clone:
        assert clone.run("python", "-c", script, env={"GIVEN": "yes"}) == 3
        said = capfd.readouterr()
        assert said.out == ""
        assert said.err.split() == [str(clone.root), str(Path(sys.executable).parent / "python"), "yes"]


PRINT_VERSION = "import modelyard; print(modelyard.__version__)"


def write_library(root: Path, version: str, ejected: bool = False) -> None:
    """Put a library into `vendor/` that has nothing but a version."""
    (root / "vendor").mkdir()
    text = f"__version__ = {version!r}\n"
    if ejected:
        folder = root / "vendor/modelyard/src/modelyard"
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text(text)
    else:
        with zipfile.ZipFile(root / f"vendor/modelyard-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr("modelyard/__init__.py", text)


@pytest.mark.parametrize("ejected", [False, True])
def test_a_program_in_the_clone_runs_with_the_library_of_the_commit(repository, capfd, ejected):
    """Whatever is installed here, or on this machine's PYTHONPATH."""
    write_library(repository, "0.1.2", ejected)
    git(Path(), "add", "--all")
    git(Path(), *IDENTITY, "commit", "--quiet", "-m", "library")
    shutil.rmtree(repository / "vendor")
    with Clone("main") as clone:
        assert clone.run("python", "-c", PRINT_VERSION) == 0
    assert capfd.readouterr().err == "0.1.2\n"


def test_a_commit_without_a_library_runs_with_the_one_that_is_here(repository, capfd):
    assert own_library(repository) == []
    with Clone("main") as clone:
        assert clone.run("python", "-c", PRINT_VERSION) == 0
    assert capfd.readouterr().err == f"{modelyard.__version__}\n"


def test_two_libraries_are_refused_by_name(repository):
    write_library(repository, "0.1.2")
    (repository / "vendor/modelyard-0.1.3-py3-none-any.whl").write_bytes(b"")
    with pytest.raises(ContractError, match=r"modelyard-0\.1\.2-\S+ and modelyard-0\.1\.3-"):
        own_library(repository)


def test_a_shallow_repository_can_be_cloned_at_its_tip(repository, tmp_path, monkeypatch):
    subprocess.run(
        ["git", "clone", "--quiet", "--depth", "1", f"file://{repository}", "shallow"], cwd=tmp_path, check=True
    )
    monkeypatch.chdir(tmp_path / "shallow")
    with Clone("HEAD") as clone:
        assert (clone.root / "text").read_text() == "second"
    shutil.rmtree(tmp_path / "shallow")
