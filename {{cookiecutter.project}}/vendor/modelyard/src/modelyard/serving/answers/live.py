"""A model in service: who answers for it, how its bodies are read, and what is noted of each answer."""

from __future__ import annotations

import hashlib
import json
import math
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from ...runtime.contract import Contract
from ..config import Config
from ..forms.forms import Asked, Forms
from .gathered import Gathered
from ..log.log_lines import Entry, Source, masked
from ..log.metrics import SECONDS, Histogram, Metrics
from ..log.prediction_log import PredictionLog
from .shadowed import Shadowed
from .variants import Answered, Served

PROBABILITIES = tuple(round(0.05 * step, 2) for step in range(1, 20))
STEPS = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)  # of a decade


class Done(NamedTuple):
    """What was asked and answered: one part for each bundle that answered. seconds: the time in the models."""

    asked: Asked
    table: NDArray[np.float64]
    parts: Sequence[Answered]
    seconds: float

    def in_order(self, decisions: Sequence[Sequence[Any]]) -> tuple[list[Any], Sequence[Any], list[str] | None]:
        """Scores, decisions and, where more than one answered, bundles, in the order of the request's rows."""
        if len(self.parts) == 1:
            return self.parts[0].scores.tolist(), decisions[0], None
        found: list[tuple[Any, Any, str]] = [(None, None, "")] * self.asked.count
        for part, decided in zip(self.parts, decisions, strict=True):
            places = [] if part.rows is None else part.rows.tolist()
            for place, score, it in zip(places, part.scores.tolist(), decided, strict=True):
                found[place] = (score, it, part.bundle)
        scores, ordered, bundles = zip(*found, strict=True)
        return list(scores), ordered, list(bundles)

    def by_models(self) -> NDArray[np.float64]:
        """The scores in the order of the rows, NaN where another than a model gave them; shape (n,) or (n, classes)."""
        found = np.full((self.asked.count, *self.parts[0].scores.shape[1:]), np.nan)
        for part in self.parts:
            if part.by != "baseline":
                found[slice(None) if part.rows is None else part.rows] = part.scores
        return found


class Prediction(msgspec.Struct, omit_defaults=True, gc=False):
    """The answer to one row; `bundle` says by which one, where not all rows were answered by the same."""

    prediction: Any
    decision: Any
    bundle: str | None = None


