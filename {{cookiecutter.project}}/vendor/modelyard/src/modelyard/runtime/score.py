"""Score a file of rows, CSV or Parquet by its ending; memory use does not grow with the number of rows.

The output has the contract's id columns, `prediction` (for several classes, one `prediction_<class>` each) and
`decision`, one row for each row of the input, in its order. The output is complete or absent: if rows break the
contract, they are reported with their lines, and nothing is written.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import ContractError
from .contract import Contract
from .names import DECISION, scored
from .online.store import OnlineStore
from .predictor import Predictor
from .project import Project
from .rows import Problem, RowsRefused
from .table_files import Chunk, check_readable, read_chunks, suffix, writer

SHOWN = 20  # problems that are listed; the others are counted


def score(predictor: Predictor, source: Path, target: Path, kind: str, online: OnlineStore | None = None) -> int:
    """Write the answers to the rows of `source` to `target`, a ".csv" or ".parquet" file; return their number.

    online: where features with history are looked up that rows do not carry.

    Raises ContractError if rows break the contract; it lists up to 20 problems with their lines and counts the others.
    The content of `target` is then not valid.
    """
    refused: list[str] = []
    problems = rows = 0
    columns = output_columns(predictor.contract)
    with writer(target, kind, columns) as write:
        for chunk in read_chunks(source, predictor.contract):
            rows += len(chunk.rows)
            if online is not None:
                chunk = dataclasses.replace(chunk, rows=online.filled(chunk.rows))
            try:
                answers = answer(predictor, chunk)
            except RowsRefused as error:
                problems += len(error.problems)
                refused += [_placed(problem, chunk) for problem in error.problems[: SHOWN - len(refused)]]
                continue
            if not problems:
                write(answers)
    if problems:
        more = f"\nand {problems - len(refused):,} more" if problems > len(refused) else ""
        raise ContractError(
            f"{source} breaks the contract, so nothing was scored:\n"
            + "\n".join(f"  {line}" for line in refused)
            + more
        )
    return rows


def output_columns(contract: Contract) -> dict[str, str]:
    """The columns of the output and the contract's type of each."""
    kinds: dict[str, str] = {name: column.type for name, column in contract.named("id").items()}
    kinds |= dict.fromkeys(scored(contract), "number")
    return kinds | {DECISION: "number" if contract.kind == "regression" else contract.columns[contract.target].type}


def answer(predictor: Predictor, chunk: Chunk) -> list[list[Any]]:
    """For each row the values of `output_columns`. Raises RowsRefused if a row breaks the contract."""
    scores = predictor.predict(chunk.rows)
    ids = list(predictor.contract.named("id"))
    return [
        [*(row.get(name) for name in ids), *(scored if isinstance(scored, list) else [scored]), decision]
        for row, scored, decision in zip(chunk.rows, scores.tolist(), predictor.decide(scores), strict=True)
    ]


def _placed(problem: Problem, chunk: Chunk) -> str:
    return f"{chunk.unit} {chunk.places[problem.row]:,}: {problem.column} = {problem.value!r}: {problem.rule}"


@contextmanager
def beside(output: Path) -> Iterator[Path]:
    """A temporary file beside `output` that replaces it at the end; it is removed if an error occurs.

    Raises ContractError if there is no such folder.
    """
    if not output.parent.is_dir():
        raise ContractError(f"{output}: there is no folder {output.parent}; make it first")
    handle, name = tempfile.mkstemp(prefix=f".{output.name}.", dir=output.parent)
    os.close(handle)
    try:
        yield Path(name)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)  # the usual mode of a new file; mkstemp makes it private
        os.replace(name, output)
    finally:
        Path(name).unlink(missing_ok=True)


def online_store(online: str | None, predictor: Predictor) -> OnlineStore | None:
    """The online store for a predictor, if one is named. Raises ContractError as `OnlineStore` does."""
    return OnlineStore(online, predictor.contract) if online else None


def main(arguments: Sequence[str], project: Project) -> None:
    """The verb `score`."""
    parser = argparse.ArgumentParser(
        prog="score", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "input", type=Path, help="a file of rows: .csv, .tsv, .txt (UTF-8, with a header line) or .parquet"
    )
    parser.add_argument(
        "output", type=Path, nargs="?", help="where the answers go: .csv or .parquet; else CSV on stdout"
    )
    parser.add_argument("--bundle", help="the bundle's folder; else the one inside the installed wheel")
    parser.add_argument("--online", help="the online store, for features with history that rows do not carry")
    options = parser.parse_args(arguments)
    check_readable(options.input)
    if options.output is None:
        with tempfile.TemporaryDirectory() as folder:
            temporary = Path(folder) / "answers.csv"
            predictor = project.predictor(options.bundle)
            score(predictor, options.input, temporary, ".csv", online_store(options.online, predictor))
            with temporary.open(encoding="utf-8", newline="") as opened:
                shutil.copyfileobj(opened, sys.stdout)
        return
    kind = suffix(options.output)
    predictor = project.predictor(options.bundle)
    with beside(options.output) as temporary:
        rows = score(predictor, options.input, temporary, kind, online_store(options.online, predictor))
    print(f"{rows:,} rows of {options.input} scored into {options.output}", file=sys.stderr)
