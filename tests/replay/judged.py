"""The judged loop: the pipeline's own stages make a challenger of each month, and the gate decides what serves."""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import numpy as np
from modelyard.errors import ContractError
from modelyard.judging.gate import gate
from modelyard.judging.policy import read_policy
from modelyard.production.retrain import retrain
from modelyard.runtime.bundle import Bundle, read_bundle
from modelyard.runtime.matrix import Columns
from modelyard.training.bundle import bundle
from modelyard.training.edit import edit_yaml
from modelyard.training.evaluate import evaluate
from modelyard.training.ingest import ingest
from modelyard.training.settings import read_contract, read_params
from modelyard.training.train import train
from numpy.typing import NDArray
from pyarrow.parquet import write_table
from threadpoolctl import threadpool_limits

from .datasets import DataSet
from .years import Year

SOURCE = Path("source")


@dataclass(frozen=True)
class Terms:
    """How a loop judges, as its project's files say it; what is not said here is as it is generated.

    check: whether a month is looked at before anything is trained on it. repaired: whether somebody then has the source
    corrected, so that the month after finds the rows as they are; else nobody ever answers.
    """

    params: Mapping[str, object] = field(default_factory=dict)
    policy: Mapping[str, object] = field(default_factory=dict)
    check: bool = True
    repaired: bool = True


@dataclass(frozen=True)
class Ended:
    """What a month's end led to, and the bundle that serves then."""

    event: str
    serving: Path


# What a loop needs beside what is generated, see docs/replay.md: a short holdout, because what is held out is not
# learned, and no floors, because what is good enough for a month is not reached in each single week
SHORT = {"split": {"holdout": "7d", "validation": "1d"}}
LOOSE = {"floors": {}}

LOOPS = {
    "judged": ("judged", Terms(SHORT, LOOSE)),
    "standing": ("judged, nobody repairs", Terms(SHORT, LOOSE, repaired=False)),
    "gate": ("gate without the check", Terms(SHORT, LOOSE, check=False)),
    "generated": ("judged, as generated", Terms()),
}


def loops(
    data: DataSet, year: Year, folder: Path, before: Mapping[str, Judged], only: Collection[str] | None = None
) -> dict[str, Judged]:
    """A loop on each of these terms, or only on some, by its name.

    before: those of a year that is alike until the broken month.
    """
    return {
        name: Judged(title, data, year, folder / year.name / name, terms, before.get(name, before.get("judged")))
        for name, (title, terms) in LOOPS.items()
        if (not only or name in only) and (year.spoil or terms.repaired)  # without a fault there is nothing to repair
    }


class Judged:
    """One project that gets a month after the other.

    folder: where it is made. before: a loop with the same params and policy in a year that is alike until the broken
    month, whose course until then is taken over.
    """

    def __init__(
        self,
        title: str,
        data: DataSet,
        year: Year,
        folder: Path,
        terms: Terms,
        before: Judged | None = None,
    ) -> None:
        self.title = title
        self._data, self._year, self._folder, self._terms = data, year, folder, terms
        self._stopped: list[str] = []
        self._ended: dict[str, Ended] = {}
        self._root = folder / "project"
        if before is None:
            shutil.copytree(data.root, self._root)
            self._begin()
        else:
            shutil.copytree(before.folder_before_the_fault, self._root)
            self._ended = {month: ended for month, ended in before._ended.items() if month < data.broken}
        self._serve(self._ended[data.first].serving)

    @property
    def folder_before_the_fault(self) -> Path:
        """The project as it was when the broken month began."""
        return self._folder / "before"

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self._root

    @property
    def serving(self) -> Path:
        """The folder of the bundle that serves."""
        return self._serving

    def serving_after(self, month: str) -> Path:
        """The folder of the bundle that serves when that month is over."""
        return self._ended[month].serving

    def answer(self, columns: Columns) -> NDArray[np.float64]:
        """What the bundle that serves answers."""
        with threadpool_limits(1):
            return self._predict(columns)

    def month_ended(self, month: str) -> str:
        """Take the month in, make a challenger, and let it serve if the gate says so."""
        if month not in self._ended:
            self._ended[month] = self._judged(month)
            self._keep(month)
        self._serve(self._ended[month].serving)
        return self._ended[month].event

    def _begin(self) -> None:
        with self._inside():
            source = {"kind": "files", "path": f"{SOURCE}/*.parquet"}
            edit_yaml(Path("params.yaml"), {"source": source, **self._terms.params})
            # a busy machine is no property of a model, and would give other figures
            edit_yaml(Path("policy.yaml"), {"limits": {"latency_ms": None}, **self._terms.policy})
            SOURCE.mkdir()
            for month in self._data.truth:
                if month <= self._data.first:
                    self._arrive(month)
            edit_yaml(Path("params.yaml"), {"watermark": self._data.first})
            self._ended[self._data.first] = Ended("", self._make(self._data.first).folder)
            self._keep(self._data.first)

    def _arrive(self, month: str) -> None:
        write_table(self._year.delivered(self._data, month), SOURCE / f"{month}.parquet")

    def _judged(self, month: str) -> Ended:
        serving = list(self._ended.values())[-1].serving
        with self._inside():
            if self._terms.repaired:
                while self._stopped:
                    repaired = self._stopped.pop()
                    write_table(self._data.truth[repaired], SOURCE / f"{repaired}.parquet")
            self._arrive(month)
            if odd := self._take(month):
                self._stopped.append(month)
                return Ended(f"stopped: {'; '.join(odd)}", serving)
            try:
                challenger = self._make(month)
            except ContractError as error:
                return Ended(f"no challenger: {error}", serving)
            verdict = gate(self._data.project, read_bundle(serving), challenger, read_policy())
        if verdict.exit:
            return Ended(f"{verdict.verdict}: {verdict.reason}", serving)
        return Ended("promoted", challenger.folder)

    def _take(self, month: str) -> list[str]:
        """Move the watermark as `make retrain` does when all labels are there; what is implausible, if anything is."""
        params = read_params()
        if not self._terms.check:
            edit_yaml(Path("params.yaml"), {"watermark": month})
            return []
        policy, end = read_policy(), (params.start(month) + 1).astype("datetime64[D]")
        today = end.item() + timedelta(days=policy.monitor.maturity_days)
        found = retrain(Path(), read_contract(), params, policy, today, "data", None)
        return [one["summary"] for one in found["implausible"]]

    def _make(self, month: str) -> Bundle:
        """The challenger of all stages, kept under the name of the month that is over."""
        contract, params = read_contract(), read_params()
        ingest(Path(), contract, params)
        for stage in (train, evaluate, bundle):
            stage(self._data.project, Path(), contract, params)
        made = self._folder / "bundles" / month
        shutil.copytree("bundle", made)
        return read_bundle(made)

    def _keep(self, month: str) -> None:
        """Keep the project as it is if the next month is the broken one."""
        months = list(self._data.truth)
        if months[months.index(month) + 1 :][:1] == [self._data.broken]:
            shutil.copytree(self._root, self.folder_before_the_fault)

    def _serve(self, folder: Path) -> None:
        self._serving = folder
        self._predict = self._data.project.predictor(folder).model.predict

    @contextlib.contextmanager
    def _inside(self) -> Iterator[None]:
        """In the project's folder, without what the stages print."""
        with contextlib.chdir(self._root), contextlib.redirect_stdout(io.StringIO()), threadpool_limits(1):
            yield
