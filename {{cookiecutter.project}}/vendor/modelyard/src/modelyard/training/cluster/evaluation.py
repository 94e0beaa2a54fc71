"""Resample the holdout and shuffle its inputs on the workers of a cluster: the same numbers as on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ...runtime.predictor import OnnxModel
from ...runtime.project import Project
from ..answered_holdout import AnsweredHoldout
from ..bootstrap import Spread
from ..importance import Losses, Shuffled
from .client import cluster_workers
from .lost import Work
from .packing import Cargo

EVALUATION = Work(
    "a part of the evaluation",
    "give the workers more memory, or hold out fewer rows",
    "nothing was written, so `make pipeline` begins again",
)
MODEL = "model.onnx"


def evaluate_there(
    address: str, project: Project, model: Path, answered: AnsweredHoldout, shuffled: Shuffled
) -> tuple[dict[str, Any], list[dict[str, Any]], Losses]:
    """The metrics of the holdout, the lines of its slices and the losses of its inputs, as this machine makes them.

    Raises ContractError for what goes wrong with the cluster.
    """
    cargo = Cargo(project, {MODEL: model}, begin, (project, answered, shuffled))
    with cluster_workers(address, EVALUATION, cargo) as pool:
        resamples, size = answered.params.evaluate.bootstrap, pool.size
        borders = [resamples * place // size for place in range(size + 1)]
        spreads = [pool.submit(spread, *ends) for ends in pairwise(borders)]
        lines = [pool.submit(slice_lines, number) for number in range(len(answered.slices))]
        losses = [pool.submit(losses_of, name) for name in shuffled.columns]
        return (
            answered.summary(_joined([one.result() for one in spreads])),
            [line for one in lines for line in one.result()],
            {name: values for one in losses for name, values in one.result().items()},
        )


def _joined(spreads: list[Spread]) -> Spread:
    parts = [one for one in spreads if one]  # none where there are more workers than draws
    return {name: np.concatenate([one[name] for one in parts]) for name in parts[0]}


# In a worker

_begun: tuple[OnnxModel, AnsweredHoldout, Shuffled] | None = None


def begin(root: Path, project: Project, answered: AnsweredHoldout, shuffled: Shuffled) -> None:
    """Keep what the parts are made with."""
    global _begun
    model = OnnxModel(root / MODEL, answered.contract, project.features, answered.params.threads)
    _begun = model, answered, shuffled


def _kept() -> tuple[OnnxModel, AnsweredHoldout, Shuffled]:
    if _begun is None:
        raise RuntimeError("the worker was not started")
    return _begun


def spread(first: int, last: int) -> Spread:
    """`AnsweredHoldout.spread`."""
    return _kept()[1].spread(first, last)


def slice_lines(number: int) -> list[dict[str, Any]]:
    """`AnsweredHoldout.slice_lines`."""
    return _kept()[1].slice_lines(number)


def losses_of(name: str) -> Mapping[str, Any]:
    """`Shuffled.losses` of one input."""
    model, _, shuffled = _kept()
    return shuffled.losses(model, [name])
