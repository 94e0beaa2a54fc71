"""What is read of a `.dvc` file is what DVC itself writes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from modelyard.judging.lock import path_md5
from modelyard.training.draft.writing import watch
from modelyard.training.tracked import tracked_inputs
from sample import SAMPLE

WATCHED = ["a.csv", "own rows/größe: [1] 'x'.csv", "folder"]


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """A repository of Git and DVC, one folder down, in which one stands: with files of awkward names."""
    root = tmp_path / "repository/project"
    root.mkdir(parents=True)
    monkeypatch.chdir(root)
    subprocess.run(["git", "init", "--quiet", ".."], check=True)
    (root / "dvc.yaml").write_bytes((SAMPLE / "dvc.yaml").read_bytes())
    for name in (*WATCHED[:2], "folder/b.csv", "folder/c/d.csv", "other.csv", "old.csv"):
        (root / name).parent.mkdir(exist_ok=True, parents=True)
        (root / name).write_text(f"of {name}\n")
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet", "--subdir"], check=True)
    return root


def test_the_inputs_of_the_pipeline_are_read_as_dvc_wrote_them(root):
    subprocess.run([sys.executable, "-m", "dvc", "add", "--quiet", *WATCHED, "other.csv", "old.csv"], check=True)
    assert tracked_inputs(root) == []  # dvc.yaml names none of them
    watch(root / "dvc.yaml", [*WATCHED, "old.csv"])
    # as DVC 2 wrote it, whose hash of a text is another one
    (root / "old.csv.dvc").write_text((root / "old.csv.dvc").read_text().replace("  hash: md5\n", ""))
    found = {one.path: one.md5 for one in tracked_inputs(root)}
    assert found == {name: path_md5(root / name) for name in WATCHED}
    subprocess.run(["git", "add", "--all"], check=True)
    assert {one.path for one in tracked_inputs(root)} == set(WATCHED)
    # a file of a folder that dvc.yaml names as a whole, or the other way round
    watch(root / "dvc.yaml", ["own rows", "folder/c/d.csv"])
    assert {one.path for one in tracked_inputs(root)} == set(WATCHED[1:])


def test_without_git_or_a_pipeline_there_are_none(tmp_path):
    assert tracked_inputs(tmp_path) == []
    (tmp_path / "dvc.yaml").write_text("stages:\n  ingest:\n    deps:\n    - a.csv\n")
    assert tracked_inputs(tmp_path) == []
