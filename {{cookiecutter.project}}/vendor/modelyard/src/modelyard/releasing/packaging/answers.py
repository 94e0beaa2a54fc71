"""Whether everything that is built from one bundle answers its probe rows as the pipeline did, to the last bit."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from ...errors import ContractError
from ...runtime.bundle import Bundle
from ...runtime.names import DECISION, scored
from ...runtime.project import Project
from .engine import Docker
from .run import run

Answer = tuple[Any, Any]  # prediction and decision


class Probes:
    """The probe rows of a bundle in each form in which they are sent, and the pipeline's answers."""

    def __init__(self, project: Project, bundle: Bundle, folder: Path) -> None:
        probe = json.loads((bundle.folder / "probe.json").read_text(encoding="utf-8"))
        predictor = project.predictor(bundle.folder)
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
        """Compare answers with the pipeline's. Returns the number of rows.

        Raises ContractError that names the first row with a different answer.
        """
        rows = list(answers)
        if len(rows) != len(self._expected):
            raise ContractError(
                f"{who} gives {len(rows)} answers to {len(self._expected)} probe rows; nothing may ship"
            )
        for number, (row, expected) in enumerate(zip(rows, self._expected, strict=True)):
            if bits(row) != bits(expected):
                raise ContractError(
                    f"{who} answers probe row {number} with {list(row)}, and the pipeline answered {list(expected)}: "
                    "they are made of different models or run by different libraries; nothing may ship"
                )
        return len(rows)


def bits(answer: Sequence[Any]) -> str:
    """A text that differs if any bit of the answer does."""
    prediction, decision = answer
    numbers = prediction if isinstance(prediction, list) else [prediction]
    return repr([[float(one).hex() for one in numbers], decision])


def from_lines(text: str) -> list[Answer]:
    """The answers that the verb `predict` printed."""
    lines = [json.loads(line) for line in text.splitlines()]
    return [(line["prediction"], line["decision"]) for line in lines]


def from_table(path: Path, bundle: Bundle) -> list[Answer]:
    """The answers in a file that the verb `score` wrote as Parquet."""
    rows = pyarrow.parquet.ParquetFile(path).read().to_pylist()
    names = scored(bundle.contract)
    if bundle.contract.kind == "multiclass":
        return [([row[name] for name in names], row[DECISION]) for row in rows]
    return [(row[names[0]], row[DECISION]) for row in rows]


def ask_program(program: Path, probes: Probes) -> list[Answer]:
    """What an installed wheel, or the executable, answers to rows as JSON."""
    return from_lines(run([str(program), "predict"], stdin=probes.text))


def ask_with_file(program: Path, rows_file: Path, bundle: Bundle) -> list[Answer]:
    """What the executable answers to a file of rows."""
    answers_file = rows_file.with_name(f"answers-to-{rows_file.suffix[1:]}.parquet")
    run([str(program), "score", str(rows_file), str(answers_file)])
    return from_table(answers_file, bundle)


def ask_image(docker: Docker, image: str, name: str, probes: Probes) -> list[Answer]:
    """What an image answers, on a read-only file system and without a network. name: of the program, the project's."""
    confined = ["--rm", "--interactive", "--network", "none", "--read-only", "--tmpfs", "/tmp"]  # noqa: S108
    program = ["--entrypoint", f"/opt/venv/bin/{name}", image, "predict"]
    return from_lines(docker("run", *confined, *program, stdin=probes.text))
