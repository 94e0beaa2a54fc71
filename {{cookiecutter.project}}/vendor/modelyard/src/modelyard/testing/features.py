"""Whether `features` is a pure function that answers each row from that row alone, in training and in serving."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ..runtime.contract import Contract
from ..runtime.matrix import Columns
from ..runtime.project import Project
from ..runtime.rows import Row, encode
from ..training.data.dataset import encode_table
from .passed import noted
from .taken_rows import as_sent

ROWS = 200  # rows that are checked one by one
ROUNDING = 1e-12  # relative difference that a processor may make between one number and many


@dataclass(frozen=True)
class Features:
    """The project's function, called as the library calls it, with a check of the columns that it reads."""

    project: Project
    contract: Contract

    def __call__(self, columns: Columns) -> dict[str, NDArray]:
        """The features of n rows. Raises AssertionError if it reads a column that is not an input."""
        __tracebackhide__ = True
        watched = _Watched({name: values.copy() for name, values in columns.items()}, self.contract)
        try:
            return self.project.features(watched, self.contract)
        except KeyError as error:  # pandas and others look a column up in a copy
            if error.args and error.args[0] in self.contract.columns.keys() - self.contract.inputs.keys():
                raise AssertionError(_not_an_input(error.args[0], self.contract)) from None
            raise

    def of_rows(self, rows: Sequence[Row]) -> dict[str, NDArray]:
        """The features of rows as a client sends them."""
        __tracebackhide__ = True
        return self(encode(rows, self.contract))


