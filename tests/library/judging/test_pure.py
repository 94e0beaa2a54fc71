"""Features that look at more than the row are refused by their name."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from modelyard.judging.pure import judge_features
from modelyard.runtime.project import Project, load_project
from modelyard.training.data.dataset import read_rows

from flight_delays import project as flights_project

OWN = """
    found = dict(computed)
    {0}
    return found
"""


@pytest.fixture(scope="module")
def holdout(made) -> Any:
    return read_rows(made.root, made.contract, made.params, "holdout")


@pytest.fixture
def written(tmp_path, monkeypatch) -> Callable[[str], Project]:
    """Makes a project whose features are the sample's and what is given; the folder is the current one."""

    def write(lines: str) -> Project:
        package = tmp_path / "own_flights"
        shutil.copytree(flights_project.folder, package, ignore=shutil.ignore_patterns("__pycache__"))
        path = package / "features.py"
        text = path.read_text().replace("def features(", "def plain(")
        path.write_text(
            f"{text}\n\ndef features(columns, contract):\n    computed = plain(columns, contract)\n{OWN.format(lines)}"
        )
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.chdir(tmp_path)
        for name in [name for name in sys.modules if name.partition(".")[0] == "own_flights"]:
            monkeypatch.delitem(sys.modules, name)
        return load_project("own_flights")

    return write


def judged(project: Project, made: Any, holdout: Any) -> Any:
    return judge_features(project, made.contract, [holdout], len(holdout.target))


def test_features_of_the_row_alone_are_kept(written, made, holdout):
    found = judged(written("pass"), made, holdout)
    assert (found.kept, found.found) == (True, "100 rows agree")


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (
            "n = len(columns['distance']); found['busy'] = columns['distance'] * 0 + n",
            "'busy' depends on the other rows",
        ),
        (
            "found['clock'] = columns['distance'] * 0 + __import__('time').time()",
            "'clock' is not the same for the same",
        ),
        ("found['late'] = columns['distance'] * 0 + float(open('late.txt').read())", "reads them: FileNotFoundError"),
        (
            "p = __import__('pathlib').Path(__file__).parents[1] / 'late.txt'; "
            "found['late'] = columns['distance'] * 0 + (float(p.read_text()) if p.is_file() else 0.0)",
            "'late' has another value without the project's files, so it is looked up",
        ),
    ],
)
def test_features_that_look_at_more_are_named(written, made, holdout, lines, told):
    project = written(lines)
    Path("late.txt").write_text("1.5")
    found = judged(project, made, holdout)
    assert found.kept is False
    assert told in found.found


def test_rows_are_taken_from_all_blocks(written, made, holdout):
    """A feature that looks at others in the last rows only is found too."""
    half = len(holdout.target) // 2
    blocks = [holdout.take(np.arange(half)), holdout.take(np.arange(half, len(holdout.target)))]
    last = str(holdout.columns["scheduled_departure"].max())
    looks = (
        "t = columns['scheduled_departure']; "
        f"n = len(t) if str(t.max()) == {last!r} else 1; found['busy'] = columns['distance'] * 0 + n"
    )
    found = judge_features(written(looks), made.contract, blocks, len(holdout.target))
    assert "'busy' depends on the other rows" in found.found
