"""How far reviewers of the same rows agree, beyond what chance would bring."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from .corrections import ReviewedRow
from .written_labels import Label, shown


@dataclass(frozen=True)
class Agreement:
    """Two reviewers, the rows that both reviewed, the share of these with the same label, and Cohen's kappa.

    kappa: 1 is full agreement, 0 what chance would bring (Cohen, 1960); NaN where it is undefined: of numbers, and
    where both gave one and the same label to all rows.
    """

    reviewers: tuple[str, str]
    rows: int
    share: float
    kappa: float


def agreements(rows: Sequence[ReviewedRow], is_number: bool) -> list[Agreement]:
    """The agreement of each pair of reviewers that have rows in common, by their names."""
    said: dict[str, dict[int, Label]] = {}
    names: dict[str, str] = {}
    for place, row in enumerate(rows):
        for line in row.lines:
            name = names.setdefault(line.reviewer.casefold(), line.reviewer)
            said.setdefault(name, {})[place] = line.label
    found = []
    for one, other in combinations(sorted(said), 2):
        both = sorted(said[one].keys() & said[other].keys())
        if both:
            pairs = [(shown(said[one][place]), shown(said[other][place])) for place in both]
            share = sum(first == second for first, second in pairs) / len(pairs)
            found.append(Agreement((one, other), len(both), share, math.nan if is_number else _kappa(pairs)))
    return found


def _kappa(pairs: Sequence[tuple[str, str]]) -> float:
    from sklearn.metrics import cohen_kappa_score  # takes a second, and two reviewers of a row are rare

    if len({label for pair in pairs for label in pair}) == 1:
        return math.nan
    return float(cohen_kappa_score(*zip(*pairs, strict=True)))
