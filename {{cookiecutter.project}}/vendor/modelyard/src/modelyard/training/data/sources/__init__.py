"""The sources of rows. A source lists its objects with their fingerprints, and reads them one by one.

An object is a part that can be read by itself: a file, or one period of a query. Its fingerprint is the same on every
machine and changes when the object changes.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol, runtime_checkable

import pyarrow as pa

from ..ledger import StreamLedger


class Source(Protocol):
    """One kind of source."""

    def objects(self) -> dict[str, str]:
        """The fingerprint of each object, by name, without reading the objects into memory."""

    def read(self, name: str) -> pa.Table:
        """The rows of one object, in the source's order. Raises ContractError if it cannot be read."""


@runtime_checkable
class KnowsOffsets(Protocol):
    """A source whose ledger also has offsets."""

    def ledger(self, periods: Collection[str]) -> StreamLedger:
        """What the ledger is to know once these periods are taken."""

    def told(self) -> list[str]:
        """Lines about what was left out in this run."""
