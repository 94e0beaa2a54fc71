"""The metrics of the service, summed over its processes, as text for Prometheus."""

from __future__ import annotations

import json
import os
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .process_metrics import process_lines
from .shared import Region, Shared

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

PREFIX = "modelyard_"  # of all names but those of processes, which every service has

CATALOGUE = {
    "http_requests_total": ("counter", "Requests answered, by path and status"),
    "http_requests_in_flight": ("gauge", "Requests that have begun and are not answered yet"),
    "predictions_total": ("counter", "Rows answered, by model, variant and who answered"),
    "other_values_total": ("counter", "Values of inputs that their lists do not have and count as other, by column"),
    "online_values_total": ("counter", "Features with history that were looked up, by feature and outcome"),
    "prediction_duration_seconds": ("histogram", "Time in the model, by request"),
    "http_request_duration_seconds": ("histogram", "Time from the end of a request's body to its answer"),
    "prediction_score": ("histogram", "Scores: a probability (of several, the highest), or the number"),
    "shadow_predictions_total": ("counter", "Rows that a shadow was to answer, by what came of it"),
    "shadow_distance": ("histogram", "Distance of a shadow's score from the one given (of several, the farthest)"),
    "prediction_log_written_lines_total": ("counter", "Lines of the prediction log that are written"),
    "prediction_log_dropped_lines_total": ("counter", "Lines of the prediction log that were lost, by reason"),
    "prediction_log_removed_lines_total": ("counter", "Written lines whose file was removed to make room for others"),
    "prediction_log_waiting_bytes": ("gauge", "Size of the lines that are not written yet"),
    "prediction_log_failing_workers": ("gauge", "Processes that cannot write the prediction log now"),
    "refused_requests_total": ("counter", "Requests that were refused, by reason"),
    "stream_messages_total": ("counter", "Messages of a stream: answered, or the reason why they were refused"),
    "stream_commits_total": ("counter", "Commits of offsets, by outcome"),
    "stream_lag_messages": ("gauge", "Messages of a partition that are not answered yet"),
    "refused_connections_total": ("counter", "Connections that were one too many for their process"),
    "model_reloads_total": ("counter", "Attempts of a process to load the bundles again, by outcome"),
    "worker_starts_total": ("counter", "Processes started, those that took the place of a dead one included"),
    "oidc_ready_workers": ("gauge", "Processes that have the keys of access.oidc"),
    "stuck_workers_total": ("counter", "Processes that made no progress and were replaced"),
    "model_info": ("info", "The bundle that each model answers with"),
    "model_learned_until_timestamp_seconds": ("common", "End of the last period that the bundle has learned from"),
}

TYPES = {"info": "gauge", "common": "gauge"}  # as Prometheus calls them


class Metrics:
    """The counters and histograms of one process. `processes` gives the processes of the service, by name."""

    def __init__(self, shared: Shared, process: int) -> None:
        self._shared = shared
        self._region: Region = shared.region(process)
        self.processes: Callable[[], Mapping[str, int]] = lambda: {str(process): os.getpid()}

    def counter(self, name: str, **labels: str) -> Callable[[float], None]:
        """A function that adds to one counter."""
        cells = self._region.cells(_key(name, labels))

        def add(number: float = 1.0) -> None:
            cells[0] += number

        return add

    def level(self, name: str, **labels: str) -> Callable[[float], None]:
        """A function that sets a gauge, or a counter that is counted elsewhere."""
        cells = self._region.cells(_key(name, labels))

        def put(number: float) -> None:
            cells[0] = number

        return put

    def common(self, name: str, **labels: str) -> Callable[[float | None], None]:
        """A function that sets a gauge which is the same in all processes that set it; None takes it away."""
        cells = self._region.cells(_key(name, labels), 2)  # summed over the processes: the value, and how many set it

        def put(number: float | None) -> None:
            cells[0], cells[1] = (0.0, 0.0) if number is None else (number, 1.0)

        return put

    def histogram(self, name: str, bounds: Sequence[float], **labels: str) -> Histogram:
        """A histogram with these upper bounds, in rising order."""
        return Histogram(self._region.cells(_key(name, labels, bounds), len(bounds) + 2), bounds)

    def total(self, name: str) -> float:
        """A counter or gauge without labels, summed over the processes."""
        return self._shared.sums().get(_key(name, {}), [0.0])[0]

    def text(self) -> bytes:
        """All metrics in Prometheus's text format."""
        return render(self._shared.sums()) + process_lines(self.processes())


class Histogram:
    """Counts values by size. Its cells: one for each bound, one for larger values, and the sum."""

    def __init__(self, cells: memoryview[float], bounds: Sequence[float]) -> None:
        self._cells, self._bounds = cells, list(bounds)
        self._edges = np.asarray(self._bounds)

    def add(self, value: float) -> None:
        """Count one value."""
        cells = self._cells
        cells[bisect_left(self._bounds, value)] += 1.0
        cells[-1] += value

    def add_all(self, values: NDArray[np.float64]) -> None:
        """Count many values."""
        counts = np.bincount(np.searchsorted(self._edges, values), minlength=len(self._bounds) + 1)
        for place in counts.nonzero()[0].tolist():
            self._cells[place] += float(counts[place])
        self._cells[-1] += float(values.sum())


def render(sums: dict[str, list[float]]) -> bytes:
    """Prometheus's text format of summed cells."""
    lines_of: dict[str, list[str]] = {name: [] for name in CATALOGUE}
    for key in sorted(sums):
        name, labels, bounds = json.loads(key)
        kind, _ = CATALOGUE[name]
        cells = sums[key]
        if kind == "histogram":
            lines_of[name] += _histogram_lines(PREFIX + name, labels, bounds, cells)
        elif kind == "common":
            lines_of[name] += [f"{PREFIX}{name}{_labels(labels)} {_number(cells[0] / cells[1])}"] if cells[1] else []
        elif kind != "info":
            lines_of[name].append(f"{PREFIX}{name}{_labels(labels)} {_number(cells[0])}")
        elif cells[0]:  # set by each process while the bundle is in service; 0 where none does
            lines_of[name].append(f"{PREFIX}{name}{_labels(labels)} 1")
    lines: list[str] = []
    for name, (kind, text) in CATALOGUE.items():
        if lines_of[name]:
            lines += [f"# HELP {PREFIX}{name} {text}", f"# TYPE {PREFIX}{name} {TYPES.get(kind, kind)}"]
            lines += lines_of[name]
    return ("\n".join(lines) + "\n").encode()


def _histogram_lines(name: str, labels: list[list[str]], bounds: list[float], cells: list[float]) -> list[str]:
    lines, count = [], 0.0
    for bound, number in zip([*map(_number, bounds), "+Inf"], cells[:-1], strict=True):
        count += number
        lines.append(f"{name}_bucket{_labels([*labels, ['le', bound]])} {_number(count)}")
    return [*lines, f"{name}_sum{_labels(labels)} {cells[-1]!r}", f"{name}_count{_labels(labels)} {_number(count)}"]


def _key(name: str, labels: dict[str, str], bounds: Sequence[float] = ()) -> str:
    return json.dumps([name, list(labels.items()), list(bounds)], ensure_ascii=False)


def _labels(labels: list[list[str]]) -> str:
    inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)
    return f"{{{inside}}}" if inside else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
