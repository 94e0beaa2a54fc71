"""The labels that people corrected: how many, by whom, where and from what to what, and how far reviewers agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow.parquet
from numpy.typing import NDArray

from ...errors import counted
from ...markdown import code, number, prose
from ...runtime.bundle import Bundle
from ...training import layout
from ...training.data.periods import period_file, read_periods
from ...training.review.agreement import agreements
from ...training.review.applied import places_of, reviewed_among
from ...training.review.corrections import ReviewedRow, read_reviews
from ...training.review.sheet import slices_of
from ...training.review.written_labels import shown
from ..document import Section, Table
from ..evidence import Evidence

LISTED = 12  # names in a list, and lines of a table that the comment shows


def corrections(evidence: Evidence) -> Section | None:
    """What people corrected in the data of this model; None if nobody did, here or on main."""
    here, before = corrected_labels(evidence.this), corrected_labels(evidence.main) if evidence.main else 0
    if not here and not before:
        return None
    reviews = read_reviews(evidence.root, evidence.this.contract)
    changed = [row for row in reviews.rows if row.is_changed]
    was = "" if evidence.main is None else f" ({before:,} on main)"
    by = Counter(name for row in changed for name in {line.reviewer for line in row.lines if line.label == row.label})
    named = ", ".join(f"{code(name, 40)} ({count:,})" for name, count in by.most_common(LISTED))
    more = f" and {len(by) - LISTED:,} more" if len(by) > LISTED else ""
    told = f"**{counted(here, 'label')} corrected by people**{was}{f': {named}{more}' if named else ''}."
    kept = len(reviews.rows) - len(changed)
    blocks: list[str | Table] = [f"{told} {counted(kept, 'reviewed label')} kept."]
    if held := int(_in_holdout(evidence, changed).sum()):
        blocks.append(
            f"{counted(held, 'corrected label')} of the holdout: this model and main's are judged by the same rows "
            "with the corrected labels."
        )
    if changed:
        blocks.append(_moves(evidence, changed))
    if found := agreements(reviews.rows, evidence.this.contract.kind == "regression"):
        lines = [
            [
                " and ".join(code(name, 40) for name in one.reviewers),
                f"{one.rows:,}",
                f"{one.share:.0%}",
                number(one.kappa),
            ]
            for one in found
        ]
        blocks.append(Table(["reviewers", "rows of both", "same label", "Cohen's kappa"], lines, shown=LISTED))
    return Section("Corrected labels", blocks)


def corrected_labels(bundle: Bundle) -> int:
    """How many labels of a bundle's data were corrected, by its manifest."""
    periods: Mapping[str, Any] = bundle.manifest["data"]["periods"]
    return sum(entry.get("corrected", {}).get("labels", 0) for entry in periods.values())


def _in_holdout(evidence: Evidence, rows: Sequence[ReviewedRow]) -> NDArray[np.bool_]:
    path = evidence.root / layout.PREDICTIONS
    if not path.is_file() or not rows:
        return np.zeros(len(rows), bool)
    contract = evidence.this.contract
    ids = pyarrow.parquet.ParquetFile(path).read(list(contract.named("id")))
    return reviewed_among(ids, rows, contract)


def _moves(evidence: Evidence, rows: Sequence[ReviewedRow]) -> Table:
    """How many labels went from what to what in each slice; of a number, whether they went up or down."""
    counts: Counter[tuple[str, str]] = Counter()
    for row, slices in zip(rows, _slices(evidence, rows), strict=True):
        for name in ["all", *(f"{column} = {value}" for column, value in slices.items())]:
            counts[name, _move(row, evidence.this.contract.kind)] += 1
    order = sorted(counts.items(), key=lambda item: (item[0][0] != "all", -item[1], item[0]))
    lines = [[prose(name, 60), prose(move, 60), f"{count:,}"] for (name, move), count in order]
    return Table(["slice", "from → to", "labels"], lines, shown=LISTED)


def _move(row: ReviewedRow, kind: str) -> str:
    given, label = row.given, row.label
    if kind == "regression" and isinstance(given, int | float) and isinstance(label, int | float):
        return "raised" if label > given else "lowered"
    return f"{shown(given)} → {shown(label)}"


def _slices(evidence: Evidence, rows: Sequence[ReviewedRow]) -> list[dict[str, str]]:
    """The slices of each row; none of a row whose period is not on this machine."""
    contract, folder = evidence.this.contract, evidence.root / layout.PERIODS
    found: list[dict[str, str]] = [{} for _ in rows]
    for period in {row.period for row in rows}:
        if not contract.slices or not period_file(folder, period).is_file():
            continue
        table = read_periods(folder, [period], list(dict.fromkeys([*contract.named("id"), *contract.slices])))
        inside = [place for place, row in enumerate(rows) if row.period == period]
        where = places_of(table, [rows[place].key for place in inside], contract)
        present = [(place, at) for place, at in zip(inside, where, strict=True) if at is not None]
        slices = slices_of(table.take([at for _, at in present]), contract)
        for (place, _), values in zip(present, slices, strict=True):
            found[place] = values
    return found
