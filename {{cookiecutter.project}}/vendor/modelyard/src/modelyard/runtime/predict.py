"""Answer rows, given as a JSON array or as one JSON object a line; one JSON object a line comes out."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from ..command import run
from .contract import ContractError
from .predictor import Predictor


def read_rows(text: str) -> list[dict[str, Any]]:
    """The rows in a text. Raises ContractError that names the line where it is no JSON or no object."""
    if text.lstrip().startswith("["):
        rows = _parse(text)
    else:
        rows = [_parse(line, number) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise ContractError(f"row {number} is no JSON object: {row!r}")
    return rows


def _parse(text: str, line: int = 1) -> Any:
    """The JSON of a text that starts in this line."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = f"line {line + error.lineno - 1}, column {error.colno}"
        raise ContractError(f"the rows are no JSON: {where}: {error.msg}") from None


def main(arguments: list[str] | None = None) -> None:
    """The verb `predict`."""
    parser = argparse.ArgumentParser(prog="predict", description=__doc__)
    parser.add_argument(
        "rows", nargs="?", type=argparse.FileType(encoding="utf-8"), default="-", help="a file, or - for stdin"
    )
    parser.add_argument("--bundle", help="the bundle's folder; else the one inside the installed wheel")
    given = parser.parse_args(arguments)
    predictor = Predictor(given.bundle)
    scores = predictor.predict(read_rows(given.rows.read()))
    for score, decision in zip(scores.tolist(), predictor.decide(scores), strict=True):
        sys.stdout.write(json.dumps({"prediction": score, "decision": decision}) + "\n")


if __name__ == "__main__":
    run(main)
