"""The verb in a repository with real Git; main's rows are in its DVC cache, named by its dvc.lock."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pyarrow.parquet
import pytest
from library.held import held
from modelyard.errors import ContractError
from modelyard.judging.lock import path_md5, put_folder
from modelyard.reporting.data_diff import data_diff
from modelyard.training.layout import LEDGER, PERIODS
from modelyard.training.settings import read_contract

MONTHS = ["2013-01", "2013-02"]


def git(*arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.invalid"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


def take(made, changed: int = 0) -> None:
    """Take two months, the first rows of the second left out, as ingest leaves them."""
    tables = {month: pyarrow.parquet.read_table(made.root / PERIODS / f"{month}.parquet") for month in MONTHS}
    tables[MONTHS[1]] = tables[MONTHS[1]].slice(changed)
    LEDGER.parent.mkdir(exist_ok=True)
    LEDGER.write_text(json.dumps(held(PERIODS, tables, read_contract()).ledger))


@pytest.fixture(autouse=True)
def _repository(made, tmp_path, monkeypatch) -> None:
    """A repository whose branch main has data, in which one stands on main."""
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(made.root / "contract.yaml", "contract.yaml")
    Path(".gitignore").write_text("/data/periods\n/.dvc/cache\n")
    Path(".dvc").mkdir()
    Path(".dvc/config").write_text("")
    git("init", "--quiet", "--initial-branch", "main")
    git("add", "--all")
    git("commit", "--quiet", "--message", "no data")
    take(made)
    put_folder(PERIODS)
    lock = f"stages: {{ingest: {{outs: [{{path: data/periods, md5: {path_md5(PERIODS)}}}]}}}}\n"
    Path("dvc.lock").write_text(lock)
    git("add", "--all")
    git("commit", "--quiet", "--message", "data")


def test_what_changed_since_main_is_shown_before_anything_is_committed(made):
    assert data_diff() == "The data is that of main.\n"
    take(made, 4)
    assert "**0 rows added, 4 removed, 0 changed**" in data_diff()
    assert "**0 rows added, 4 removed, 0 changed**" in data_diff("HEAD")
    assert not Path("champion").exists()


def test_rows_of_main_that_are_not_here_are_told(made):
    take(made, 4)
    shutil.rmtree(".dvc/cache")
    assert "main's of period `2013-02` are not here. They are in neither DVC's cache nor its remote." in data_diff()


def test_what_cannot_be_compared_is_an_error_that_says_what_to_do():
    with pytest.raises(ContractError, match=r"no commit 'nowhere' here; .*`make data-diff REF=main`"):
        data_diff("nowhere")
    with pytest.raises(ContractError, match=r"HEAD~1 has no data yet: it has no data/ledger\.json"):
        data_diff("HEAD~1")
    LEDGER.unlink()
    with pytest.raises(ContractError, match="no data was taken here yet; take it with `make ingest`"):
        data_diff()
