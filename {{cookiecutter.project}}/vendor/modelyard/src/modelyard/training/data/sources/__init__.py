"""The sources of rows. A source lists its objects with their fingerprints, and reads them one by one.

An object is a part that can be read by itself: a file, or one period of a query. Its fingerprint is the same on every
machine and changes when the object changes.
"""

from __future__ import annotations

from typing import Protocol

import pyarrow as pa


class Source(Protocol):
    """One kind of source."""

    def objects(self) -> dict[str, str]:
        """The fingerprint of each object, by name, without reading the objects into memory."""

    def read(self, name: str) -> pa.Table:
        """The rows of one object, in the source's order. Raises ContractError if it cannot be read."""
