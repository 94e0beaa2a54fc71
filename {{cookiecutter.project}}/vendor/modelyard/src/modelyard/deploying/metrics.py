"""Read what a variant counted: its /metrics in Prometheus' text format, and the proxy's line on it."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .trial import Counts

LINE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})?\s+(?P<value>[^\s]+)(?:\s+\d+)?$")
LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')
ESCAPED = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}
OWN = {"/healthz", "/readyz", "/metrics", "/openapi.json"}  # asked by the deployment, not by clients
FALLBACKS = {"last good", "baseline"}  # who answers where the model could not


@dataclass(frozen=True)
class Sample:
    """One line of /metrics."""

    name: str
    labels: Mapping[str, str]
    value: float


def parse_metrics(text: str) -> Iterator[Sample]:
    """The samples in a page of Prometheus' text format; a line that is none is left out."""
    for line in text.splitlines():
        if line.startswith("#") or not (found := LINE.match(line.strip())):
            continue
        labels = {
            name: re.sub(r"\\.", lambda escape: ESCAPED.get(escape[0], escape[0]), value)
            for name, value in LABEL.findall(found["labels"] or "")
        }
        yield Sample(found["name"], labels, float(found["value"]))


def parse_statistics(text: str) -> dict[str, dict[str, str]]:
    """HAProxy's `show stat`: the line of each server of the backend `service`, by its name."""
    rows = csv.DictReader(io.StringIO(text.lstrip("# ")))
    return {row["svname"]: row for row in rows if row["pxname"] == "service"}


def counts(metrics: str, server: Mapping[str, str], milliseconds: float) -> Counts:
    """What a variant did until now. server: its line in HAProxy's statistics.

    A request fails where it got 5xx, an answer broke off or never came, a connection had to be tried again, or another
    than the model answered. The proxy counts what the service itself cannot see; its health checks are not among it.
    """
    samples = list(parse_metrics(metrics))
    requests = sum(_number(server, f"hrsp_{code}xx") for code in (1, 2, 3, 4, 5)) + _number(server, "econ")
    broken = sum(_number(server, name) for name in ("hrsp_5xx", "econ", "wretr"))
    other = sum(
        int(one.value)
        for one in samples
        if one.name == "predictions_total" and one.labels.get("answered_by") in FALLBACKS
    )
    within = _histogram(samples, "request_seconds")
    timed = int(within.get(math.inf, 0))
    edge = min((end for end in within if end >= milliseconds / 1000), default=math.inf)
    return Counts(
        requests=requests,
        failed=min(broken + other, requests),
        refused=_number(server, "hrsp_4xx"),
        timed=timed,
        slow=timed - int(within.get(edge, 0)),
        scores=_scores(samples),
    )


def _number(server: Mapping[str, str], name: str) -> int:
    return int(server.get(name) or 0)


def _histogram(samples: list[Sample], name: str) -> dict[float, float]:
    """How many were up to each edge, over all labels but those of the deployment's own requests; by rising edge."""
    found: dict[float, float] = {}
    for one in samples:
        if one.name == f"{name}_bucket" and one.labels.get("path") not in OWN:
            edge = float(one.labels["le"])
            found[edge] = found.get(edge, 0.0) + one.value
    return dict(sorted(found.items()))


def _scores(samples: list[Sample]) -> tuple[int, ...]:
    """How many scores were between one edge and the next, model by model."""
    by_model: dict[str, list[Sample]] = {}
    for one in samples:
        if one.name == "prediction_score_bucket":
            by_model.setdefault(one.labels.get("model", ""), []).append(one)
    return tuple(count for _, own in sorted(by_model.items()) for count in _bins(_histogram(own, "prediction_score")))


def _bins(cumulated: Mapping[float, float]) -> list[int]:
    ends = list(cumulated.values())
    return [int(now - before) for before, now in zip([0.0, *ends], ends, strict=False)]
