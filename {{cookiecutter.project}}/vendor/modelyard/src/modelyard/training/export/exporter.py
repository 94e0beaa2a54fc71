"""Adds estimators and transformers to a graph, each by the converter of its kind, however they are nested."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import is_regressor

from ...errors import ContractError
from .graph import Graph

Add = Callable[["Exporter", Any, str], str]


@dataclass(frozen=True)
class Converter:
    """How one kind of estimator or transformer is exported. Each function gets exporter, fitted object and table.

    add: the output. Of a transformer, its table; of a regressor, the number (n, 1); of a classifier, the probability
        of the second of two classes (n, 1), or of each of more classes (n, classes).
    scores: `decision_function`, (n, 1) for two classes; None if the kind has none.
    labels: the position of the class that `predict` gives, (n, 1); None: that of the highest score or probability.
    through: for a kind that only hands on to another one: that one, and the table for it.
    refuse: why an object with these settings cannot be exported, before it is fitted; None if it can.
    inside: whether the estimators among its settings are exported with it.
    """

    add: Add | None = None
    scores: Add | None = None
    labels: Add | None = None
    through: Callable[[Exporter, Any, str], tuple[Any, str]] | None = None
    refuse: Callable[[Any], str | None] = lambda _: None
    inside: bool = True


Converters = Mapping[str, Converter]


def kinds(instance: Any) -> list[str]:
    """The names by which converters are found: the package and the class, then those of the classes it derives from."""
    return [f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(instance).__mro__]


class Exporter:
    """Writes into one graph. converters: by kind, such as "sklearn.Ridge"."""

    def __init__(self, graph: Graph, converters: Converters) -> None:
        self.graph = graph
        self._converters = converters

    def converter(self, instance: Any) -> Converter:
        """The converter of its kind. Raises ContractError if there is none."""
        for kind in kinds(instance):
            if kind in self._converters:
                return self._converters[kind]
        raise ContractError(f"model.py: {type(instance).__name__} cannot be exported")

    def reach(self, estimator: Any, table: str) -> tuple[Any, str]:
        """The estimator behind pipelines, searches and the like, and its table."""
        while (through := self.converter(estimator).through) is not None:
            estimator, table = through(self, estimator, table)
        return estimator, table

    def transform(self, transformer: Any, table: str) -> str:
        """The table that a transformer gives."""
        return self._add(transformer, table)

    def predict(self, estimator: Any, table: str) -> str:
        """The number, the probability of the second class, or those of all classes."""
        return self._add(*self.reach(estimator, table))

    def probabilities(self, estimator: Any, table: str) -> str:
        """The probabilities of all classes that the estimator knows, (n, classes)."""
        added = self.predict(estimator, table)
        return self.both(added) if len(estimator.classes_) == 2 else added

    def both(self, second: str) -> str:
        """The probabilities of two classes from that of the second."""
        return self.graph.add("Concat", self.graph.add("Sub", self.graph.constant(1.0), second), second, axis=1)

    def scores(self, estimator: Any, table: str) -> str:
        """What `decision_function` gives: (n, 1) for two classes, else (n, classes)."""
        reached, table = self.reach(estimator, table)
        scores = self.converter(reached).scores
        if scores is None:
            raise ContractError(f"model.py: {type(reached).__name__} cannot be exported with its decision_function")
        return scores(self, reached, table)

    def labels(self, estimator: Any, table: str) -> str:
        """The positions of the classes that `predict` gives, (n, 1)."""
        reached, table = self.reach(estimator, table)
        converter, graph = self.converter(reached), self.graph
        if converter.labels is not None:
            return converter.labels(self, reached, table)
        if hasattr(reached, "decision_function"):
            scores = self.scores(reached, table)
            if len(reached.classes_) == 2:
                return graph.double(graph.add("Greater", scores, graph.constant(0.0)))
        else:
            scores = self.probabilities(reached, table)
        return graph.double(graph.add("ArgMax", scores, axis=1))

    def answer(self, estimator: Any, table: str) -> str:
        """What `predict` of a regressor and `predict_proba` of a classifier give, with a column for each class."""
        return self.predict(estimator, table) if is_regressor(estimator) else self.probabilities(estimator, table)

    def spread(self, columns: str, places: Any, width: int) -> str:
        """The columns at these places among `width`, zeros elsewhere; as they are if nothing is to be moved."""
        places = np.asarray(places)
        if np.array_equal(places, np.arange(width)):
            return columns
        moves = np.zeros((len(places), width))
        moves[np.arange(len(places)), places] = 1
        return self.graph.add("MatMul", columns, self.graph.constant(moves))

    def mean(self, parts: list[str], weights: Any = None) -> str:
        """The weighted mean of tables of the same shape."""
        graph = self.graph
        if weights is not None:
            parts = [
                graph.add("Mul", part, graph.constant(float(weight)))
                for part, weight in zip(parts, weights, strict=True)
            ]
        total = parts[0]
        for part in parts[1:]:
            total = graph.add("Add", total, part)
        return graph.add("Div", total, graph.constant(float(len(parts) if weights is None else np.sum(weights))))

    def _add(self, instance: Any, table: str) -> str:
        add = self.converter(instance).add
        if add is None:
            raise ContractError(f"model.py: {type(instance).__name__} cannot be exported here")
        return add(self, instance, table)
