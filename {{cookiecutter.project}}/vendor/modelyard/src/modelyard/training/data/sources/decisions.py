"""What is decided to read files for a draft, for which no contract says it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Decisions:
    """What was decided to read files without a contract.

    forms: how the cells are written, where it is not the usual way. missing: by column, the texts that were taken for
    missing values and how often. zeros: by column of numbers, a cell with leading zeros, which the number has not.
    """

    forms: set[str] = field(default_factory=set)
    missing: dict[str, Counter[str]] = field(default_factory=dict)
    zeros: dict[str, str] = field(default_factory=dict)
