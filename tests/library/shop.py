"""Months of a shop's sales, and what may go wrong with one of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from modelyard.runtime.contract import Column, Contract

Change = Callable[[pa.Table], pa.Table]

ROWS = 600
SHOPS = ["north", "south", "east", "west", "online"]
COLUMNS = {
    "sale": Column("string", "id", ""),
    "at": Column("timestamp", "time", ""),
    "shop": Column("string", "feature", "", values=[*SHOPS, "closed"]),
    "warmth": Column("number", "feature", "", unit="degF", missing=True),
    "way": Column("number", "feature", "", unit="mi"),
    "rain": Column("number", "feature", "", unit="in"),
    "amount": Column("number", "feature", ""),
    "weekend": Column("boolean", "feature", "", missing=True),
    "returned": Column("boolean", "target", "", missing=True),
}
SHOP = Contract("shop", "", "", COLUMNS)
PAID = Contract("shop", "", "", {**COLUMNS, "returned": Column("number", "target", "", unit="min", missing=True)})


def month(number: int, seed: int = 0, contract: Contract = SHOP) -> pa.Table:
    """A month's rows: the seasons move warmth and returns, and chance moves everything a little more than sampling."""
    random = np.random.default_rng([seed, number])
    rows = int(ROWS * np.exp(random.normal(0, 0.08)))
    season = np.sin(2 * np.pi * (number - 3) / 12)
    warmth = random.normal(55 + 22 * season + random.normal(0, 2), 9, rows)
    shares = np.exp(random.normal(0, 0.1, len(SHOPS)))
    start = (np.datetime64("2013-01", "M") + number).astype("datetime64[s]")
    length = int(((np.datetime64("2013-01", "M") + number + 1).astype("datetime64[s]") - start).astype(np.int64))
    risk = 0.2 + 0.06 * season + random.normal(0, 0.015)
    late = np.sort(random.integers(0, length, rows)).astype("timedelta64[s]")
    returned: object = random.random(rows) < risk
    if contract is PAID:
        returned = random.gamma(2, 40 * risk, rows)
    return pa.table(
        {
            "sale": [f"{number}-{row}" for row in range(rows)],
            "at": pa.array((start + late).astype("datetime64[us]")),
            "shop": random.choice(SHOPS, rows, p=shares / shares.sum()),
            "warmth": pa.array(warmth, mask=random.random(rows) < 0.02),
            "way": random.gamma(3, 300, rows),
            "rain": np.where(random.random(rows) < 0.05 + 0.03 * random.random(), random.gamma(1, 0.2, rows), 0.0),
            "amount": np.exp(random.normal(3 + random.normal(0, 0.1), 1.2, rows)),
            "weekend": random.random(rows) < 2 / 7,
            "returned": pa.array(returned, mask=random.random(rows) < 0.03),
        }
    )


def name(number: int) -> str:
    return str(np.datetime64("2013-01", "M") + number)


def put(column: str, change: Callable[[pa.ChunkedArray], pa.ChunkedArray]) -> Callable[[pa.Table], pa.Table]:
    def changed(table: pa.Table) -> pa.Table:
        values = change(table[column]).cast(table.schema.field(column).type)
        return table.set_column(table.column_names.index(column), column, values)

    return changed


def times(factor: float, offset: float = 0.0) -> Callable[[pa.ChunkedArray], pa.ChunkedArray]:
    return lambda values: pc.add(pc.multiply(values, factor), offset)


def always(value: object) -> Callable[[pa.ChunkedArray], pa.ChunkedArray]:
    return lambda values: pa.chunked_array([pa.array([value] * len(values), values.type)])


def first_half(table: pa.Table) -> pa.Table:
    return table.slice(0, table.num_rows // 2)


def twice(table: pa.Table) -> pa.Table:
    again = put("sale", lambda ids: pc.binary_join_element_wise(ids, pa.scalar("b"), ""))(table)
    return pa.concat_tables([table, again])


def merged(old: str, new: str) -> Callable[[pa.ChunkedArray], pa.ChunkedArray]:
    return lambda values: pc.if_else(pc.equal(values, old), new, values)
