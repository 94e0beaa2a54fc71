from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from modelyard.errors import ContractError
from modelyard.github.patch import OUTPUTS
from modelyard.proving.stale import PATCH, main, stale
from modelyard.training.strict_yaml import read_yaml
from sample import SAMPLE

from flight_delays import project as flights_project


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.invalid", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def repository(tmp_path, monkeypatch) -> Path:
    """A repository that holds what a pipeline made, in which one stands."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".gitignore").write_text("reports/\n")
    (tmp_path / "params.yaml").write_text("seed: 1\n")
    (tmp_path / "dvc.lock").write_text("schema: '2.0'\n")
    (tmp_path / "evaluation").mkdir()
    (tmp_path / "evaluation/metrics.json").write_text("{}\n")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "-m", "all")
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_OUTPUT", "MAY_COMMIT"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.usefixtures("repository")
def test_a_commit_that_holds_what_the_pipeline_makes_is_not_stale(capsys):
    main([], flights_project)
    said = "it and the results are as in the commit; `dvc status` says whether an input was changed after the pipeline"
    assert capsys.readouterr().out == f"dvc.lock is up to date: {said}\n"
    assert not PATCH.exists()


def test_a_change_of_what_a_person_wrote_does_not_make_it_stale(repository):
    (repository / "params.yaml").write_text("seed: 2\n")
    assert stale() == []


def test_the_patch_brings_a_fresh_clone_to_what_the_pipeline_made(repository, tmp_path_factory):
    (repository / "dvc.lock").write_text("schema: '2.0'\nstages: {}\n")
    (repository / "evaluation/slices.csv").write_text("column,slice\n")
    assert stale() == ["dvc.lock", "evaluation/slices.csv"]
    clone = tmp_path_factory.mktemp("clone") / "project"
    git(repository, "clone", "--quiet", str(repository), str(clone))
    git(clone, "apply", "--index", str((repository / PATCH).absolute()))
    for name in ("dvc.lock", "evaluation/slices.csv"):
        assert (clone / name).read_text() == (repository / name).read_text()


def test_the_index_stays_as_it_is_and_a_merge_can_be_aborted(repository):
    git(repository, "branch", "other")
    for branch, text in (("other", "theirs"), ("-", "ours")):
        git(repository, "checkout", "--quiet", branch)
        (repository / "dvc.lock").write_text(f"schema: {text}\n")
        (repository / "params.yaml").write_text(f"seed: {len(text)}\n")
        git(repository, "commit", "--quiet", "--all", "-m", text)
    assert subprocess.run(["git", "-C", repository, "merge", "--quiet", "other"], check=False).returncode
    (repository / "evaluation/slices.csv").write_text("column,slice\n")
    before = (repository / ".git/index").read_bytes()
    assert stale() == ["dvc.lock", "evaluation/slices.csv"]
    assert (repository / ".git/index").read_bytes() == before
    (repository / "evaluation/slices.csv").unlink()
    git(repository, "merge", "--abort")
    assert git(repository, "status", "--porcelain") == ""


def test_a_hook_that_names_another_index_does_not_change_the_answer(repository, tmp_path_factory, monkeypatch):
    (repository / "dvc.lock").write_text("changed\n")
    other = tmp_path_factory.mktemp("other")
    git(other, "init", "--quiet")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / "index"))
    assert stale() == ["dvc.lock"]
    assert not (other / "index").exists()


def test_the_patch_does_not_depend_on_a_persons_settings(repository, tmp_path_factory):
    (repository / "dvc.lock").write_text("changed\n")
    settings = {"diff.external": "false", "diff.noprefix": "true", "color.ui": "always", "diff.renames": "copies"}
    for key, value in settings.items():
        git(repository, "config", key, value)
    stale()
    clone = tmp_path_factory.mktemp("clone") / "project"
    git(repository, "clone", "--quiet", str(repository), str(clone))
    git(clone, "apply", "--index", str((repository / PATCH).absolute()))
    assert (clone / "dvc.lock").read_text() == "changed\n"


def test_a_project_in_a_folder_of_its_repository_is_compared_alone(repository, tmp_path_factory, monkeypatch):
    top = tmp_path_factory.mktemp("top")
    git(repository, "clone", "--quiet", str(repository), str(top / "models/flights"))
    shutil.rmtree(top / "models/flights/.git")
    (top / "dvc.lock").write_text("of another project\n")
    git(top, "init", "--quiet")
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "-m", "all")
    monkeypatch.chdir(top / "models/flights")
    (top / "dvc.lock").write_text("changed\n")
    assert stale() == []
    Path("dvc.lock").write_text("changed\n")
    assert stale() == ["dvc.lock"]
    patch = PATCH.read_text()
    git(top, "checkout", "--quiet", ".")
    git(Path(), "apply", str(PATCH))
    assert (Path("dvc.lock").read_text(), (top / "dvc.lock").read_text()) == ("changed\n", "of another project\n")
    assert "a/models/flights/dvc.lock" in patch


def test_without_a_commit_there_is_nothing_to_compare_with(tmp_path, monkeypatch):
    git(tmp_path, "init", "--quiet")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ContractError, match="there is no commit yet to compare with"):
        stale()


def test_a_patch_of_an_earlier_run_does_not_stay(repository):
    (repository / "dvc.lock").write_text("changed\n")
    stale()
    git(repository, "checkout", "--quiet", "dvc.lock")
    stale()
    assert not PATCH.exists()


def test_elsewhere_a_stale_lock_is_a_fault_and_what_to_run_is_said(repository):
    (repository / "dvc.lock").write_text("changed\n")
    with pytest.raises(SystemExit) as ended:
        main([], flights_project)
    assert "does not hold what its pipeline makes: dvc.lock\n" in str(ended.value.code)
    assert "make pipeline" in str(ended.value.code)


@pytest.mark.parametrize("changed", [True, False])
def test_where_a_later_job_commits_it_a_stale_lock_is_no_fault(repository, monkeypatch, capsys, changed):
    monkeypatch.setenv("MAY_COMMIT", "true")
    monkeypatch.setenv("GITHUB_OUTPUT", str(repository / "output"))
    if changed:
        (repository / "dvc.lock").write_text("changed\n")
    main([], flights_project)
    assert (repository / "output").read_text() == f"stale={str(changed).lower()}\n"
    assert ("is stale" in capsys.readouterr().out) == changed


def test_it_looks_at_each_output_that_git_holds():
    stages = read_yaml(SAMPLE / "dvc.yaml")["stages"].values()
    entries = [entry for stage in stages for kind in ("outs", "metrics", "plots") for entry in stage.get(kind, [])]
    settings = {path: given for entry in entries if isinstance(entry, dict) for path, given in entry.items()}
    tracked = {path for path, given in settings.items() if given.get("cache") is False}
    assert {"dvc.lock", "versions.json", *tracked} == OUTPUTS
