"""Whether an estimator can be exported, before it is fitted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sklearn.base import is_regressor

from ...errors import ContractError
from .exporter import Converter, kinds
from .registry import CONVERTERS, ESTIMATORS, REFUSED, TRANSFORMERS, names

OWN_GRAPH = "to_onnx"  # the method by which an estimator gives its own graph


def check_exportable(estimator: Any) -> None:
    """Raises ContractError, which says what can be exported, if a part of an estimator cannot be, fitted or not."""
    if hasattr(estimator, OWN_GRAPH):
        return
    for part, position in _parts(estimator, "predict"):
        _check(part, position)
    if not is_regressor(estimator) and not hasattr(estimator, "predict_proba"):
        raise ContractError(
            f"model.py: {type(estimator).__name__} gives no probabilities (predict_proba), which a classifier needs; "
            "put it into CalibratedClassifierCV"
        )


def _check(part: Any, position: str) -> None:
    found = {**CONVERTERS, **REFUSED}
    kind = next((one for one in kinds(part) if one in found), None)
    name = type(part).__name__
    if kind is None:
        which = {"predict": ESTIMATORS, "transform": TRANSFORMERS}[position]
        raise ContractError(
            f"model.py: {name} cannot be exported; {', '.join(names(which))} can. "
            f"Or give it a method {OWN_GRAPH}(features) that returns its own ONNX graph"
        )
    if message := found[kind].refuse(part):
        raise ContractError(f"model.py: {message}")


def _parts(estimator: Any, position: str) -> Iterator[tuple[Any, str]]:
    """The estimator and all estimators and transformers in it that are exported with it."""
    yield estimator, position
    converter: Converter | None = next((CONVERTERS[kind] for kind in kinds(estimator) if kind in CONVERTERS), None)
    if converter is None or not converter.inside or not hasattr(estimator, "get_params"):
        return
    for value in estimator.get_params(deep=False).values():
        steps = [one for one in value if isinstance(one, (tuple, list))] if isinstance(value, list) else []
        inner = [one for step in steps for one in step] if steps else [value]
        for one in inner:
            if not isinstance(one, type) and (hasattr(one, "fit") or hasattr(one, "transform")):
                yield from _parts(one, "transform" if hasattr(one, "transform") else "predict")
