"""How long pull requests wait for runners: a simulated plan with the jobs of the real workflows, as measured here."""

from __future__ import annotations

import heapq
import random
import statistics
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from .options import Options
from .table import Line
from .workflows import CODE, MODEL, Hosted, Run
from .workspace import Workspace

TITLE = "Waiting for runners"
HEAD = ("what", "wait: median, 95 %", "push to last check: median, 95 %", "busy", "kept")
SEED = 2013
RUNNERS = (1, 5, 20)
PULLS, DAYS = 200, 5  # of a week; nothing arrives at the weekend
HOURS = dict(zip(range(8, 19), (1, 2, 3, 3, 2, 1, 2, 3, 3, 2, 1), strict=True))  # how much arrives in each
UPDATED = 2  # each is pushed so often: once more to bring it up to date with main, as the ruleset `main` asks
KINDS = {"a change of the model": MODEL, "a change of code": CODE}  # half of them each
REVIEW = 3600.0  # seconds, in the mean, from green checks to the next push, or to the merge
DAY = 86_400.0


@dataclass(frozen=True)
class Job:
    """A job: its seconds on a runner, and the jobs of the same push that it waits for."""

    seconds: float
    needs: tuple[str, ...] = ()


Push = dict[str, Job]  # all jobs that one push leads to


@dataclass
class _Active:
    """A push that happened: when, what follows it, and its jobs that have not ended."""

    began: float
    push: Push
    then: list[Push]
    left: dict[str, set[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Wait:
    """Seconds that the checks of a push took, and how many fewer they take where a runner is always free."""

    whole: float
    waited: float


def longest(push: Push) -> float:
    """Seconds until all jobs of a push have ended, if each finds a runner at once."""
    ends: dict[str, float] = {}
    for name, job in push.items():  # a job comes after those that it needs
        ends[name] = max((ends[need] for need in job.needs), default=0.0) + job.seconds
    return max(ends.values(), default=0.0)


def simulate(pulls: Sequence[tuple[float, Sequence[Push]]], runners: int, seed: int) -> tuple[list[Wait], float]:
    """What each push waited, and the share of the time until the last job ends for which a runner is busy.

    pulls: for each, when it is opened and its pushes; each follows the checks of the one before, after a review. Jobs
    are taken in the order in which they become ready, as GitHub does.
    """
    drawn = random.Random(seed)  # noqa: S311 - a simulation
    number = iter(range(10**9))  # of equal times, the first come goes first
    events: list[tuple[float, int, _Active, str]] = []
    for opened, pushes in pulls:
        heapq.heappush(events, (opened, next(number), _Active(opened, pushes[0], list(pushes[1:])), ""))
    ready: deque[tuple[_Active, str]] = deque()
    free, busy, now, waits = runners, 0.0, 0.0, []
    while events:
        now, _, active, ended = heapq.heappop(events)
        if ended:
            free += 1
            active.left.pop(ended)
            for needs in active.left.values():
                needs.discard(ended)
        else:
            active.left = {name: set(job.needs) for name, job in active.push.items()}
        freed = active.push if not ended else [name for name, job in active.push.items() if ended in job.needs]
        ready += [(active, name) for name in freed if name in active.left and not active.left[name]]
        if not active.left:
            waits.append(Wait(now - active.began, now - active.began - longest(active.push)))
            if active.then:
                later = now + drawn.expovariate(1 / REVIEW)
                heapq.heappush(events, (later, next(number), _Active(later, active.then[0], active.then[1:]), ""))
        while free and ready:
            taken, name = ready.popleft()
            seconds = taken.push[name].seconds
            free, busy = free - 1, busy + seconds
            heapq.heappush(events, (now + seconds, next(number), taken, name))
    return waits, busy / runners / now if now else 0.0


def plan(kinds: Sequence[Sequence[Push]], seed: int) -> list[tuple[float, Sequence[Push]]]:
    """The pull requests of a week, as many of each of these kinds, in working hours."""
    drawn = random.Random(seed)  # noqa: S311 - a simulation
    hours, weights = list(HOURS), list(HOURS.values())
    opened = sorted(
        day * DAY + (drawn.choices(hours, weights)[0] + drawn.random()) * 3600
        for day in range(DAYS)
        for _ in range(PULLS)
    )
    return [(at, drawn.choice(kinds)) for at in opened]


def jobs_of(runs: Sequence[Run]) -> Push:
    """The jobs that ran for one push; a workflow that another one starts waits for all jobs of that."""
    push: Push = {}
    before: list[str] = []
    for place, run in enumerate(runs):
        started = run.event.name in ("workflow_run", "workflow_dispatch")
        own: list[str] = []
        for job in run.jobs.values():
            if job.conclusion == "skipped":
                continue
            asked = run.workflow.jobs[job.id].get("needs", [])
            wanted = [asked] if isinstance(asked, str) else asked
            needs = [name for name in own if name.partition("/")[2].partition(" ")[0] in wanted]
            name = f"{place}:{run.file}/{job.name}"
            push[name] = Job(job.seconds, tuple(needs or (before if started else ())))
            own.append(name)
        before = own if run.file == "train.yml" else before
    return push


def bench(workspace: Workspace, _: Options) -> list[Line]:
    """The jobs of a pull request of each kind and of main, then a week of the plan with each number of runners."""
    hosted = Hosted(workspace)
    try:
        found = {what: hosted.proposed_and_merged(hosted.edit(*change)) for what, change in KINDS.items()}
    finally:
        hosted.github.stop()
    kinds = [[jobs_of(proposed), jobs_of(merged)] for proposed, merged in found.values()]
    lines = []
    for what, pushes in zip(found, kinds, strict=True):
        for where, push in zip(("the pull request", "main, once it is merged"), pushes, strict=True):
            work = sum(job.seconds for job in push.values())
            told = (f"{len(push)} jobs", f"{longest(push):.0f} s without a wait", f"{work:.0f} s of runners")
            lines.append(Line(f"{what}: {where}", cells=told))
    pulls = plan([[*[pull] * UPDATED, main] for pull, main in kinds], SEED)
    return lines + [_told(pulls, runners) for runners in RUNNERS]


def _told(pulls: Sequence[tuple[float, Sequence[Push]]], runners: int) -> Line:
    waits, busy = simulate(pulls, runners, SEED)
    waited, whole = ([getattr(one, name) for one in waits] for name in ("waited", "whole"))
    one = "runner" if runners == 1 else "runners"
    what = f"{PULLS} pull requests a day, {runners} {one}"
    return Line(what, cells=(_minutes(waited), _minutes(whole), f"{busy:.0%}"))


def _minutes(values: Sequence[float]) -> str:
    cuts = statistics.quantiles(values, n=20, method="inclusive")
    return ", ".join(_time(value) for value in (cuts[9], cuts[18]))


def _time(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds < 2 * 3600 else f"{seconds / 3600:.0f} h"
