"""Answer rows, given as a JSON array or as one JSON object a line; writes one JSON object a line."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from ..errors import ContractError
from .project import Project


def read_rows(text: str) -> list[dict[str, Any]]:
    """The rows in a text. Raises ContractError that names the line that is not JSON or not an object."""
    if text.lstrip().startswith("["):
        rows = _parse(text)
    else:
        rows = [_parse(line, number) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise ContractError(f"row {number} is no JSON object: {row!r}")
    return rows


def _parse(text: str, line: int = 1) -> Any:
    """Parse the JSON of a text that starts in this line."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {line + error.lineno - 1}, column {error.colno}"
        raise ContractError(f"the rows are no JSON: {where}: {error.msg}") from None


def main(arguments: Sequence[str], project: Project) -> None:
    """The verb `predict`."""
    parser = argparse.ArgumentParser(prog="predict", description=__doc__)
    parser.add_argument(
        "rows", nargs="?", type=argparse.FileType(encoding="utf-8"), default="-", help="a file, or - for stdin"
    )
    parser.add_argument("--bundle", help="the bundle's folder; else the one inside the installed wheel")
    options = parser.parse_args(arguments)
    predictor = project.predictor(options.bundle)
    scores = predictor.predict(read_rows(options.rows.read()))
    for score, decision in zip(scores.tolist(), predictor.decide(scores), strict=True):
        sys.stdout.write(json.dumps({"prediction": score, "decision": decision}) + "\n")
