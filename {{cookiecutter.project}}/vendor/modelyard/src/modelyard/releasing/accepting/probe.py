"""The probe rows of a bundle, and the answers that it must give to them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import ContractError
from ...runtime.bundle import Bundle
from ...runtime.project import Project
from ..packaging.answers import Answer, bits


@dataclass(frozen=True)
class Probe:
    """n rows, and for each of them the prediction and the decision."""

    rows: Sequence[Mapping[str, Any]]
    answers: Sequence[Answer]

    def fault(self, number: int, answer: Answer) -> str | None:
        """What is wrong with the answer to a row, to the last bit; None where nothing is."""
        expected = self.answers[number]
        if bits(answer) == bits(expected):
            return None
        return f"probe row {number} is answered with {list(answer)}, and the pipeline answered {list(expected)}"


def read_probe(project: Project, bundle: Bundle) -> Probe:
    """The probe of a bundle. Raises ContractError where it has no rows."""
    content = json.loads((bundle.folder / "probe.json").read_text(encoding="utf-8"))
    if not content["rows"]:
        raise ContractError(f"{bundle.folder}/probe.json has no rows, so nothing can be asked; make the bundle again")
    decisions = project.predictor(bundle.folder).decide(np.array(content["answers"], dtype=np.float64))
    return Probe(content["rows"], list(zip(content["answers"], decisions, strict=True)))
