"""Successive halving (Jamieson and Talwalkar, 2016): many candidates on few rows, the best of them on more.

Each estimator has trials of its own, because one that is best on few rows need not be best on all.
"""

from __future__ import annotations

import itertools
import json
import math
import warnings
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial
from tqdm import tqdm

from ..errors import YardError
from .measured import Measured
from .settings import Params, Range
from .study import distribution, sampler
from .trials import objective, with_settings

REDUCTION = 3  # one of so many goes on, to a sample that is as many times as large
SAMPLES = 3
LEAST_ROWS = 2_000  # a smaller sample says too little of what all rows would


@dataclass(frozen=True)
class Configuration:
    """An estimator, and those of its settings that are not as in params.yaml; numbers count from 1."""

    number: int
    estimator: str
    settings: dict[str, Any]


@dataclass(frozen=True)
class Tried:
    """A candidate fitted on so many rows: its value on the validation rows, or what went wrong."""

    candidate: Configuration
    rows: int
    value: float
    fault: str | None = None


def samples(rows: int) -> list[int]:
    """The sizes of the samples, the smallest first; the last is all rows."""
    smaller = {rows // REDUCTION**step for step in range(1, SAMPLES)}
    return [*sorted(size for size in smaller if size >= LEAST_ROWS), rows]


def best_first(tried: Iterable[Tried]) -> list[Tried]:
    """Those without a fault: on the most rows first, then the best, then the first."""
    return sorted((one for one in tried if not one.fault), key=lambda one: (-one.rows, one.value, one.candidate.number))


def promoted(tried: Sequence[Tried]) -> list[Configuration]:
    """The candidates that go on: the best of each estimator, and number 1, with which the last are compared."""
    ranked = [one.candidate for one in best_first(tried)]
    chosen = [one for one in ranked if one.number == 1]
    for name in dict.fromkeys(one.estimator for one in ranked):
        own = [one for one in ranked if one.estimator == name]
        chosen += [one for one in own[: math.ceil(len(own) / REDUCTION)] if one not in chosen]
    return sorted(chosen, key=lambda one: one.number)


class Rounds:
    """Tries candidates in the workers of a pool, and proposes new ones after what the others came to."""

    def __init__(self, params: Params, pool: Executor, measured: Measured) -> None:
        self._params, self._pool, self._measured = params, pool, measured

    def first(self, estimators: Sequence[str], trials: int, rows: int, exported: bool) -> list[Tried]:
        """Try each estimator as it is in params.yaml, then settings of those that can be tried; each but once."""
        given = [Configuration(number, name, {}) for number, name in enumerate(estimators, 1)]
        with tqdm(total=trials, desc=f"{rows:,} rows", unit="trial", disable=None) as bar:
            tried = self._run(given, rows, exported, bar)
            spaces = {one.candidate.estimator: self._space(one.candidate.estimator) for one in tried if not one.fault}
            studies = {name: optuna.create_study() for name, space in spaces.items() if space}
            for one in tried:
                if one.candidate.estimator in studies:
                    studies[one.candidate.estimator].add_trials(self._told(one, spaces[one.candidate.estimator]))
            turns = itertools.cycle(studies)
            while studies and len(tried) < trials:
                names = list(itertools.islice(turns, min(self._params.tune.batch, trials - len(tried))))
                for name in names:
                    studies[name].sampler = sampler(self._params, len(tried))
                asked = [studies[name].ask(_distributions(spaces[name])) for name in names]
                numbered = enumerate(zip(names, asked, strict=True), len(tried) + 1)
                came = self._run(
                    [Configuration(at, name, one.params) for at, (name, one) in numbered], rows, exported, bar
                )
                for name, trial, one in zip(names, asked, came, strict=True):
                    studies[name].tell(trial, None if one.fault else one.value, TrialState.FAIL if one.fault else None)
                tried += came
        return list({self._key(one.candidate, rows): one for one in reversed(tried)}.values())[::-1]

    def more(self, candidates: Sequence[Configuration], rows: int, exported: bool) -> list[Tried]:
        """Try candidates on a larger sample."""
        with tqdm(total=len(candidates), desc=f"{rows:,} rows", unit="trial", disable=None) as bar:
            return self._run(candidates, rows, exported, bar)

    def _run(self, candidates: Sequence[Configuration], rows: int, exported: bool, bar: tqdm) -> list[Tried]:
        keys = [self._key(one, rows) for one in candidates]
        waiting = {}
        for key, one in zip(keys, candidates, strict=True):
            if self._measured.get(key) is None and key not in waiting:
                waiting[key] = self._pool.submit(_try, one, rows, exported)
        tried = []
        for key, one in zip(keys, candidates, strict=True):
            value, fault = self._measured.get(key), None
            if value is None:
                value, fault = waiting[key].result()
                if not fault:
                    self._measured.keep(key, value)
            tried.append(Tried(one, rows, value, fault))
            bar.update()
        return tried

    def _key(self, one: Configuration, rows: int) -> str:
        model = with_settings(self._params, one.settings, one.estimator).model
        return json.dumps([one.estimator, model.settings[one.estimator], rows], sort_keys=True)

    def _space(self, estimator: str) -> dict[str, Range]:
        return self._params.tune.space.get(estimator) or {}

    def _told(self, one: Tried, space: dict[str, Range]) -> list[FrozenTrial]:
        """What a study is told of the settings in params.yaml: nothing if its space does not have them."""
        settings = self._params.model.settings.get(one.candidate.estimator) or {}
        values = {name: settings[name] for name, ends in space.items() if _within(settings.get(name), ends)}
        if values.keys() != space.keys():
            return []
        return [create_trial(params=values, distributions=_distributions(space), value=one.value)]


def _distributions(space: dict[str, Range]) -> dict[str, BaseDistribution]:
    return {name: distribution(ends) for name, ends in space.items()}


def _within(value: Any, ends: Range) -> bool:
    kinds = int if isinstance(distribution(ends), IntDistribution) else (int, float)
    return isinstance(value, kinds) and ends.low <= value <= ends.high


def _try(one: Configuration, rows: int, exported: bool) -> tuple[float, str | None]:
    judge = objective()  # trouble with the data is nobody's own, and stops the search
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as one for each fit that did not converge
            value = judge(one.settings, one.estimator, rows, exported)
    except YardError as error:
        return math.nan, str(error)
    except Exception as error:  # what an estimator raises stops its own trial only
        return math.nan, f"{type(error).__name__}: {error}"
    return value, None if math.isfinite(value) else f"the metric on the validation rows is {value}"
