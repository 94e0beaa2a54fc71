"""The sums over rows with a label, as SQL, of which the metrics of a task can be made.

The rows have the columns `label` and those of the scores.
"""

from __future__ import annotations

from ..reporting.engine import quoted
from ..training.metrics import TINY
from .cells import score_value, sql_text
from .known import KnownBundle
from .layout import score_columns


def outcome(known: KnownBundle) -> str:
    """What calibration compares with the score: the number, or whether the class is the one of the score."""
    contract = known.contract
    if contract.kind == "regression":
        return "label"
    if contract.kind == "binary":
        return f"(label = {sql_text(contract.classes[1])})::INTEGER"
    return f"(label = {_called(known)})::INTEGER"


def _called(known: KnownBundle) -> str:
    """The class with the highest probability, the first of several."""
    steps = [
        f"WHEN {quoted(name)} = {score_value(known)} THEN {sql_text(one)}"
        for name, one in zip(score_columns(known.contract), known.contract.classes, strict=True)
    ]
    return f"CASE {' '.join(steps)} END"


def sums_of(known: KnownBundle) -> dict[str, str]:
    """The sums by name, as SQL over the rows of `judged`."""
    contract = known.contract
    if contract.kind == "regression":
        base = f"{known.baseline[0]!r}::DOUBLE"
        return {
            "rows": "count(*)",
            "squares": "sum((label - score) ** 2)",
            "absolutes": "sum(abs(label - score))",
            "centred": f"sum(label - {base})",
            "spread": f"sum((label - {base}) ** 2)",
            "apart": f"sum(abs(label - {base}))",
        }
    classes = contract.classes
    if contract.kind == "multiclass":
        scores = [
            f"WHEN label = {sql_text(one)} THEN {quoted(name)}"
            for name, one in zip(score_columns(contract), classes, strict=True)
        ]
        members = {
            f"members {place}": f"count(*) FILTER (label = {sql_text(one)})" for place, one in enumerate(classes)
        }
        right = {
            f"right {place}": f"count(*) FILTER (label = {sql_text(one)} AND {_called(known)} = label)"
            for place, one in enumerate(classes)
        }
        sure = f"greatest(CASE {' '.join(scores)} END, {float(TINY)!r})"
        return {"rows": "count(*)", "log_loss": f"sum(-ln({sure}))"} | members | right
    positive = f"label = {sql_text(classes[1])}"
    sure = f"least(greatest(CASE WHEN {positive} THEN score ELSE 1 - score END, {float(TINY)!r}), {1 - float(TINY)!r})"
    called = f"score >= {known.threshold!r}::DOUBLE"
    return {
        "rows": "count(*)",
        "positives": f"count(*) FILTER ({positive})",
        "log_loss": f"sum(-ln({sure}))",
        "brier": f"sum((score - ({positive})::INTEGER) ** 2)",
        "hits": f"count(*) FILTER ({called} AND {positive})",
        "false_alarms": f"count(*) FILTER ({called} AND NOT ({positive}))",
    }