class Live:
    """One model of `serving.json`.

    `forms` is for the event loop and `forms_apart` for the one thread that takes large bodies: a reader writes single
    rows into arrays of its own.

    Raises ContractError as `Served` does.
    """

    def __init__(self, name: str, config: Config, metrics: Metrics, log: PredictionLog | None) -> None:
        self.name, self.variant = name, config.variant
        self.served = Served.from_config(name, config.models[name], config.deadline_ms)
        self.contract: Contract = self.served.contract
        self.folder = Path(self.served.first.folder)
        self.forms = Forms(self.contract, config.rows)
        self.forms_apart = Forms(self.contract, config.rows)
        digest = hashlib.sha256(self.contract.to_json().encode()).hexdigest()
        self._source = Source(name, digest, config.variant, masked(self.contract))
        self._metrics, self._log = metrics, log
        self._labels = {"model": name, "variant": config.variant}
        self._seconds = metrics.histogram("prediction_seconds", SECONDS, **self._labels)
        self._answered: dict[str, Callable[[float], None]] = {}
        self._scores: dict[str, Histogram] = {}
        self._bounds = score_bounds(self.contract, self.folder)
        shadow = self.served.shadow
        self._shadowed = Shadowed(shadow, self._source, metrics, log, self._bounds) if shadow else None
        split = self.served.split
        self.key_header = split.header if split else None
        self._key_column = split.column if split else None
        self._gathered = Gathered(self.served)

    def answer(self, asked: Asked, key: bytes | None) -> Done:
        """The answer to what was asked. key: of the split, where that is a header's value."""
        started = time.perf_counter()
        table = self.served.table(asked.columns)
        parts: Sequence[Answered]
        if self._key_column is None:
            parts = (self.served.answer(table, key),)
        else:
            parts = self.served.answer_each(table, asked.values(self._key_column))
        return Done(asked, table, parts, time.perf_counter() - started)

    async def answer_among(self, asked: Asked) -> Done:
        """The answer to one row, given together with those of other requests; only where there is no split."""
        table = self.served.table(asked.columns)
        answered, seconds = await self._gathered.answer(table)
        return Done(asked, table, (answered,), seconds)

    def note(self, done: Done, decisions: Sequence[Sequence[Any]], request: str, started: float) -> None:
        """Count and log the answers. started: when the request came, by `perf_counter`."""
        self._seconds.add(done.seconds)
        for part, decided in zip(done.parts, decisions, strict=True):
            self._count(part)
            if self._log is not None:
                self._log.write(self._entry(done, part, decided, request, started, part.by))
        if self._shadowed is not None:
            self._shadowed.ask(done.table, done.by_models(), done.asked.inputs, request)

    def info(self, there: bool) -> None:
        """Say in the metrics which bundle answers, or that it does no more."""
        labels = {"model": self.name, "bundle": self.served.bundle, "variant": self.variant}
        self._metrics.level("model_info", **labels)(float(there))

    def _count(self, part: Answered) -> None:
        count = self._answered.get(part.by)
        if count is None:
            count = self._metrics.counter("predictions_total", **self._labels, answered_by=part.by)
            self._answered[part.by] = count
        count(len(part.scores))
        histogram = self._scores.get(part.bundle)
        if histogram is None:
            histogram = self._metrics.histogram("prediction_score", self._bounds, **self._labels, bundle=part.bundle)
            self._scores[part.bundle] = histogram
        if part.scores.shape == (1,):
            histogram.add(part.scores.item())
        elif len(part.scores):
            histogram.add_all(part.scores if part.scores.ndim == 1 else part.scores.max(axis=1))

    def _entry(
        self, done: Done, part: Answered, decided: Sequence[Any], request: str, started: float, by: str
    ) -> Entry:
        return Entry(
            self._source,
            request,
            time.time(),
            part.bundle,
            by,
            done.asked.inputs,
            part.scores,
            decided,
            (time.perf_counter() - started) * 1e3,
            part.rows,
        )


def score_bounds(contract: Contract, folder: Path) -> Sequence[float]:
    """The upper bounds of the buckets for scores, the same for any two bundles that answer in the same order of size.

    Probabilities: 20 even ones between 0 and 1. Numbers: six to a decade, below and above 0, from a thousandth of the
    decade of the largest answer in the bundle's probe.
    """
    if contract.kind != "regression":
        return PROBABILITIES
    answers = json.loads((folder / "probe.json").read_text(encoding="utf-8"))["answers"]
    largest = max([abs(answer) for answer in answers], default=0.0) or 1.0
    top = math.floor(math.log10(largest))
    sizes = [float(f"{step * 10.0**decade:.3g}") for decade in range(top - 2, top + 2) for step in STEPS]
    sizes = sizes[: bisect_left(sizes, 10.0 ** (top + 1)) + 1]
    return [-size for size in reversed(sizes)] + [0.0, *sizes]


def answer_json(live: Live, done: Done, decisions: Sequence[Sequence[Any]]) -> bytes:
    """The answer to POST /predict, in the form of the question: rows, or columns for columns."""
    first = done.parts[0]
    head: dict[str, Any] = {
        "model": live.name,
        "bundle": first.bundle if len(done.parts) == 1 else None,
        "variant": live.variant,
        "fallback": fallback(done.parts),
    }
    scores, decided, bundles = done.in_order(decisions)
    if done.asked.form == "columns":
        head["columns"] = {"prediction": scores, "decision": decided}
        if bundles:
            head["columns"]["bundle"] = bundles
    else:
        head["predictions"] = list(map(Prediction, scores, decided, bundles or repeat(None)))
    return msgspec.json.encode(head)


def fallback(parts: Sequence[Answered]) -> str | None:
    """Who stood in for the model in any row, or None."""
    for part in parts:
        if part.by != "model":
            return part.by
    return None
