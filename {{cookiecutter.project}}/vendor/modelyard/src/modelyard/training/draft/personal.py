"""Marks the columns of a draft that seem to hold personal data."""

from __future__ import annotations

import dataclasses

import pyarrow as pa

from ...runtime.column import Column, Role
from ..data.validate import personal_data

UNKNOWN = "(to be described)"


def as_personal(column: Column, values: pa.ChunkedArray, name: str = "") -> Column:
    """The column, marked as personal data if its name or its values seem to be, and then no feature."""
    if not personal_data(name, values):
        return column
    role: Role = "unused" if column.role == "feature" else column.role
    return dataclasses.replace(
        column, role=role, values=column.values if role == "target" else None, other=False, pii=True, purpose=UNKNOWN
    )
