"""Which rows a model was fitted on, in a sentence, by the facts about its training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .data.periods import WHOLE


def fitted(training: Mapping[str, Any], kind: str) -> str:
    """What the shipped model was fitted on, and what answered the validation rows; the training as the manifest has it.

    kind: of the contract; the validation rows choose the threshold of a binary model.
    """
    use = "its answers to them chose the threshold" if kind == "binary" else "its answers to them compare settings"
    if not training.get("refit"):  # also where an earlier version of the library trained
        told = f"Fitted on {_rows(training)}, without the validation rows: {use}."
    else:
        told = (
            f"Fitted on {_rows(training)}, those for validation included. A first fit, on "
            f"{_rows(training['first_fit'])}, was made without these: {use}."
        )
    if count := training.get("partitions"):
        told += f" {count} workers fitted it together, each with a partition of the rows."
    return " ".join([told, *adds_up(training)])


def adds_up(training: Mapping[str, Any]) -> list[str]:
    """How far the model is from what its library answers itself, where that adds up in single precision."""
    return [
        f"The model adds up in float64; {name}'s own answers, in float32, are at most {gap:.1e} away."
        for name, gap in training.get("single_precision", {}).items()
    ]


def _rows(told: Mapping[str, Any]) -> str:
    first, last = (str(told[end])[:20] for end in ("first_period", "last_period"))
    if first == WHOLE:
        return f"{told['rows']:,} rows"
    return f"{told['rows']:,} rows of {first}" + (f" to {last}" if last != first else "")
