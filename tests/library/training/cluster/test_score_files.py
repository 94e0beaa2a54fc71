"""Many files have the answers that `score` gives to each, wherever they are scored."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet
import pytest
from library.training.cluster.dask_cluster import in_the_first_trial, pids
from modelyard.errors import ContractError
from modelyard.runtime.score import score
from modelyard.training.cluster.local import local_cluster
from modelyard.training.cluster.score_files import score_files

FILES = 5


@pytest.fixture(scope="module")
def rows(made, tmp_path_factory) -> list[Path]:
    """Rows of a month in some files of both kinds, the last of which breaks the contract."""
    folder = tmp_path_factory.mktemp("rows")
    table = made.month("2013-12").drop_columns(["late"])
    taken = []
    for place in range(FILES):
        some = table.slice(place * 100, 100)
        path = folder / f"part-{place}.{'parquet' if place % 2 else 'csv'}"
        if place % 2:
            pyarrow.parquet.write_table(some, path)
        else:
            pyarrow.csv.write_csv(some, path)
        taken.append(path)
    taken[-1].write_text("no_such_column\n1\n")
    return taken


def scored(made, rows, folder: Path, jobs: int = 1, cluster: str | None = None) -> dict[str, object]:
    """What was said of each file, and the content of each that was written."""
    folder.mkdir()
    files = {path: folder / f"{path.stem}.csv" for path in rows}
    told = {path.name: found for path, found in score_files(made.project, made.root / "bundle", files, jobs, cluster)}
    assert isinstance(told.pop(rows[-1].name), ContractError)
    assert told == dict.fromkeys((path.name for path in rows[:-1]), 100)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def alone(made, rows, tmp_path_factory) -> dict[str, bytes]:
    """What `score` writes of each."""
    folder = tmp_path_factory.mktemp("alone")
    predictor = made.project.predictor(made.root / "bundle")
    for path in rows[:-1]:
        score(predictor, path, folder / f"{path.stem}.csv", ".csv")
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_processes_of_this_machine_give_the_answers_of_score(made, rows, alone, tmp_path):
    assert scored(made, rows, tmp_path / "answers", jobs=2) == alone


def test_a_cluster_gives_them_too_with_a_worker_killed(made, rows, alone, tmp_path):
    killed = []

    def kill(worker: str) -> None:
        os.kill(pids(address)[worker], signal.SIGKILL)
        killed.append(worker)

    with local_cluster(2) as address:
        with in_the_first_trial(address, kill):
            assert scored(made, rows, tmp_path / "answers", cluster=address) == alone
        assert len(killed) == 1


def called(made, *words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "flight_delays", "score-files", *map(str, words)]
    return subprocess.run(command, cwd=made.root, capture_output=True, text=True, check=False)


def test_a_refused_file_is_told_and_the_others_are_scored(made, rows, tmp_path):
    done = called(made, *rows[-2:], "--to", tmp_path, "--as", ".parquet")
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert any(line.startswith(f"error: {rows[-1]}") for line in lines)
    assert f"100 rows of {rows[-2]} scored into {tmp_path / 'part-3.parquet'}" in lines
    assert lines[-1] == "100 rows of 1 file scored"
    assert [path.name for path in tmp_path.iterdir()] == ["part-3.parquet"]


def test_what_cannot_be_is_told_before_anything_is_scored(made, rows, tmp_path):
    def told(*words: str | Path) -> str:
        done = called(made, *words)
        assert done.returncode == 1
        assert not list(tmp_path.iterdir())
        return done.stderr.strip()

    absent = tmp_path / "none.csv"
    assert told(rows[0], absent, "--to", tmp_path) == f"error: {absent}: no such file"
    assert told(rows[0], "--to", absent) == f"error: there is no folder {absent}; make it first"
    assert told(rows[0], "--to", rows[0].parent).startswith("error: the answers would replace")
    twin = rows[0].with_suffix(".tsv")
    twin.touch()
    assert "would both go to" in told(rows[0], twin, "--to", tmp_path)
    assert told(rows[0], "--to", tmp_path, "--jobs", "0") == "error: JOBS is 0: at least 1 is needed"
    assert str(absent) in told(rows[0], "--to", tmp_path, "--bundle", absent)
