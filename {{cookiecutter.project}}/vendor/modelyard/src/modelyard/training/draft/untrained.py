"""Refuses a split by which there is nothing to learn or to judge by, or a class without a training row."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ...errors import ContractError
from ...runtime.contract import Contract
from ..data.conform import conform
from ..data.dataset import split_rows
from ..data.parts import Part, split_time
from ..settings import Params
from .command import arguments

PARTS: tuple[Part, ...] = ("train", "validation", "holdout")
SMALLER = "make split.holdout or split.validation in params.yaml smaller, or "


def refuse_untrained(contract: Contract, table: pa.Table, params: Params, is_kept: bool) -> None:
    """Raise ContractError as the stages would: where a part has no row with a target, or a class no training row.

    It names each such class, where its rows are, and what to do. is_kept: the split was not drafted for this table, so
    that another may do.
    """
    names = [*contract.named("time"), *contract.named("group"), *contract.named("id"), contract.target]
    columns = pa.table({name: conform(table[name], contract.columns[name]) for name in names})
    target, smaller = columns[contract.target], SMALLER if is_kept else ""
    parts, where = _by_time(contract, columns, params) if contract.time else _at_random(contract, columns, params)
    for part, is_there in parts.items():
        if not (is_there & target.is_valid().to_numpy()).any():
            raise ContractError(
                f"nothing was written, as no {part} row has {contract.target} to learn or judge by; {smaller}get more "
                "rows"
            )
    told, to = [], " to " if contract.time else " and "
    for value in contract.classes:
        has_it = pc.fill_null(pc.equal(target, pa.scalar(value, target.type)), False).to_numpy()
        if not (has_it & parts["train"]).any():
            places = np.unique(where[has_it])
            rows = "1 row" if has_it.sum() == 1 else f"{has_it.sum():,} rows"
            found = f"{rows}, in {to.join(dict.fromkeys(places[[0, -1]]))}" if len(places) else "no row"
            told.append(f"{contract.target} = {value!r} has {found}")
    if told:
        leave = "leave these rows out at the source, or give them the name of another class there, and draft again"
        if contract.columns[contract.target].type == "integer":
            leave += f"; or, if {contract.target} is a quantity rather than a class, add {arguments(['--regression'])}"
        raise ContractError(
            "nothing was written, as no model can learn a class without a training row: "
            f"{'; '.join(told)}; {smaller}{leave}"
        )


def _by_time(contract: Contract, columns: pa.Table, params: Params) -> tuple[dict[Part, NDArray[np.bool_]], NDArray]:
    """Which rows are in each part, and the period of each row."""
    moments = columns[str(contract.time)].to_numpy()
    days, periods = moments.astype("datetime64[D]"), moments.astype(f"datetime64[{params.unit}]").astype(str)

    def last_day(period: str, before: np.datetime64 | None) -> np.datetime64 | None:
        found = days[periods == period]
        found = found if before is None else found[found < before]
        return found.max() if len(found) else None

    taken = [str(period) for period in np.unique(periods) if params.includes(str(period))]
    parts = {}
    for part, stretch in split_time(taken, params.split, params.unit, last_day).items():
        parts[part] = np.isin(periods, stretch.periods)
        if stretch.days:
            parts[part] &= (days >= stretch.days[0]) & (days <= stretch.days[1])
    return parts, periods


def _at_random(contract: Contract, columns: pa.Table, params: Params) -> tuple[dict[Part, NDArray[np.bool_]], NDArray]:
    """Which rows are in each part, and the part of each row."""
    found = split_rows(columns, contract, params.split)
    return {part: found == part for part in PARTS}, found