class _Watched(dict[str, NDArray]):
    """The columns for `features`; reading any other column raises an AssertionError that lists the inputs."""

    def __init__(self, columns: Columns, contract: Contract) -> None:
        super().__init__(columns)
        self._contract = contract

    def __getitem__(self, name: str) -> NDArray:
        __tracebackhide__ = True
        self._check(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        __tracebackhide__ = True
        self._check(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        __tracebackhide__ = True
        self._check(name)
        return super().__contains__(name)

    def _check(self, name: object) -> None:
        __tracebackhide__ = True
        if name not in self.keys():
            raise AssertionError(_not_an_input(name, self._contract))


@noted
def check_arrays(features: Features, columns: Columns) -> None:
    """There is at least one feature, and each is an array of numbers with one value for each row."""
    __tracebackhide__ = True
    computed, rows = features(columns), _count(columns)
    assert isinstance(computed, dict), (
        f"features() gives a {type(computed).__name__}; a dictionary of arrays is expected"
    )
    assert computed, "features() gives no feature at all; return at least one array"
    for name, values in computed.items():
        assert isinstance(values, np.ndarray), f"feature {name!r} is a {type(values).__name__}, not a numpy array"
        assert values.shape == (rows,), f"feature {name!r} has shape {values.shape} for {rows} rows; ({rows},) is right"
        assert values.dtype.kind in "fiub", (
            f"feature {name!r} has dtype {values.dtype}: make it a float array (a quantity) or an integer array "
            "(a category, -1 where it is missing)"
        )


@noted
def check_no_infinity(features: Features, columns: Columns) -> None:
    """No quantity is infinite: estimators refuse infinity, and the service would answer with an error."""
    __tracebackhide__ = True
    for name, values in features(columns).items():
        infinite = np.flatnonzero(np.isinf(values))
        assert not len(infinite), (
            f"feature {name!r} is infinite in row {infinite[0]}, which contract.yaml allows: "
            f"{_row(columns, infinite[0], features.contract)}. Return NaN where it cannot be computed."
        )


@noted
def check_rows_alone(features: Features, columns: Columns) -> None:
    """The features of a row do not depend on the other rows."""
    __tracebackhide__ = True
    rows = _count(columns)
    among = features(columns)
    for place in np.unique(np.linspace(0, rows - 1, ROWS).astype(np.int64)):
        alone = features(_chosen(columns, slice(place, place + 1)))
        _check_kinds(alone, among, f"for one row and for {rows} rows")
        for name, values in alone.items():
            assert _same(values[0], among[name][place]), (
                f"features() looks at another row: row {place} answered {_shown(values[0])} alone and "
                f"{_shown(among[name][place])} among {rows} rows (feature {name!r}). The service answers rows one by "
                "one, so compute each row from that row alone; a mean or a rank over rows must be a constant in "
                "features.py, or part of the estimator in model.py."
            )


@noted
def check_twice(features: Features, columns: Columns) -> None:
    """The same rows get the same features again, even after other rows."""
    __tracebackhide__ = True
    first = features(columns)
    first = {name: values.copy() for name, values in first.items()}
    features(_chosen(columns, slice(0, 1)))
    again = features(columns)
    _check_kinds(again, first, "for the same rows")
    for name, values in again.items():
        wrong = np.flatnonzero(~_same(values, first[name]))
        assert not len(wrong), (
            f"features() answers the same rows in two ways: row {wrong[0]} got {_shown(first[name][wrong[0]])} and "
            f"then {_shown(values[wrong[0]])} (feature {name!r}). It may use no random numbers, no clock and no memory."
        )


@noted
def check_inputs_unchanged(features: Features, columns: Columns) -> None:
    """`features` does not change its input."""
    __tracebackhide__ = True
    watched = _Watched({name: values.copy() for name, values in columns.items()}, features.contract)
    features.project.features(watched, features.contract)
    other = sorted(watched.keys() ^ columns.keys())
    assert not other, f"features() adds columns to its input, or removes them: {', '.join(other)}; copy it first"
    for name, values in watched.items():
        wrong = np.flatnonzero(~_same(values, columns[name], exactly=True))
        assert not len(wrong), (
            f"features() changes its input: column {name!r} of row {wrong[0]} was {_shown(columns[name][wrong[0]])} "
            f"and is {_shown(values[wrong[0]])} afterwards. Copy it first: values = values.copy()"
        )


@noted
def check_inputs_only(features: Features, columns: Columns) -> None:
    """It reads the contract's inputs only: not the target, nor other columns that a service does not receive."""
    __tracebackhide__ = True
    contract = features.contract
    assert contract.target not in contract.inputs, f"contract.yaml gives the target {contract.target!r} as an input"
    features(columns)
    features(_chosen(columns, slice(0, 1)))


@noted
def check_parity(features: Features, table: pa.Table) -> None:
    """Rows of a table, as training has them, and the same rows in JSON, as a client sends them, have equal features."""
    __tracebackhide__ = True
    contract = features.contract
    trained = encode_table(table, contract)
    served = encode(json.loads(json.dumps(as_sent(table, contract))), contract)
    for label, in_training, in_service in (
        ("column", trained, served),
        ("feature", features(trained), features(served)),
    ):
        for name, values in in_training.items():
            wrong = np.flatnonzero(~_same(values, in_service[name], exactly=True))
            assert not len(wrong), (
                f"training and serving see different features: {label} {name!r} of row {wrong[0]} is "
                f"{_shown(values[wrong[0]])} in training and {_shown(in_service[name][wrong[0]])} in the service"
            )


def _not_an_input(name: object, contract: Contract) -> str:
    if name == contract.target:
        return (
            f"features() asks for column {name!r}, which is the target: nobody knows it when the model is asked, and a "
            "model that is given it in training is worth nothing"
        )
    inputs = ", ".join(contract.inputs)
    if name in contract.columns:
        role = contract.columns[str(name)].role
        return f"features() asks for column {name!r}, which has role {role} in contract.yaml; it is given: {inputs}"
    return f"features() asks for column {name!r}, which contract.yaml does not have; it is given: {inputs}"


def _check_kinds(actual: Columns, expected: Columns, when: str) -> None:
    __tracebackhide__ = True
    assert list(actual) == list(expected), (
        f"features() gives other features {when}: {', '.join(actual)}; and: {', '.join(expected)}"
    )
    for name, values in actual.items():
        assert values.dtype.kind == expected[name].dtype.kind, (
            f"feature {name!r} has another dtype {when}: {values.dtype}; and: {expected[name].dtype}"
        )


def _same(first: Any, second: Any, exactly: bool = False) -> Any:
    """Where two arrays, or two numbers, are equal; missing values are equal to each other."""
    first, second = np.asarray(first), np.asarray(second)
    if first.dtype.kind == "M":
        return (first == second) | (np.isnat(first) & np.isnat(second))
    if first.dtype.kind != "f":
        return first == second
    return np.isclose(first, second, rtol=0 if exactly else ROUNDING, atol=0, equal_nan=True)


def _chosen(columns: Columns, rows: slice | NDArray) -> dict[str, NDArray]:
    return {name: values[rows] for name, values in columns.items()}


def _count(columns: Columns) -> int:
    return len(next(iter(columns.values())))


def _row(columns: Columns, place: int, contract: Contract) -> str:
    """A row's inputs as a person reads them."""
    shown = []
    for name, column in contract.inputs.items():
        value = columns[name][place]
        if column.values is not None:
            value = None if value < 0 else column.labels[value]
        shown.append(f"{name}={_shown(value)}")
    return ", ".join(shown)


def _shown(value: Any) -> str:
    return str(value.item() if isinstance(value, np.generic) and value.dtype.kind in "fiub" else value)
