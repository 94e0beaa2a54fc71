"""Converts a fitted estimator to an ONNX graph in float64 that gives the same answers.

In: `features`, float64 of shape (n, features). Out: `prediction`, float64: the number (n, 1), the probability of the
second class (n, 1), or the probabilities of all classes (n, classes).

For boosted trees, the metadata also holds the tables of a QuickScorer.

The converters are our own, because skl2onnx writes trees in float32, which moves rows across thresholds. `registry`
lists them.
"""

from __future__ import annotations

import onnx
from sklearn.base import BaseEstimator

from .check import OWN_GRAPH, check_exportable
from .exporter import Exporter, kinds
from .graph import Graph
from .lightgbm import add_lightgbm_link, lightgbm_trees
from .own import check_own
from .quick import quickscorer
from .registry import CONVERTERS
from .trees import add_link, boosted_trees


def to_onnx(estimator: BaseEstimator, features: int) -> onnx.ModelProto:
    """The graph of a fitted estimator that takes this many features.

    Raises ContractError, which names the supported kinds, if a part of it has no converter.
    """
    check_exportable(estimator)
    if hasattr(estimator, OWN_GRAPH):
        return check_own(getattr(estimator, OWN_GRAPH)(features), features)
    graph = Graph(features)
    exporter = Exporter(graph, CONVERTERS)
    reached, table = exporter.reach(estimator, graph.input)
    metadata = _tables(reached) if table == graph.input else {}
    return graph.model(exporter.predict(reached, table), metadata)


def _tables(estimator: BaseEstimator) -> dict[str, str]:
    """The tables of a QuickScorer for boosted trees whose table is the model's own."""
    found = {kind.partition(".")[2] for kind in kinds(estimator)}
    if any(name.startswith("HistGradientBoosting") for name in found):
        trees, targets = boosted_trees(estimator), estimator.n_trees_per_iteration_
        quick = quickscorer(trees, targets, lambda graph, sums: add_link(graph, estimator, sums))
    elif any(name.startswith("LGBM") for name in found):
        trees, targets = lightgbm_trees(estimator)
        quick = quickscorer(trees, targets, lambda graph, sums: add_lightgbm_link(graph, estimator, sums))
    else:
        return {}
    return quick.metadata() if quick is not None else {}
