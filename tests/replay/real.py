"""The judged loop on its real parts: service, shipper, store, monitor, workflows, pull requests, releases.

What a month leads to is what a repository on GitHub would see: the service of the released bundle answers the month's
rows at the time of the month, its log is shipped, labels come when the month is over, monitor.yml finds what it finds
and starts retrain.yml, and a pull request that may merge is merged and released. In the project's own files one thing
is changed for it: the Makefile gives `labels`, `monitor` and `retrain` the day of the replay in place of today.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
from modelyard.production.known import DIGITS
from modelyard.runtime.bundle import read_bundle
from modelyard.training.edit import edit_yaml
from modelyard.training.settings import read_params
from pyarrow.parquet import write_table
from workflows.hosted import Hosted, tagged, why
from workflows.local import GitHub, PullRequest, Run

from projects import Project, generate, run

from .answers import Answers
from .clock import Service, serve
from .datasets import DataSet
from .judged import Terms

LOOP = ("monitor.yml", "retrain.yml", "train.yml", "report.yml")
RELEASED = ("start", "check", "prove")  # jobs of release.yml; what they keep is what its other jobs package and publish
DAY = "REPLAY_DAY"
ROWS = 500  # in one request


@dataclass(frozen=True)
class RealMonth:
    """What a month led to.

    rows: answered and labelled. loss: of these answers. windows: weeks of a version whose performance the monitor
    states, each of which a recount confirms. pull: the number of the pull request that was open at the end.
    """

    version: str
    rows: int
    loss: float
    coverage: float
    windows: int
    alarms: tuple[str, ...]
    cause: str
    pull: int | None
    event: str


class RealLoop:
    """One repository on a local GitHub that gets a month after the other. folder: where all of it is."""

    def __init__(self, data: DataSet, folder: Path, terms: Terms) -> None:
        self._data, self._folder, self._terms = data, folder, terms
        self._source, self._store, self._labels = (folder / name for name in ("source", "store", "labels"))
        self._source.mkdir(parents=True)
        self._labels.mkdir()
        self._project, _ = generate(folder / "project", {"project": data.root.name, **self._answers()})
        self._package = self._project.package.name
        self._version, self._bundle = "v1.0.0", self._project.root / "bundle"
        self.answers = Answers(data)
        self.github = GitHub(folder / "github")
        self._hosted = self._begun()

    def month(self, month: str, is_last: bool = False) -> RealMonth:
        """Serve a month, and let happen what follows from it. is_last: no model is made for a month after it."""
        version = self._version
        self._served(month)
        self._labels_come(month)
        if not is_last:
            self._arrives(month)
        runs = self._run(month, {"monitor.yml"} if is_last else LOOP)
        figures = json.loads(_artifact(runs[0], "monitoring")["monitor.json"])
        entries = [one for one in figures["windows"] if one["performance"] and self.answers.of_month(month, one)]
        for entry in entries:
            self.answers.check(entry)
        pull, event = None, ""
        if not is_last:
            pull = next((one for one in self.github.pulls(self._hosted.repository) if one.state == "open"), None)
            event = self._judged(month, pull, runs)
        return RealMonth(
            version=version,
            rows=self.answers.count(month),
            loss=self.answers.loss(month),
            coverage=round(sum(one["labelled"] for one in entries) / sum(one["rows"] for one in entries), 4),
            windows=len(entries),
            alarms=tuple(alarm["key"] for alarm in figures["alarms"]),
            cause=_cause(pull),
            pull=pull.number if pull else None,
            event=event,
        )

    def close(self) -> None:
        """End the local GitHub; raises if it failed at something."""
        self.github.stop()

    def _answers(self) -> dict[str, str]:
        return {"task": "regression" if self._data.contract.kind == "regression" else "classification"}

    def _begun(self) -> Hosted:
        """The repository after its first push, with the model of the first months released."""
        root = self._project.root
        for name in ("contract.yaml", "params.yaml"):
            shutil.copyfile(self._data.root / name, root / name)
        for month in self._data.truth:
            if month <= self._data.first:
                self._arrives(month)
        source = {"kind": "files", "path": f"{self._source}/*.parquet"}
        edit_yaml(root / "params.yaml", {"source": source, "watermark": self._data.first, **self._terms.params})
        watched = {"store": str(self._store), "labels": f"{self._labels}/*.parquet"}
        limits = {"latency_ms": None}  # a busy machine is no property of a model, and would give other figures
        edit_yaml(root / "policy.yaml", {"monitor": watched, "limits": limits, **self._terms.policy})
        _tell_the_day(root / "Makefile")
        self._project.run("make", "pipeline", env={DAY: ""})
        self._project.commit("Take the first months")
        # jobs run one after the other, so they and the service share one environment
        self.github.env["LOCAL_GITHUB_ENVIRONMENT"] = str(root / ".venv")
        repository = self.github.create(f"octo/{root.name}")
        self.github.shelf(repository).settings["workflow"] = {"can_approve_pull_request_reviews": True}
        self.github.push(repository, "main", root)
        (first,) = self.github.deliver(only={"train.yml"})
        assert first.conclusion == "success", why(first)
        self._bundle = shutil.copytree(root / "bundle", self._folder / "released" / self._version)
        return Hosted(self.github, repository, self._project)

    def _arrives(self, month: str) -> None:
        write_table(self._data.truth[month], self._source / f"{month}.parquet")

    def _served(self, month: str) -> None:
        """Let the service answer all rows of a month, each on its day, and its log be shipped."""
        python, folder = self._project.root / ".venv/bin/python", self._folder / "served" / month
        command = [python, "-m", self._package]
        bundle = read_bundle(self._bundle).digest[:DIGITS]
        with serve(command, self._project.root, self._bundle, folder) as service:
            for day, rows in _by_day(self._data.truth[month], self._data):
                service.at(datetime.fromisoformat(f"{day}T12:00:00"))
                self.answers.keep(month, bundle, day, rows, self._asked(service, rows))
        log = ["--folder", folder / "log", "--store", self._store, "--host-name", f"replay-{month}", "--once"]
        self._project.run(*command, "ship", *log)

    def _asked(self, service: Service, rows: pa.Table) -> list[float]:
        contract = self._data.contract
        sent = rows.select([*contract.named("id"), *contract.inputs]).to_pylist()
        if contract.time:
            sent = [row | {contract.time: row[contract.time].isoformat()} for row in sent]
        return [score for start in range(0, len(sent), ROWS) for score in service.ask(sent[start : start + ROWS])]

    def _labels_come(self, month: str) -> None:
        contract = self._data.contract
        known = self._data.truth[month].select([*contract.named("id"), contract.target])
        write_table(known.drop_null(), self._labels / f"{month}.parquet")

    def _run(self, month: str, files: Collection[str]) -> list[Run]:
        """What the schedule of monitor.yml leads to on the day on which the last labels of a month are there."""
        after = (read_params(self._project.root / "params.yaml").start(month) + 1).astype("datetime64[D]").item()
        day = after + timedelta(days=8)
        self.github.schedule(self._hosted.repository, "monitor.yml", "23 5 * * *")
        runs = self.github.deliver(only=set(files), env={DAY: day.isoformat()})
        assert runs[0].conclusion == "success", why(*runs)
        return runs

    def _judged(self, month: str, pull: PullRequest | None, runs: list[Run]) -> str:
        """Merge and release what the gate lets pass; what happened, in the words of the loop in process.

        Raises AssertionError if something else than the gate or the check of the data stopped the month.
        """
        retrained, trained = _last(runs, "retrain.yml"), _last(runs, "train.yml")
        assert retrained, why(*runs)
        odd = json.loads(_artifact(retrained, "retraining")["retrain.json"])["implausible"]
        if odd:
            return f"stopped: {'; '.join(one['summary'] for one in odd)}"
        assert pull, why(*runs)
        assert trained, why(*runs)
        verdict = json.loads(_artifact(trained, "report")["verdict.json"])
        may_merge = pull.mergeable_by_checks(["model"])
        assert may_merge is (verdict["verdict"] == "ships"), why(*runs)
        if not may_merge:
            return f"{verdict['verdict']}: {verdict['reason']}"
        self.github.merge(pull)
        for done in self.github.deliver(only={"train.yml"}):
            assert done.conclusion == "success", why(done)
        self._release(month)
        return "promoted"

    def _release(self, month: str) -> None:
        """Tag main; the bundle that release.yml proves and judges serves from now on."""
        self._version = f"v1.{int(self._version.split('.')[1]) + 1}.0"
        clone = Project(self._folder / "clones" / month / self._project.root.name)
        clone.root.parent.mkdir(parents=True)
        run(["git", "clone", "--quiet", self._hosted.repository.path, clone.root], self._folder)
        tagged(self._hosted, clone, self._version)
        _, done = self.github.deliver(only={"release.yml"}, jobs=set(RELEASED))
        assert done.conclusion == "success", why(done)
        self._bundle = self._folder / "released" / self._version
        for name, content in _artifact(done, "bundle").items():
            path = self._bundle / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _tell_the_day(makefile: Path) -> None:
    """Let what asks for the day be told that of the replay."""
    text = makefile.read_text(encoding="utf-8")
    for verb in ("labels", "monitor", "retrain"):
        assert text.count(f"$(YARD_ARGS) {verb}") == 1
        text = text.replace(f"$(YARD_ARGS) {verb}", f'$(YARD_ARGS) {verb} --until "${DAY}"'.replace("$R", "$$R"))
    makefile.write_text(text, encoding="utf-8")


def _by_day(table: pa.Table, data: DataSet) -> Iterator[tuple[str, pa.Table]]:
    times = table[data.contract.time].to_numpy().astype("datetime64[D]").astype(str)
    for day in sorted(set(times)):
        yield day, table.filter(pa.array(times == day))


def _artifact(done: Run, name: str) -> Mapping[str, bytes]:
    """The files of an artifact by their names in its folder."""
    assert name in done.artifacts, why(done)
    return {path.removeprefix(f"{name}/").removeprefix("reports/"): text for path, text in done.artifacts[name].items()}


def _last(runs: list[Run], file: str) -> Run | None:
    """The last run of a workflow."""
    return next((one for one in reversed(runs) if one.file == file), None)


def _cause(pull: PullRequest | None) -> str:
    return pull.title.removeprefix("Retrain because of ").partition(":")[0] if pull else ""


def real_year(data: DataSet, folder: Path, terms: Terms) -> Iterator[tuple[str, RealMonth]]:
    """Each month after those of the first model, as it ends."""
    with contextlib.closing(RealLoop(data, folder, terms)) as loop:
        for month in data.served:
            yield month, loop.month(month, is_last=month == data.served[-1])
