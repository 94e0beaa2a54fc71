"""A source that no other machine has is told, and DVC gets it where a person says so."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from modelyard.command import run_command
from modelyard.training.draft.draft import main
from modelyard.training.edit import round_trip
from modelyard.training.ingest import ingest
from modelyard.training.settings import read_contract, read_params
from sample import SAMPLE

from flight_delays import project as flights

SETTINGS = ["contract.yaml", "params.yaml", "policy.yaml", "dvc.yaml", "docs/model-card.md"]
ROWS = "size,sold\n" + "".join(f"{place},{place * 2}.5\n" for place in range(40))


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """A repository of Git and DVC with the settings of the sample, in which one stands, beside data."""
    root = tmp_path / "shop"
    (root / "docs").mkdir(parents=True)
    for name in SETTINGS:
        shutil.copyfile(SAMPLE / name, root / name)
    monkeypatch.chdir(root)
    git("init", "-q")
    (root / ".dvc").mkdir()
    (root / ".dvc/config").write_text("[core]\n    analytics = false\n")
    (root / ".dvc/.gitignore").write_text("/cache\n/tmp\n")
    git("add", "--all")
    git("-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "all")
    (tmp_path / "beside").mkdir()
    for month in ("a", "b"):
        (tmp_path / f"beside/{month}.csv").write_text(ROWS)
    return root


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)


def drafted(capsys, source: str, *arguments: str) -> str:
    capsys.readouterr()
    main([source, *arguments], flights)
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "new", "added"),
    [
        ("../beside/a.csv", "rows/a.csv", "rows/a.csv"),
        ("{beside}/*.csv", "rows/beside/*.csv", "rows/beside"),
    ],
)
def test_a_source_outside_is_told_and_the_command_brings_it_under_dvc(root, capsys, given, new, added):
    source = given.format(beside=root.parent / "beside")
    told = drafted(capsys, source)
    assert f"source: {source} is outside of the project, on this machine only" in told
    command = shlex.split(next(line for line in told.splitlines() if "make contract" in line))
    assert command == ["make", "contract", f"SOURCE={source}", "TARGET=sold", "ARGS=--force --track"]

    told = drafted(capsys, source, "--force", "--track")
    assert f"{new} is under DVC: commit {added}.dvc. There is no DVC remote, so no other" in told
    assert read_params().source.path == new
    deps = round_trip().load(root / "dvc.yaml")["stages"]["ingest"]["deps"]
    assert deps[-1] == ("rows/beside" if "*" in new else new)
    assert not any(dep.startswith(("..", "/")) for dep in deps)
    assert (root / f"{added}.dvc").is_file()
    status = subprocess.run([sys.executable, "-m", "dvc", "status", f"{added}.dvc"], capture_output=True, check=True)
    assert b"up to date" in status.stdout
    ingest(root, read_contract(), read_params())
    assert "source:" not in drafted(capsys, new, "--force")


def test_a_source_inside_that_nobody_else_has_is_told_until_it_is_committed(root, capsys):
    (root / "sold [1].csv").write_text(ROWS)
    assert "source: sold [1].csv is neither in Git nor under DVC" in drafted(capsys, "sold [1].csv")
    git("add", "sold [1].csv")
    assert "source:" not in drafted(capsys, "sold [1].csv", "--force")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("../beside/a.csv", "rows/a.csv is there already, and is another file; rename one of the two"),
        (
            "kept.csv",
            "--track: kept.csv is in Git, and DVC takes only what is not. Earlier commits keep it; take it out "
            "of the next with `git rm --cached kept.csv`, and draft again with ",
        ),
    ],
)
def test_what_dvc_cannot_take_is_refused_and_stays(root, source, told):
    (root / "rows").mkdir()
    (root / "rows/a.csv").write_text("other")
    (root / "kept.csv").write_text(ROWS)
    git("add", "kept.csv")
    with pytest.raises(SystemExit, match="track") as ended:
        run_command(lambda: main([source, "--track"], flights))
    assert told in str(ended.value)
    assert (root / "rows/a.csv").read_text() == "other"
    assert read_params().source.path == source
