"""The rows that a bundle brings along, and the answers that it must give to them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...runtime.bundle import Bundle
from ..packaging.answers import Answer, bits
from ...runtime.contract import ContractError
from ...runtime.predictor import Predictor


@dataclass(frozen=True)
class Probe:
    """n rows, and for each of them the prediction and the decision."""

    rows: Sequence[Mapping[str, Any]]
    answers: Sequence[Answer]

    def fault(self, number: int, found: Answer) -> str | None:
        """What is wrong with the answer to a row, to the last bit; None where nothing is."""
        right = self.answers[number]
        if bits(found) == bits(right):
            return None
        return f"probe row {number} is answered with {list(found)}, and the pipeline answered {list(right)}"


def read_probe(bundle: Bundle) -> Probe:
    """The probe of a bundle. Raises ContractError where it has no rows."""
    found = json.loads((bundle.folder / "probe.json").read_text(encoding="utf-8"))
    if not found["rows"]:
        raise ContractError(f"{bundle.folder}/probe.json has no rows, so nothing can be asked; make the bundle again")
    decisions = Predictor(bundle.folder).decide(np.array(found["answers"], dtype=np.float64))
    return Probe(found["rows"], list(zip(found["answers"], decisions, strict=True)))
