"""Features with history that a request does not carry, looked up in the online store before its rows are answered."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from ...errors import ContractError
from ...runtime.contract import Contract
from ...runtime.online import OnlineStore
from ...runtime.rows import encode_values
from ..forms.forms import ParsedRows
from ..log.metrics import Metrics

FOUND, MISSING, FAILED = "found", "missing", "failed"

_log = logging.getLogger(__name__)


class LookedUp:
    """Fills parsed rows, in place, so that the model and the prediction log get what was looked up.

    If the store cannot be read, the values are missing, as they are for an entity of which nothing is known; this is
    counted, and logged when it begins.

    Raises ContractError as `OnlineStore` does.
    """

    def __init__(self, path: str, contract: Contract, metrics: Metrics, **labels: str) -> None:
        self._store, self._contract = OnlineStore(path, contract), contract
        self._fields = {name: f"f{place}" for place, name in enumerate(contract.columns)}  # of the decoded structs
        self._failing = False
        self._count: dict[tuple[str, str], Callable[[float], None]] = {
            (name, outcome): metrics.counter("online_values_total", **labels, feature=name, outcome=outcome)
            for name in contract.features
            for outcome in (FOUND, MISSING, FAILED)
        }

    def fill(self, body: ParsedRows) -> None:
        """Give the rows the features that they do not carry."""
        moments = body.columns[str(self._contract.time)].astype("datetime64[us]")
        for name, feature in self._contract.features.items():
            sent = body.values(name)
            places = [place for place, value in enumerate(sent) if value is None]
            if not places:
                continue
            keys = [body.values(key) for key in feature.entity]
            entities = [[column[place] for column in keys] for place in places]
            times = [None if np.isnat(moments[place]) else int(moments[place].astype(np.int64)) for place in places]
            values = self._values(name, entities, times)
            self._put(body, name, places, values, sent)

    def _values(self, name: str, entities: list[list[Any]], times: list[int | None]) -> list[Any]:
        try:
            values = self._store.look_up(name, entities, times)
        except ContractError as error:
            if not self._failing:
                _log.error("features with history are missing: %s", error)
            self._failing = True
            self._count[name, FAILED](float(len(entities)))
            return [None] * len(entities)
        self._failing = False
        missing = values.count(None)
        self._count[name, MISSING](float(missing))
        self._count[name, FOUND](float(len(values) - missing))
        return values

    def _put(self, body: ParsedRows, name: str, places: list[int], values: list[Any], sent: list[Any]) -> None:
        body.columns[name][places] = encode_values(values, self._contract.columns[name])
        if body.rows is None:
            for place, value in zip(places, values, strict=True):
                sent[place] = value
            if isinstance(body.raw_columns, dict):
                body.raw_columns[name] = sent
            return
        for place, value in zip(places, values, strict=True):
            row = body.rows[place]
            if isinstance(row, msgspec.Struct):
                setattr(row, self._fields[name], value)
            else:
                row[name] = value
