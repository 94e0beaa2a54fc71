"""What the person who runs the benchmarks may choose."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """repeats: rounds behind each median. scales: how many times the sample's rows are tried.

    logged: numbers of logged rows that are tried. sets: the data sets that are drafted (none: all).
    whole: these go on to report, gate, service and wheel.
    """

    repeats: int
    scales: tuple[int, ...]
    logged: tuple[int, ...]
    sets: tuple[str, ...] = ()
    whole: bool = False
