"""What moved the answers to a few rows."""

from __future__ import annotations

from ...markdown import code, number
from ..document import Section, Table
from ..evidence import Evidence

SCORES = {"binary": "log-odds, before they become a probability", "regression": "the score, before any link"}


def contributions(evidence: Evidence) -> list[Section]:
    """The contributions of features that the training recorded; none for estimators that cannot tell them exactly."""
    told = evidence.this.manifest["training"].get("contributions")
    if not told:
        return []
    table = Table(
        ["answer", "all rows start from", "what moved it", "all others"],
        [
            [
                number(row["answer"]), number(row["start"]),
                ", ".join(f"{code(name, 40)} {number(value, signed=True)}" for name, value in row["features"].items()),
                number(row["others"], signed=True),
            ]
            for row in told
        ],
    )  # fmt: skip
    words = (
        f"Holdout rows from the lowest answer to the highest, in {SCORES[evidence.this.contract.kind]}. A row's "
        "contributions add up to its score: they are the Shapley values that the estimator's own library computes."
    )
    return [Section("Contributions: what moved a few answers", [words, table], folded=True)]
