"""Whether all that is made of one bundle answers its probe rows as the pipeline did, to the last bit."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from ...runtime.bundle import Bundle
from ...runtime.contract import ContractError
from ...runtime.predictor import Predictor
from .engine import Docker
from .run import run

Answer = tuple[Any, Any]  # prediction and decision


class Probes:
    """The probe rows of a bundle in each form in which they are asked, and what the pipeline answered."""

    def __init__(self, bundle: Bundle, folder: Path) -> None:
        probe = json.loads((bundle.folder / "probe.json").read_text(encoding="utf-8"))
        predictor = Predictor(bundle.folder)
        scores = predictor.predict(probe["rows"])
        self._expected = list(zip(probe["answers"], predictor.decide(scores), strict=True))
        self.text = json.dumps(probe["rows"])
        self.csv, self.parquet = folder / "probe.csv", folder / "probe.parquet"
        with self.csv.open("w", encoding="utf-8", newline="") as opened:
            lines = csv.DictWriter(opened, list(bundle.contract.inputs))
            lines.writeheader()
            lines.writerows(probe["rows"])
        pyarrow.parquet.write_table(pa.Table.from_pylist(probe["rows"]), self.parquet)
        self.check("the bundle itself", zip(scores.tolist(), predictor.decide(scores), strict=True))

    def check(self, who: str, answers: Any) -> int:
        """The number of rows that are answered as the pipeline answered them, which are all.

        Raises ContractError that names the first one that is answered otherwise.
        """
        found = list(answers)
        if len(found) != len(self._expected):
            raise ContractError(
                f"{who} gives {len(found)} answers to {len(self._expected)} probe rows; nothing may ship"
            )
        for number, (ours, right) in enumerate(zip(found, self._expected, strict=True)):
            if bits(ours) != bits(right):
                raise ContractError(
                    f"{who} answers probe row {number} with {list(ours)}, and the pipeline answered {list(right)}: "
                    "they are made of different models or run by different libraries; nothing may ship"
                )
        return len(found)


def bits(answer: Sequence[Any]) -> str:
    """A text that differs where a bit does: Python writes a float so that it reads back as the same."""
    prediction, decision = answer
    numbers = prediction if isinstance(prediction, list) else [prediction]
    return repr([[float(one).hex() for one in numbers], decision])


def from_lines(text: str) -> list[Answer]:
    """The answers that the verb `predict` printed."""
    lines = [json.loads(line) for line in text.splitlines()]
    return [(line["prediction"], line["decision"]) for line in lines]


def from_table(path: Path, bundle: Bundle) -> list[Answer]:
    """The answers in a file that the verb `score` wrote as Parquet."""
    rows = pyarrow.parquet.read_table(path).to_pylist()
    if bundle.contract.kind == "multiclass":
        names = [f"prediction_{one}" for one in bundle.contract.classes]
        return [([row[name] for name in names], row["decision"]) for row in rows]
    return [(row["prediction"], row["decision"]) for row in rows]


def ask_program(program: Path, probes: Probes) -> list[Answer]:
    """What an installed wheel, or the executable, answers to rows as JSON."""
    return from_lines(run([str(program), "predict"], given=probes.text))


def ask_with_file(program: Path, given: Path, bundle: Bundle) -> list[Answer]:
    """What the executable answers to a file of rows."""
    made = given.with_name(f"answers-to-{given.suffix[1:]}.parquet")
    run([str(program), "score", str(given), str(made)])
    return from_table(made, bundle)


def ask_image(docker: Docker, image: str, project: str, probes: Probes) -> list[Answer]:
    """What an image answers, on a read-only file system and without a network."""
    confined = ["--rm", "--interactive", "--network", "none", "--read-only", "--tmpfs", "/tmp"]  # noqa: S108
    program = ["--entrypoint", f"/opt/venv/bin/{project}", image, "predict"]
    return from_lines(docker("run", *confined, *program, given=probes.text))
