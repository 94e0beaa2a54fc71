"""What act's log says about the jobs and steps of a run."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from . import expressions
from .runs import Job, Run

if TYPE_CHECKING:
    from .documents import Workflow

FIRST = "local-github"


def read(run: Run, text: str, only: Collection[str]) -> None:
    """Fill in a run's jobs, summary, log and conclusion; jobs that the log does not name were skipped."""
    plain = re.sub(r"\\u001b\[[0-9;]*m", "", text)
    entries = [json.loads(line) for line in plain.splitlines() if line.startswith("{")]
    run.summary = "\n".join(entry["content"] for entry in _summaries(entries))
    found: dict[str, Job] = {}
    began: dict[str, datetime] = {}
    names: dict[tuple[str, ...], str] = {}
    for entry in entries:
        if "jobID" in entry:
            job = found.setdefault(entry["job"].strip(), Job(entry["jobID"], _name(run, entry)))
            _add(job, entry, names)
            told = datetime.fromisoformat(entry["time"])
            job.seconds = (told - began.setdefault(job.name, told)).total_seconds()
    for job in found.values():
        run.jobs[job.name] = job
    _add_skipped(run, run.workflow, only)
    run.log = "".join(f"# {job.name}\n{job.log}" for job in run.jobs.values())
    ended = {job.conclusion for job in run.jobs.values() if not _may_fail(run, job)}
    run.conclusion = "failure" if "failure" in ended else "success" if "success" in ended else "skipped"


def _add(job: Job, entry: Mapping[str, Any], names: dict[tuple[str, ...], str]) -> None:
    if entry.get("raw_output") or entry.get("level") == "error" or entry["msg"].lstrip().startswith(("❗", "🚧")):
        job.log += entry["msg"].rstrip("\n") + "\n"
    if "jobResult" in entry:
        job.conclusion = entry["jobResult"]
    ids, stage = entry.get("stepID"), entry.get("stage")
    if not ids or ids[0] == FIRST or stage == "Pre":
        return
    key = (job.name, str(stage), *ids)
    started = f"⭐ Run {stage} "
    if entry["msg"].startswith(started):
        outer = "".join(f"{names[part]} / " for part in [key[:3]] if len(ids) > 1 and part in names)
        own = entry["msg"].removeprefix(started).strip().splitlines()[0]
        names[key] = outer + ("Post " if stage == "Post" and not outer else "") + own
        job.log += f"## {names[key]}\n"
    if entry["msg"].startswith("Failed but continue"):
        job.steps[names[key]] = "success"
    if "stepResult" in entry and key in names:
        job.outcomes[names[key]] = entry["stepResult"]
        job.steps.setdefault(names[key], entry["stepResult"])


def _name(run: Run, entry: Mapping[str, Any]) -> str:
    """The name of a job as its check has it."""
    full, own = entry["job"].strip(), f"{run.workflow.name}/"
    matrix = entry.get("matrix") or {}
    if not full.startswith(own):
        # a called workflow's: "caller/file/name"
        parts = full.split("/")
        return f"{parts[0]} / {parts[-1]}"
    asked = str(run.workflow.jobs[entry["jobID"]].get("name", entry["jobID"]))
    name = expressions.fill(asked, {**run.contexts, "matrix": matrix})
    values = ", ".join(str(value) for value in matrix.values())
    return f"{name} ({values})" if matrix and "matrix." not in asked else name


def _add_skipped(run: Run, workflow: Workflow, only: Collection[str]) -> None:
    there = {job.id for job in run.jobs.values()} | {name.partition(" / ")[0] for name in run.jobs}
    for identity, about in workflow.jobs.items():
        if identity in there:
            _add_skipped_steps(run, identity, about)
        elif identity in only:
            name = expressions.fill(about.get("name", identity), run.contexts)
            run.jobs[name] = Job(identity, name)


def _add_skipped_steps(run: Run, identity: str, about: Mapping[str, Any]) -> None:
    for job in run.jobs.values():
        if job.id == identity:
            for step in about.get("steps", ()):
                name = str(step.get("name") or step.get("run") or step.get("uses")).strip().splitlines()[0]
                if "${{" not in name:
                    job.steps.setdefault(name, "skipped")


def _may_fail(run: Run, job: Job) -> bool:
    return bool(run.workflow.jobs.get(job.id, {}).get("continue-on-error"))


def _summaries(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What steps wrote as summary; a composite action says again what its last step wrote."""
    outer = {(entry["job"], *entry["stepID"][:-1]) for entry in entries if len(entry.get("stepID", ())) > 1}
    found = [entry for entry in entries if entry.get("command") == "summary"]
    return [entry for entry in found if (entry["job"], *entry["stepID"]) not in outer]
