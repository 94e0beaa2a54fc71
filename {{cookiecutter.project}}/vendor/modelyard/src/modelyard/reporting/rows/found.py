"""The files in which main's data and the data here differ, as far as they are on this machine."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...judging.main_rows import differing, file_name
from ...runtime.contract import Contract
from ...training.data.periods import written_sha256
from .sides import Side, Sides


@dataclass(frozen=True)
class Held:
    """One version as it is held: its contract, its ledger, and the folder with the rows of its periods."""

    contract: Contract
    ledger: Mapping[str, Any]
    folder: Path

    def files(self, periods: Collection[str]) -> dict[str, Path]:
        """The file of each of these periods."""
        return {period: self.folder / file_name(period) for period in periods}

    def absent(self, periods: Collection[str]) -> list[str]:
        """Those whose rows are not there, or are not those of the ledger."""
        entries = self.ledger["periods"]
        return [period for period in periods if written_sha256(self.folder, period) != entries[period]["sha256"]]


@dataclass(frozen=True)
class Differing:
    """What is to be compared.

    periods: those that differ. some_same: whether there are others. whole: whether all rows are compared.
    lost: periods whose rows are not on this machine, of main and of the version here; then nothing can be compared.
    """

    sides: Sides
    periods: list[str]
    some_same: bool
    whole: bool
    lost: tuple[list[str], list[str]]


def find_differing(main: Held, this: Held) -> Differing | None:
    """The files to compare; None if both have the same rows.

    Rows with ids are compared in the periods that differ, as all others are the same. Rows without are compared in the
    periods that both have, or all of them if none of these differs.
    """
    gone, new = differing(main.ledger, this.ledger), differing(this.ledger, main.ledger)
    if not gone and not new:
        return None
    lost = main.absent(gone), this.absent(new)
    sides = Sides(Side(main.contract, main.files(gone)), Side(this.contract, this.files(new)))
    whole = False
    if not sides.ids:
        both = [period for period in gone if period in new]
        whole = not both
        same = this.files([period for period in this.ledger["periods"] if period not in new]) if whole else {}
        sides = Sides(
            Side(main.contract, {**same, **main.files(both or gone)}),
            Side(this.contract, {**same, **this.files(both or new)}),
        )
    some_same = len(new) < len(this.ledger["periods"])
    return Differing(sides, sorted({*gone, *new}), some_same, whole, lost)
