"""A SQL query through SQLAlchemy: each period of its rows is an object, so that only new periods are fetched."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
from functools import cached_property
from typing import Any
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import sqlalchemy
from sqlalchemy import URL, Engine, Result, Select, TextClause, case, column, func, literal_column, select, text

from ....errors import ContractError
from ....runtime.contract import Contract
from ....runtime.times import OFFSET, OffsetRefused, timestamp
from ...settings import Params, SqlSettings
from ..moments import WITH_OFFSET

WHOLE = "all"


class SqlSource:
    """The query's rows, by period with a WHERE around the query if the contract has a time column."""

    def __init__(self, settings: SqlSettings, params: Params, contract: Contract) -> None:
        self._settings, self._params, self._contract = settings, params, contract
        self._time = contract.time
        self._engine, self._rows = _connect(settings)

    def objects(self) -> dict[str, str]:
        """A fingerprint of each period up to the watermark, which the database computes from its rows."""
        return {period: self._fingerprint(period) for period in self._periods()}

    def read(self, name: str) -> pa.Table:
        """The rows of one period."""
        return _table(self._run(self._within(select(text("*")).select_from(self._rows), name)))

    def _periods(self) -> list[str]:
        if self._time is None:
            return [WHOLE]
        first = self._first
        if first is None:
            raise ContractError("the query in params.yaml has no rows")
        declared = dataclasses.replace(self._contract.columns[self._time], format=None, minimum=None, maximum=None)
        try:
            moment = timestamp(str(first), declared)
            start = self._params.start(np.datetime_as_string(moment, unit=self._params.unit))
        except OffsetRefused:
            raise ContractError(f"the query in params.yaml: {self._time} is {str(first)!r}: it {OFFSET}") from None
        except (ValueError, OverflowError):
            raise ContractError(f"the query in params.yaml: {self._time} is {first!r}: a time is expected") from None
        end = self._params.start(str(self._params.watermark))
        return [str(period) for period in np.arange(start, end + 1)]

    @cached_property
    def _first(self) -> Any:
        """The earliest time of the query's rows."""
        first = self._run(select(func.min(column(str(self._time)))).select_from(self._rows)).scalar()
        if isinstance(first, str) and WITH_OFFSET.search(first):
            raise ContractError(
                f"the query in params.yaml: {self._time} is {first!r}: text with an offset, by which no database "
                "divides rows into periods; let the query give local times"
            )
        return first

    def _fingerprint(self, period: str) -> str:
        measures: list[Any] = [func.count()]
        if self._settings.fingerprint:
            measures.append(literal_column(self._settings.fingerprint))
        for name, declared in self._contract.columns.items():
            measures.append(func.count(column(name)))
            if declared.type == "boolean":
                measures.append(func.count(case((column(name), 1))))  # not every database has the minimum of booleans
            elif declared.type in ("integer", "number"):
                measures.append(func.sum(column(name)))
            else:
                measures += [func.min(column(name)), func.max(column(name))]
            if declared.type == "string":
                measures.append(func.sum(func.length(column(name))))
        row = self._run(self._within(select(*measures).select_from(self._rows), period)).one()
        return hashlib.sha256(json.dumps([str(value) for value in row]).encode()).hexdigest()

    def _within(self, query: Select, period: str) -> Select:
        if self._time is None:
            return query
        start = self._params.start(period)
        ends = [edge.astype("datetime64[D]") for edge in (start, start + 1)]
        # SQLite keeps times as text, which compares with a date as text but not with a full timestamp
        as_text = self._engine.dialect.name == "sqlite"
        zone = self._contract.columns[self._time].zone if getattr(self._first, "tzinfo", None) else None
        low, high = (
            str(edge) if as_text else edge.astype("datetime64[s]").item().replace(tzinfo=zone) for edge in ends
        )
        return query.where(column(self._time) >= low, column(self._time) < high)

    def _run(self, query: Select) -> Result:
        return _run(self._engine, query)


def read_query(settings: SqlSettings) -> pa.Table:
    """All rows of a query. Raises ContractError if the database cannot run it."""
    engine, rows = _connect(settings)
    return _table(_run(engine, select(text("*")).select_from(rows)))


def _connect(settings: SqlSettings) -> tuple[Engine, TextClause]:
    """The database, and the query as a FROM clause."""
    named = [plain or braced for plain, braced in re.findall(r"\$(?:(\w+)|\{(\w+)\})", settings.url)]
    missing = [name for name in named if name not in os.environ]
    if missing:
        raise ContractError(f"source.url names ${missing[0]}, which the environment does not have")
    try:
        engine = sqlalchemy.create_engine(_address(settings.url))
    except ValueError:  # its message has a part of the URL, which may be one of the password
        raise ContractError("source.url cannot be parsed: its port is not a number") from None
    except ModuleNotFoundError as error:
        raise ContractError(
            f"source.url cannot be opened: {error}; add the database's driver to the extra `train` in pyproject.toml, "
            "then run `make lock APPLY=1`"
        ) from None
    except (sqlalchemy.exc.SQLAlchemyError, ImportError) as error:
        raise ContractError(f"source.url cannot be opened: {error}") from None
    return engine, text(f"({settings.query.strip().rstrip(';')}) AS source_rows")


def _address(url: str) -> URL:
    """The URL with what the environment has for each `$NAME`; a value may have any character, or be percent-encoded."""
    try:
        address = sqlalchemy.make_url(url)
    except (sqlalchemy.exc.ArgumentError, ValueError):  # a whole URL, or its port, is in the environment
        return sqlalchemy.make_url(os.path.expandvars(url))
    return address.set(
        username=_filled(address.username),
        password=_filled(address.password),
        host=_filled(address.host),
        database=_filled(address.database),
        query={name: _filled(text) or "" if isinstance(text, str) else text for name, text in address.query.items()},
    )


def _filled(text: str | None) -> str | None:
    return unquote(os.path.expandvars(text)) if text and "$" in text else text


def _run(engine: Engine, query: Select) -> Result:
    try:
        with engine.connect() as connection:
            return connection.execute(query).freeze()()
    except sqlalchemy.exc.SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise ContractError(f"the source's query failed: {reason}") from None


def _table(result: Result) -> pa.Table:
    names = list(result.keys())
    rows = [tuple(row) for row in result]
    cells = zip(*rows, strict=True) if rows else [()] * len(names)
    return pa.Table.from_arrays([_array(values) for values in cells], names)  # names may be there twice


def _array(cells: tuple[Any, ...]) -> pa.Array:
    try:
        return pa.array(cells)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if cell is None else str(cell) for cell in cells])
