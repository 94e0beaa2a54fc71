from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from modelyard.proving.remote import main
from modelyard.proving.resolve import main as resolve
from modelyard.runtime.contract import ContractError
from modelyard.training.tracked import shared_remote

from flight_delays import project as flights_project


def config(folder: Path, url: str | None, name: str = "config") -> None:
    (folder / ".dvc").mkdir(exist_ok=True)
    remote = "" if url is None else f"['remote \"storage\"']\n    url = {url}\n"
    (folder / ".dvc" / name).write_text(f"[core]\n    remote = storage\n    no_scm = True\n{remote}")


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A folder for a project, in which one stands."""
    root = tmp_path / "project"
    (root / ".dvc").mkdir(parents=True)
    monkeypatch.chdir(root)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    return root


@pytest.mark.parametrize(
    ("url", "shared"),
    [
        ("../.dvc-storage", False),
        ("../../storage", True),
        ("/mnt/storage", True),
        ("s3://bucket/path", True),
        ("ssh://me@host/path", True),
    ],
)
def test_a_folder_of_the_project_is_no_remote_that_others_share(project, url, shared):
    config(project, url)
    assert (shared_remote() is not None) == shared


def test_a_project_without_a_remote_has_nothing_to_move(project, capsys):
    (project / ".dvc/config").write_text("[core]\n    no_scm = True\n")
    main(["pull"], flights_project)
    assert capsys.readouterr().out.startswith("nothing to pull")


def test_a_remote_of_one_machine_goes_before_that_of_the_project(project):
    config(project, "s3://bucket/path")
    config(project, "s3://mine/path", "config.local")
    assert shared_remote() == "s3://mine/path"


def test_a_remote_without_an_address_is_told(project):
    config(project, None)
    with pytest.raises(ContractError, match=r"core.remote is 'storage', and no remote of that name has a url"):
        shared_remote()


def test_what_one_machine_pushes_another_pulls(project, tmp_path, capsys):
    config(project, "../../storage")
    (project / "rows.csv").write_text("1\n")
    subprocess.run([sys.executable, "-m", "dvc", "add", "--quiet", "rows.csv"], check=True)
    main(["push"], flights_project)
    for name in (".dvc/cache", "rows.csv"):
        subprocess.run(["rm", "-rf", name], check=True)
    main(["pull"], flights_project)
    assert (project / "rows.csv").read_text() == "1\n"
    assert capsys.readouterr().out.splitlines() == [f"dvc {what}: {tmp_path / 'storage'}" for what in ("push", "pull")]


def test_what_the_cache_holds_is_not_made_again(project, capsys):
    config(project, "../.dvc-storage")
    (project / "rows.csv").write_text("1\n")
    subprocess.run([sys.executable, "-m", "dvc", "add", "--quiet", "rows.csv"], check=True)
    (project / "rows.csv").unlink()
    main(["pull"], flights_project)
    assert (project / "rows.csv").read_text() == "1\n"
    assert capsys.readouterr().out.startswith("nothing to pull")


@pytest.mark.parametrize(("url", "remote"), [("../.dvc-storage", None), ("../../storage", "storage")])
def test_data_that_only_one_machine_has_is_told_with_what_to_do(project, capsys, url, remote):
    """By `push` where it is, and by `pull` and before the pipeline where it is not."""
    config(project, url)
    name = "rows [1].csv"
    (project / f"{name}.dvc").write_text(f"outs:\n- md5: {'a' * 32}\n  size: 2\n  hash: md5\n  path: {name}\n")
    (project / "dvc.yaml").write_text(f"stages:\n  ingest:\n    cmd: 'true'\n    deps:\n    - {name}\n")
    subprocess.run(["git", "init", "--quiet"], check=True)
    advice = [
        f"`.venv/bin/dvc remove '{name}.dvc'`, `git add '{name}'`",
        "`.venv/bin/dvc remote modify storage url s3://bucket/path`, `make push`",
    ]

    main(["push"], flights_project)
    pushed = capsys.readouterr().out
    assert [words in pushed for words in advice] == [remote is None] * 2
    main(["pull"], flights_project)
    pulled = capsys.readouterr().out
    assert f"warning: {name} is under DVC and still not on this machine. " in pulled
    assert [words in pulled for words in advice] == [remote is None] * 2
    with pytest.raises(ContractError, match=re.escape(f"{name} is under DVC and not on this machine: run `make pull`")):
        resolve(["--check"])
    told = json.loads((project / "reports/refusal.json").read_text())
    assert told["stage"] == "data"
    assert str(project.parent / "storage" if remote else advice[1]) in told["message"]

    (project / name).write_text("1\n")
    resolve(["--check"])
    assert not (project / "reports/refusal.json").exists()


@pytest.mark.parametrize(("where", "mark"), [(None, "warning: "), ("true", "::warning::")])
def test_a_remote_that_cannot_be_reached_is_a_warning_and_no_fault(project, monkeypatch, capsys, where, mark):
    (project.parent / "storage").write_text("a file, and no folder")
    config(project, "../../storage")
    (project / "rows.csv").write_text("1\n")
    subprocess.run([sys.executable, "-m", "dvc", "add", "--quiet", "rows.csv"], check=True)
    if where:
        monkeypatch.setenv("GITHUB_ACTIONS", where)
    main(["push"], flights_project)
    assert capsys.readouterr().out.startswith(f"{mark}dvc push failed for {project.parent / 'storage'}")
