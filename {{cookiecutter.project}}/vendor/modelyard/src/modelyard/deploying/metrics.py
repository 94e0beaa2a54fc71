"""A variant's counts, from its own /metrics in Prometheus' text format and from the router's."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .trial import Counts

LINE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})?\s+(?P<value>[^\s]+)(?:\s+\d+)?$")
LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')
ESCAPED = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}
OWN = {"/healthz", "/readyz", "/metrics", "/openapi.json"}  # requested by the deployment, not by clients
FALLBACKS = {"last good", "baseline"}  # what answers if the model cannot


@dataclass(frozen=True)
class Traffic:
    """How many requests of clients a router sent to a variant, and how many of them failed or were refused (4xx)."""

    requests: int = 0
    failed: int = 0
    refused: int = 0


@dataclass(frozen=True)
class MetricSample:
    """One line of /metrics."""

    name: str
    labels: Mapping[str, str]
    value: float


def parse_metrics(text: str) -> Iterator[MetricSample]:
    """The samples in a page of Prometheus' text format; a line that is none is left out."""
    for line in text.splitlines():
        if line.startswith("#") or not (match := LINE.match(line.strip())):
            continue
        labels = {
            name: re.sub(r"\\.", lambda escape: ESCAPED.get(escape[0], escape[0]), value)
            for name, value in LABEL.findall(match["labels"] or "")
        }
        yield MetricSample(match["name"], labels, float(match["value"]))


def counts(metrics: str, traffic: Traffic, milliseconds: float) -> Counts:
    """The counts of a variant until now.

    A request has failed if the router counts it as failed, which the service itself cannot always see, or if something
    other than the model answered it.
    """
    samples = list(parse_metrics(metrics))
    by_fallback = sum(
        int(one.value)
        for one in samples
        if one.name == "modelyard_predictions_total" and one.labels.get("answered_by") in FALLBACKS
    )
    within = _histogram(samples, "modelyard_http_request_duration_seconds")
    timed = int(within.get(math.inf, 0))
    edge = min((end for end in within if end >= milliseconds / 1000), default=math.inf)
    return Counts(
        requests=traffic.requests,
        failed=min(traffic.failed + by_fallback, traffic.requests),
        refused=traffic.refused,
        timed=timed,
        slow=timed - int(within.get(edge, 0)),
        scores=_scores(samples),
    )


def _histogram(samples: list[MetricSample], name: str) -> dict[float, float]:
    """How many were up to each edge, over all labels but those of the deployment's own requests; by rising edge."""
    cumulated: dict[float, float] = {}
    for one in samples:
        if one.name == f"{name}_bucket" and one.labels.get("path") not in OWN:
            edge = float(one.labels["le"])
            cumulated[edge] = cumulated.get(edge, 0.0) + one.value
    return dict(sorted(cumulated.items()))


def _scores(samples: list[MetricSample]) -> tuple[int, ...]:
    """How many scores were between one edge and the next, model by model."""
    by_model: dict[str, list[MetricSample]] = {}
    for one in samples:
        if one.name == "modelyard_prediction_score_bucket":
            by_model.setdefault(one.labels.get("model", ""), []).append(one)
    return tuple(
        count for _, own in sorted(by_model.items()) for count in _bins(_histogram(own, "modelyard_prediction_score"))
    )


def _bins(cumulated: Mapping[float, float]) -> list[int]:
    ends = list(cumulated.values())
    return [int(count - previous) for previous, count in zip([0.0, *ends], ends, strict=False)]
