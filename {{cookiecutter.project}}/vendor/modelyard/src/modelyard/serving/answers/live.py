"""A model in service: what answers for it, how its bodies are read, and what is recorded of each answer."""

from __future__ import annotations

import hashlib
import json
import math
import re
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...runtime.contract import Contract
from ...runtime.project import Project
from ..config import Config
from ..forms.forms import Forms, ParsedRows
from ..log.log_lines import Asked, LogEntry, LoggedModel, masked
from ..log.metrics import SECONDS, Histogram, Metrics
from ..log.prediction_log import PredictionLog
from .gathered import Gathered
from .looked_up import LookedUp
from .shadowed import Shadowed
from .variants import Answered, Served

PROBABILITIES = tuple(round(0.05 * step, 2) for step in range(1, 20))
STEPS = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)  # of a decade


class AnsweredRequest(NamedTuple):
    """The rows and answers of a request: one part for each bundle that answered. seconds: the time in the models."""

    body: ParsedRows
    table: NDArray[np.float64]
    parts: Sequence[Answered]
    seconds: float

    def in_order(self, decisions: Sequence[Sequence[Any]]) -> tuple[list[Any], Sequence[Any], list[str] | None]:
        """Scores, decisions and, if several bundles answered, bundles, in the order of the request's rows."""
        if len(self.parts) == 1:
            return self.parts[0].scores.tolist(), decisions[0], None
        ordered: list[tuple[Any, Any, str]] = [(None, None, "")] * self.body.count
        for part, decided in zip(self.parts, decisions, strict=True):
            places = [] if part.rows is None else part.rows.tolist()
            for place, score, decision in zip(places, part.scores.tolist(), decided, strict=True):
                ordered[place] = (score, decision, part.bundle)
        scores, decided_in_order, bundles = zip(*ordered, strict=True)
        return list(scores), decided_in_order, list(bundles)

    def by_models(self) -> NDArray[np.float64]:
        """The scores in the order of the rows, NaN for rows that the baseline answered; shape (n,) or (n, classes)."""
        scores = np.full((self.body.count, *self.parts[0].scores.shape[1:]), np.nan)
        for part in self.parts:
            if part.by != "baseline":
                scores[slice(None) if part.rows is None else part.rows] = part.scores
        return scores


