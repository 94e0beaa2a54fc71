"""A search that is spread over runners: its rounds follow each other by act, each a run of its own."""

from __future__ import annotations

import json
import re
from pathlib import Path

from modelyard.training.study import read_trials

from projects import ROOT, clone_of

from .hosted import Hosted, why

TUNE = (ROOT / "{{cookiecutter.project}}/.github/workflows/tune.yml").read_text()
# Small batches, so that there are two rounds, and a present setting that any trial is better than
SETTINGS = {"  batch: 4 ": "  batch: 2 ", "learning_rate: 0.1\n": "learning_rate: 0.001\n"}


def test_the_rounds_find_what_one_machine_finds(hosted: Hosted, tmp_path: Path) -> None:
    params = (hosted.project.root / "params.yaml").read_text()
    for old, new in SETTINGS.items():
        assert old in params
        params = params.replace(old, new, 1)
    hosted.push("main", {"params.yaml": params, ".github/workflows/tune.yml": TUNE})
    hosted.github.deliver(only=())
    hosted.github.dispatch(hosted.repository, "tune.yml", trials="4", runners="2")
    runs = hosted.deliver(["tune.yml"])
    assert [run.conclusion for run in runs] == ["success", "success"], why(*runs)
    assert [name for name, job in runs[0].jobs.items() if job.conclusion == "success"] == [
        "propose",
        "measure (1)",
        "measure (2)",
        "merge",
        "next",
    ]
    assert runs[1].jobs["next"].conclusion == "skipped"
    assert runs[1].event.payload["inputs"]["commit"] == runs[0].event.sha
    assert json.loads(runs[0].artifacts["share-2"]["share-2.json"])["share"] == 2
    last = runs[1].artifacts["tuning"]

    clone = clone_of(hosted.project, tmp_path)
    (clone.root / "params.yaml").write_text(params)
    clone.commit("Search in small batches")
    clone.run("make", "tune", "TRIALS=4")
    (alone,) = (clone.root / "tuning").glob("*.journal")
    spread = tmp_path / alone.name
    spread.write_bytes(last[alone.name])
    assert read_trials(spread) == read_trials(alone)
    assert len(read_trials(spread)) == 4

    (clone.root / "tuning/params.patch").write_bytes(last["params.patch"])
    assert last["params.patch"].decode().strip() == clone.git("diff", "params.yaml").strip()
    assert re.search(r"^\+    learning_rate: 0\.\d+", runs[1].summary, re.MULTILINE)
    assert (
        f"gh run download {runs[1].id} --name tuning --dir tuning && git apply tuning/params.patch" in runs[1].summary
    )
    clone.git("checkout", "--quiet", "params.yaml")
    clone.git("apply", "tuning/params.patch")
