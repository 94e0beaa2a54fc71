"""Features with history that a request does not carry, looked up in the online store before its rows are answered."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from ...errors import ContractError
from ...runtime.contract import Contract
from ...runtime.online.store import OnlineStore, Wanted
from ...runtime.rows import encode_values
from ..forms.forms import ParsedRows
from ..log.metrics import Metrics
from .breaker import Breaker

FOUND, MISSING, FAILED = "found", "missing", "failed"

_log = logging.getLogger(__name__)


class Absent(NamedTuple):
    """The rows of a request that do not carry a feature. sent: its value in every row."""

    wanted: Wanted
    places: list[int]
    sent: list[Any]


class LookedUp:
    """Fills parsed rows, in place, so that the model and the prediction log get what was looked up.

    If the store cannot be read, the values are missing, as they are for an entity of which nothing is known; this is
    counted, and logged when it begins. After several failures in a row it is left alone for a while, so that requests
    do not wait for it.

    Raises ContractError as `OnlineStore` does.
    """

    def __init__(self, where: str, contract: Contract, metrics: Metrics, **labels: str) -> None:
        self._store, self._contract = OnlineStore(where, contract), contract
        self._fields = {name: f"f{place}" for place, name in enumerate(contract.columns)}  # of the decoded structs
        self._breaker, self._failing = Breaker(), False
        self._count: dict[tuple[str, str], Callable[[float], None]] = {
            (name, outcome): metrics.counter("online_values_total", **labels, feature=name, outcome=outcome)
            for name in contract.features
            for outcome in (FOUND, MISSING, FAILED)
        }

    def fill(self, body: ParsedRows) -> None:
        """Give the rows the features that they do not carry."""
        moments = body.columns[str(self._contract.time)].astype("datetime64[us]")
        absent = [one for name in self._contract.features if (one := self._absent(body, name, moments)).places]
        for one, values in zip(absent, self._values(absent), strict=True):
            self._put(body, one, values)

    def _absent(self, body: ParsedRows, name: str, moments: NDArray[np.datetime64]) -> Absent:
        sent = body.values(name)
        places = [place for place, value in enumerate(sent) if value is None]
        keys = [body.values(key) for key in self._contract.features[name].entity] if places else []
        entities = [[column[place] for column in keys] for place in places]
        times = [None if np.isnat(moments[place]) else int(moments[place].astype(np.int64)) for place in places]
        return Absent(Wanted(name, entities, times), places, sent)

    def _values(self, absent: list[Absent]) -> list[list[Any]]:
        if absent and self._breaker.may_pass():
            try:
                found = self._store.look_up([one.wanted for one in absent])
            except ContractError as error:
                self._breaker.bad()
                if not self._failing:
                    _log.error("features with history are missing: %s", error)
                self._failing = True
            else:
                self._breaker.good()
                self._failing = False
                for one, values in zip(absent, found, strict=True):
                    missing = values.count(None)
                    self._count[one.wanted.feature, MISSING](float(missing))
                    self._count[one.wanted.feature, FOUND](float(len(values) - missing))
                return found
        for one in absent:
            self._count[one.wanted.feature, FAILED](float(len(one.places)))
        return [[None] * len(one.places) for one in absent]

    def _put(self, body: ParsedRows, absent: Absent, values: list[Any]) -> None:
        name, places = absent.wanted.feature, absent.places
        body.columns[name][places] = encode_values(values, self._contract.columns[name])
        if body.rows is None:
            for place, value in zip(places, values, strict=True):
                absent.sent[place] = value
            if isinstance(body.raw_columns, dict):
                body.raw_columns[name] = absent.sent
            return
        for place, value in zip(places, values, strict=True):
            row = body.rows[place]
            if isinstance(row, msgspec.Struct):
                setattr(row, self._fields[name], value)
            else:
                row[name] = value