class Live:
    """One model of `serving.json`.

    `forms` is for the event loop and `forms_apart` for the thread that reads large bodies, because a reader of bodies
    reuses its arrays for single rows and is not thread-safe.

    Raises ContractError as `Served` does.
    """

    def __init__(
        self, project: Project, name: str, config: Config, metrics: Metrics, log: PredictionLog | None
    ) -> None:
        self.name, self.variant = name, config.variant
        self.served = Served(project, name, config.models[name], config.deadline_ms)
        self.contract: Contract = self.served.contract
        self.folder = self.served.first.folder
        self.forms = Forms(self.contract, config.rows)
        self.forms_apart = Forms(self.contract, config.rows)
        digest = hashlib.sha256(self.contract.to_json().encode()).hexdigest()
        self._source = LoggedModel(name, digest, config.variant, masked(self.contract))
        self._metrics, self.log = metrics, log
        self._labels = {"model": name, "variant": config.variant}
        self._seconds = metrics.histogram("prediction_duration_seconds", SECONDS, **self._labels)
        self._others = [
            (name, len(column.values or []), metrics.counter("other_values_total", **self._labels, column=name))
            for name, column in self.contract.inputs.items()
            if column.other
        ]
        self._answered: dict[str, Callable[[float], None]] = {}
        self._scores: dict[str, Histogram] = {}
        self._bounds = score_bounds(self.contract, self.folder)
        shadow = self.served.shadow
        self._shadowed = Shadowed(shadow, self._source, metrics, log, self._bounds) if shadow else None
        split = self.served.split
        self.key_header = split.header if split else None
        self._key_column = split.column if split else None
        self._gathered = Gathered(self.served)
        online = config.models[name].online
        self._looked_up = LookedUp(online, self.contract, metrics, **self._labels) if online else None

    def answer(self, body: ParsedRows, key: bytes | None) -> AnsweredRequest:
        """The answer to a request's rows. key: the key of the traffic split if it comes from a header."""
        started = time.perf_counter()
        table = self._table(body)
        parts: Sequence[Answered]
        if self._key_column is None:
            parts = (self.served.answer(table, key),)
        else:
            parts = self.served.answer_each(table, body.values(self._key_column))
        return AnsweredRequest(body, table, parts, time.perf_counter() - started)

    def _table(self, body: ParsedRows) -> NDArray[np.float64]:
        if self._looked_up is not None:
            self._looked_up.fill(body)
        for name, other, count in self._others:
            if found := np.count_nonzero(body.columns[name] == other):
                count(float(found))
        return self.served.table(body.columns)

    async def answer_among(self, body: ParsedRows) -> AnsweredRequest:
        """The answer to one row, computed together with those of other requests; only for a model without a split."""
        table = self._table(body)
        answered, seconds = await self._gathered.answer(table)
        return AnsweredRequest(body, table, (answered,), seconds)

    def note(
        self, answered: AnsweredRequest, decisions: Sequence[Sequence[Any]], request: Asked, started: float
    ) -> list[LogEntry]:
        """Count and log the answers; return what the log has no room for yet, to be written with `PredictionLog.put`.

        started: when the request had arrived, by `perf_counter`.
        """
        self._seconds.add(answered.seconds)
        remaining = []
        for part, decided in zip(answered.parts, decisions, strict=True):
            self._count(part)
            if self.log is not None:
                entry = self._entry(answered, part, decided, request, started, part.by)
                if not self.log.offer(entry):
                    remaining.append(entry)
        if self._shadowed is not None:
            body = answered.body
            self._shadowed.ask(answered.table, answered.by_models(), body.inputs, request, body.ids)
        return remaining

    def announce(self, answers: bool) -> None:
        """Set in the metrics whether this bundle is in service, and how new what it has learned from is."""
        labels = {"model": self.name, "bundle": self.served.bundle, "variant": self.variant}
        self._metrics.level("model_info", **labels)(float(answers))
        until = period_end(str(self.served.predictor.manifest["training"].get("last_period")))
        self._metrics.common("model_learned_until_timestamp_seconds", **labels)(until if answers else None)

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
        self, answered: AnsweredRequest, part: Answered, decided: Sequence[Any], request: Asked, started: float, by: str
    ) -> LogEntry:
        return LogEntry(
            self._source,
            request,
            time.time(),
            part.bundle,
            by,
            answered.body.inputs,
            part.scores,
            decided,
            (time.perf_counter() - started) * 1e3,
            part.rows,
            False,
            answered.body.ids,
        )


def score_bounds(contract: Contract, folder: Path) -> Sequence[float]:
    """The upper bounds of the buckets for scores, the same for bundles whose answers have the same order of magnitude.

    Probabilities: 20 equal buckets between 0 and 1. Numbers: six buckets to a decade, below and above 0, from a
    thousandth of the decade of the largest answer in the bundle's probe.
    """
    if contract.kind != "regression":
        return PROBABILITIES
    answers = json.loads((folder / "probe.json").read_text(encoding="utf-8"))["answers"]
    largest = max([abs(answer) for answer in answers], default=0.0) or 1.0
    top = math.floor(math.log10(largest))
    sizes = [float(f"{step * 10.0**decade:.3g}") for decade in range(top - 2, top + 2) for step in STEPS]
    sizes = sizes[: bisect_left(sizes, 10.0 ** (top + 1)) + 1]
    return [-size for size in reversed(sizes)] + [0.0, *sizes]


def period_end(period: str) -> float | None:
    """When a day, month or year ends, in seconds since 1970; None if it is none of them, as for data without a time."""
    if not re.fullmatch(r"\d{4}(-\d\d){0,2}", period):
        return None
    try:
        first = np.datetime64(period)  # of the period's own unit
    except ValueError:  # a thirteenth month
        return None
    return float((first + 1).astype("datetime64[s]").astype(np.int64))


def fallback(parts: Sequence[Answered]) -> str | None:
    """What stood in for the model for any row, or None."""
    for part in parts:
        if part.by != "model":
            return part.by
    return None
