"""The rules that data breaks, and the error that reports them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ...errors import ContractError

EMPTY = "every value is missing"
ADVICE = "Mend the source, or change contract.yaml if the data is right."
MAY_BE_EMPTY = "A column of which a whole file or period may have no value has `missing: true` and `empty: true` there."


@dataclass(frozen=True)
class BrokenRule:
    """One rule that a column breaks, the number of rows, and the first values that break it."""

    column: str
    rule: str
    rows: int
    examples: tuple[Any, ...] = ()

    def __str__(self) -> str:
        shown = f", for example {', '.join(map(repr, self.examples))}" if self.examples else ""
        return f"{self.column}: {self.rule}: {self.rows:,} row{'s' if self.rows != 1 else ''}{shown}"


class DataRefused(ContractError):
    """Data that breaks the contract. Nothing of it was written."""

    def __init__(self, where: str, broken: Iterable[BrokenRule]) -> None:
        self.broken = list(broken)
        lines = [f"{where} breaks the contract, so nothing was taken:", *(f"  {rule}" for rule in self.broken)]
        lines.append(" ".join([ADVICE, *([MAY_BE_EMPTY] if any(rule.rule == EMPTY for rule in self.broken) else [])]))
        super().__init__("\n".join(lines))
