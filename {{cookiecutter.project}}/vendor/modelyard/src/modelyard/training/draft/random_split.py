"""What a draft says of data without a time, whose rows are split at random: what could be the time, or the group."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from ...errors import ContractError
from ...runtime.contract import Contract
from .command import arguments
from .row_names import is_likely_id
from .times import likely_times, periods_of

ENTITY = re.compile(
    r"(^|[_ ])(patient|subject|participant|person|customer|client|user|member|student|player|driver|employee|household|"
    r"account|device|sensor|machine|store|shop|family|group)s?$",
    re.IGNORECASE,
)
FEWEST = 5  # entities that can be divided between the parts of a split


def shown(name: str) -> str:
    """The name of a column, in quotes if it has blanks at an end."""
    return name if name and name == name.strip() else repr(name)


def no_time(contract: Contract, table: pa.Table, narrowed: pa.Table) -> str:
    """How rows without a time are split, what could be their time, and which column repeats as an entity does.

    table: what was drafted from; narrowed: the same in the contract's types.
    """
    told = "no time column found"
    own = "by their id" if contract.named("id") else "by their place in the data, as no column is an id"
    by = f"by {shown(contract.group)}, each with all of its rows" if contract.group else own
    choices = [
        f"{shown(name)} with {choice}"
        for name, choice in likely_times(table, narrowed, contract.target).items()
        if not contract.columns[name].pii
    ]
    if choices:
        told += f", so rows are split at random; it could be {' or '.join(choices)}"
    else:
        told += f": rows are split at random, {by}"
    told += "".join(f"; {shown(name)} has times, but {why}" for name, why in _times_not_taken(contract, narrowed))
    if contract.group is None:
        told += "".join(
            f"; {shown(name)} repeats: {arguments(['--group', name])} keeps all rows of one in the same part"
            for name in _entities(contract, narrowed)
        )
    return told


def _times_not_taken(contract: Contract, narrowed: pa.Table) -> Iterator[tuple[str, str]]:
    for name in narrowed.column_names:
        values = narrowed[name]
        if name == contract.target or not pa.types.is_temporal(values.type) or values.null_count == len(values):
            continue
        if values.null_count:
            yield name, f"is missing in {values.null_count:,} of {len(values):,} rows"
            continue
        try:
            periods_of(values)
        except ContractError:
            yield name, "all in too few days"


def _entities(contract: Contract, narrowed: pa.Table) -> Iterator[str]:
    """The columns that seem to name an entity with several rows."""
    for name, column in contract.columns.items():
        if column.role in ("target", "id", "time") or column.type not in ("string", "integer"):
            continue
        values = narrowed[name]
        is_named = is_likely_id(name) or ENTITY.search(name)
        if is_named and not values.null_count and FEWEST <= len(pc.unique(values)) <= len(values) // 2:
            yield name
