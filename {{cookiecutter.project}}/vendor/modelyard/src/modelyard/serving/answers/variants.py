"""What answers a request: a model or its fallback, and with split traffic, one of two bundles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import ContractError
from ...runtime.contract import Contract, Kind
from ...runtime.matrix import Columns, matrix
from ...runtime.predictor import Predictor
from ...runtime.project import Project
from ..config import ModelConfig
from .loaded import Loaded, Table, differences
from .shadow import Shadow
from .split import TrafficSplit

ROWS_A_DEADLINE = 1000

By = Literal["model", "last good", "baseline"]


class Answered(NamedTuple):
    """The answer to n rows.

    scores: as `OnnxModel.predict` gives them. by: `model`, or what stood in for it. bundle: the first 12 digits of
    the SHA-256 of the bundle that answered (or whose baseline did). predictor: decides by its own threshold.
    rows: the positions in the request that these scores belong to, or None for all.
    """

    scores: NDArray[np.float64]
    by: By
    bundle: str
    kind: Kind
    predictor: Predictor
    rows: NDArray[np.intp] | None = None

    def decisions(self) -> list[Any]:
        """The decision for each score."""
        return self.predictor.decide(self.scores)


class Served:
    """A model of serving.json with all that may answer for it.

    The chain of fallbacks is: the bundle, the last good one, the first bundle's baseline (the same answer for every
    row). Each bundle has `deadline_ms` for up to 1,000 rows and as much again for each further 1,000. After it failed
    or was slower five times in a row, it is not called for ten seconds, and then one request tries it.

    Raises ContractError if a folder holds no complete bundle, one with other inputs or another target than the first,
    or one whose probe is answered otherwise with the features here, as that of an older version may be.
    """

    def __init__(self, project: Project, name: str, config: ModelConfig, deadline_ms: float = 200.0) -> None:
        self.name, self._project, self._deadline = name, project, deadline_ms / 1e3
        self.first = Loaded(project, config.bundle)
        self.first.check(self.first.predictor.contract)
        self.predictor, self.bundle = self.first.predictor, self.first.short
        self.contract: Contract = self.predictor.contract
        self.second = self._like_first("split.bundle", config.split.bundle) if config.split else None
        self.split = TrafficSplit(name, config.split.key, config.split.share, self.contract) if config.split else None
        self._last_good = self._like_first("fallback", config.fallback) if config.fallback else None
        shadow = self._like_first("shadow", config.shadow) if config.shadow else None
        self.shadow = Shadow(shadow.predictor, shadow.short) if shadow else None
        self._baseline = np.array(self.predictor.manifest["training"]["baseline"], dtype=np.float64)

    def table(self, columns: Columns) -> Table:
        """The features of n rows as one table, from the columns that `rows.encode` returns."""
        return matrix(self._project.features(columns, self.contract))

    def answer(self, inputs: Columns | Table, key: Any = None) -> Answered:
        """The answer to n rows, given as columns or as a table of features; the split chooses the bundle by the key."""
        table = inputs if isinstance(inputs, np.ndarray) else self.table(inputs)
        return self._answer(table, self.split is not None and self.split.takes(key))

    def answer_each(self, inputs: Columns | Table, keys: Sequence[Any]) -> list[Answered]:
        """The answers to n rows with a key each: one for each bundle that answers some, `rows` holding which."""
        table = inputs if isinstance(inputs, np.ndarray) else self.table(inputs)
        if self.split is None:
            return [self._answer(table, False)]
        chosen = np.fromiter(map(self.split.takes, keys), dtype=bool, count=len(table))
        if chosen.all() or not chosen.any():
            return [self._answer(table, bool(chosen.any()))]
        parts = [(second, np.flatnonzero(chosen == second)) for second in (False, True)]
        return [self._answer(table[rows], second)._replace(rows=rows) for second, rows in parts]

    def close(self) -> None:
        """Stop the shadow's thread."""
        if self.shadow is not None:
            self.shadow.close()

    def _answer(self, table: Table, second: bool) -> Answered:
        rows = len(table)
        deadline = self._deadline if rows <= ROWS_A_DEADLINE else self._deadline * math.ceil(rows / ROWS_A_DEADLINE)
        bundle = self.second if second and self.second is not None else self.first
        by: By = "model"
        scores = bundle.answer(table, deadline)
        if scores is None and self._last_good is not None:
            bundle, by = self._last_good, "last good"
            scores = bundle.answer(table, deadline)
        if scores is None:
            bundle, by = self.first, "baseline"
            scores = self._same_for(rows)
        return Answered(scores, by, bundle.short, self.contract.kind, bundle.predictor)

    def _same_for(self, rows: int) -> NDArray[np.float64]:
        if self.contract.kind == "multiclass":
            return np.tile(self._baseline, (rows, 1))
        return np.full(rows, self._baseline[0])

    def _like_first(self, key: str, folder: str) -> Loaded:
        loaded = Loaded(self._project, folder)
        if faults := differences(self.predictor, loaded.predictor):
            raise ContractError(
                f"models.{self.name}.{key}: {folder} cannot stand beside the model:\n" + "\n".join(faults)
            )
        try:
            loaded.check(self.contract)
        except ContractError as error:
            raise ContractError(f"models.{self.name}.{key}: cannot stand beside the model: {error}") from None
        return loaded
