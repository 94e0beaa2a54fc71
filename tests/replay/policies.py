"""The policies that judge nothing: never to train again, and to promote what each month gives."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pyarrow as pa
from modelyard.errors import ContractError
from modelyard.runtime.matrix import Columns, matrix
from modelyard.training.data.dataset import Rows, encode_table, encode_target
from modelyard.training.fit import Trained, fit
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from .datasets import DataSet
from .years import Year


class Policy(Protocol):
    """What answers the rows of a month, and what is done when the month is over.

    title: what the table calls it.
    """

    title: str

    def answer(self, columns: Columns) -> NDArray[np.float64]:
        """The answers of the model that serves."""

    def month_ended(self, month: str) -> str:
        """Learn what the month brought; what happened, in a few words."""


class Fits:
    """Models by the tables that they were fitted on, so that years that are alike until a month share them."""

    def __init__(self) -> None:
        self._fitted: dict[tuple[str, ...], Trained | ContractError] = {}

    def fit(self, data: DataSet, year: Year, months: list[str]) -> Trained:
        """The project's estimator on all labelled rows of these months, as the source has them in that year.

        Raises ContractError where it cannot be fitted.
        """
        told = [f"{month} {year.name}" if year.is_broken(data, month) else month for month in months]
        key = (data.name, *told)
        if key not in self._fitted:
            try:
                self._fitted[key] = fit(data.project, _rows(data, year, months), data.contract, data.params)
            except ContractError as error:
                self._fitted[key] = error
        found = self._fitted[key]
        if isinstance(found, ContractError):
            raise found
        return found


class Unjudged:
    """A model of each month's end, which serves at once.

    window: how many of the last months it is fitted on (None: all). again: whether there is another after the first.
    """

    def __init__(
        self, title: str, data: DataSet, year: Year, fits: Fits, window: int | None = None, again: bool = True
    ) -> None:
        self.title = title
        self._data, self._year, self._fits, self._window, self._again = data, year, fits, window, again
        self._model = self._fit(data.first)

    def answer(self, columns: Columns) -> NDArray[np.float64]:
        """What the last model that could be fitted answers."""
        with threadpool_limits(self._data.params.threads):
            return self._model.predict(matrix(self._data.project.features(columns, self._data.contract)))

    def month_ended(self, month: str) -> str:
        """Fit on what there is now."""
        if not self._again:
            return ""
        try:
            self._model = self._fit(month)
        except ContractError as error:
            return f"not fitted: {error}"
        return "promoted"

    def _fit(self, last: str) -> Trained:
        months = [month for month in self._data.truth if month <= last]
        return self._fits.fit(self._data, self._year, months[-self._window :] if self._window else months)


UNJUDGED = ("never", "always", "window")


def unjudged(data: DataSet, year: Year, fits: Fits) -> dict[str, Policy]:
    """The baselines by their names."""
    return {
        "never": Unjudged("never retrained", data, year, fits, again=False),
        "always": Unjudged("always, all history", data, year, fits),
        "window": Unjudged("always, three months", data, year, fits, window=3),
    }


def labelled(data: DataSet, table: pa.Table, months: list[str]) -> Rows:
    """The rows of a table whose label is known, as the library's functions take them."""
    known = table.filter(table[data.contract.target].is_valid())
    return Rows(
        table=known,
        columns=encode_table(known, data.contract),
        target=encode_target(known, data.contract),
        unlabelled=table.num_rows - known.num_rows,
        periods=months,
    )


def _rows(data: DataSet, year: Year, months: list[str]) -> Rows:
    return labelled(data, pa.concat_tables(year.delivered(data, month) for month in months), months)
