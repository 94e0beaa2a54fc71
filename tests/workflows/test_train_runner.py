"""Where training runs: the real `runs-on` of the jobs that train, by act, without what these jobs do."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from projects import ROOT

from .local import GitHub
from .local.documents import Workflow

FOLDER = ROOT / "{{cookiecutter.project}}/.github/workflows"
TRAINS = re.compile(r"make (ingest )?(pipeline|prove|tune)\b")
OWN = ["self-hosted", "gpu"]
HOSTED = ["ubuntu-24.04"]


def training() -> dict[str, tuple[Workflow, Mapping[str, Any]]]:
    """Each job that trains or tunes, and its workflow, by a name that says which it is."""
    found = {}
    for path in sorted(FOLDER.glob("*.yml")):
        workflow = Workflow.read(path.name, path.read_text())
        for name, job in workflow.jobs.items():
            steps = " ".join(str(step.get("run", "")) for step in job.get("steps", ()))
            if TRAINS.search(steps) and (path.name, name) != ("tune.yml", "propose"):  # that one fits nothing
                found[f"{path.stem}-{name}"] = (workflow, job)
    return found


def runs_for_pulls(workflow: Workflow, job: Mapping[str, Any]) -> bool:
    """Whether a pull request starts a job."""
    return "pull_request" in workflow.on and "github.event_name == 'push'" not in job.get("if", "")


def test_training_runs_where_the_variable_says_but_for_a_fork(github: GitHub) -> None:
    jobs = training()
    assert {"ci-package", "train-train", "train-prove", "release-prove", "retrain-retrain", "tune-measure"} <= set(jobs)
    of_pulls = {"ci-package", "train-train"}
    assert of_pulls == {name for name, (workflow, job) in jobs.items() if runs_for_pulls(workflow, job)}
    document = {
        "on": ["push", "pull_request", "merge_group"],
        "jobs": {name: {"runs-on": job["runs-on"], "steps": [{"run": "true"}]} for name, (_, job) in jobs.items()},
    }
    repository = github.create("octo/flight-delays")
    github.push(repository, "main", {".github/workflows/trains.yml": json.dumps(document)})
    (pushed,) = github.deliver()
    assert {name: job.asked for name, job in pushed.jobs.items()} == dict.fromkeys(jobs, HOSTED)

    github.shelf(repository).machines["gpu-1"] = ["gpu"]
    github.variables["TRAIN_RUNNER"] = json.dumps(OWN)
    github.push(repository, "more", {"params.yaml": "seed: 1\n"})
    github.deliver(only=())
    pull = github.open_pull_request(repository, "more")
    (own,) = github.deliver()
    assert {name: job.asked for name, job in own.jobs.items()} == dict.fromkeys(jobs, OWN)
    github.enqueue(pull)
    (queued,) = github.deliver()
    assert queued.event.name == "merge_group"
    assert {name: job.asked for name, job in queued.jobs.items()} == dict.fromkeys(jobs, OWN)

    fork = github.create("stranger/flight-delays", fork_of="octo/flight-delays")
    github.push(fork, "gift", {"params.yaml": "seed: 2\n"})
    github.deliver(only=())
    github.open_pull_request(repository, "gift", fork=fork)
    (run,) = github.deliver()
    assert run.event.fork
    assert {name: run.jobs[name].asked for name in of_pulls} == dict.fromkeys(of_pulls, HOSTED)
