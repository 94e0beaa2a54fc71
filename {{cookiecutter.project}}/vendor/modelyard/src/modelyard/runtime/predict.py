"""Answer rows, given as a JSON array or as one JSON object a line; writes one JSON object a line."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import ContractError
from .csv_form import encoding_fault
from .online.store import OnlineStore
from .project import Project
from .rows import Row
from .table_files import READ


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
        raise ContractError(
            f"the rows are no JSON: {where}: {error.msg}; CSV and Parquet are read by `score`"
        ) from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, lists of thousands of lists
        raise ContractError(f"the rows are no JSON that can be read: from line {line} on: {error}") from None


def _text(name: str) -> str:
    """The text of a file or of stdin, in UTF-8, UTF-16 or UTF-32."""
    if Path(name).suffix.lower() in READ:
        raise ContractError(f"{name}: rows of JSON are expected; CSV and Parquet are read by `score`")
    try:
        # a test or a notebook may have put text there
        content = getattr(sys.stdin, "buffer", sys.stdin).read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise ContractError(f"{name} cannot be read: {error.strerror or error}") from None
    if isinstance(content, str):
        return content
    try:
        return content.decode(json.detect_encoding(content))
    except UnicodeError:
        where, path = ("stdin", None) if name == "-" else (name, name)
        raise encoding_fault(content.splitlines(), where, path) from None


def main(arguments: Sequence[str], project: Project) -> None:
    """The verb `predict`."""
    parser = argparse.ArgumentParser(prog="predict", description=__doc__)
    parser.add_argument("rows", nargs="?", default="-", help="a file, or - for stdin")
    parser.add_argument("--bundle", help="the bundle's folder; else the one inside the installed wheel")
    parser.add_argument("--online", help="the online store, for features with history that rows do not carry")
    options = parser.parse_args(arguments)
    predictor = project.predictor(options.bundle)
    rows: Sequence[Row] = read_rows(_text(options.rows))
    if options.online:
        rows = OnlineStore(options.online, predictor.contract).filled(rows)
    scores = predictor.predict(rows)
    for score, decision in zip(scores.tolist(), predictor.decide(scores), strict=True):
        sys.stdout.write(json.dumps({"prediction": score, "decision": decision}) + "\n")
