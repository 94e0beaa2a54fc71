"""Score a file of rows, CSV or Parquet by its ending, in as little memory for many rows as for few.

The output has the contract's id columns, `prediction` (of several classes: one `prediction_<class>` each) and
`decision`, a row for each row of the input and in its order. It is there whole or not at all: where
rows break the contract, they are named with their lines, and nothing is written.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..command import run
from .contract import Contract, ContractError
from .predictor import Predictor
from .rows import Problem, RowsRefused
from .table_files import Chunk, read_chunks, suffix, writer

SHOWN = 20  # problems that are named; the others are counted


def score(predictor: Predictor, given: Path, made: Path, kind: str) -> int:
    """Write the answers to the rows of the file `given` to `made`, a file of kind ".csv" or ".parquet"; their number.

    Raises ContractError that names up to 20 problems with their lines, and how many more there are, where rows break
    the contract; what is in `made` then is no answer.
    """
    refused: list[str] = []
    found = rows = 0
    columns = output_columns(predictor.contract)
    with writer(made, kind, columns) as write:
        for chunk in read_chunks(given, predictor.contract):
            rows += len(chunk.rows)
            try:
                answers = answer(predictor, chunk)
            except RowsRefused as error:
                found += len(error.problems)
                refused += [_placed(problem, chunk) for problem in error.problems[: SHOWN - len(refused)]]
                continue
            if not found:
                write(answers)
    if found:
        more = f"\nand {found - len(refused):,} more" if found > len(refused) else ""
        raise ContractError(
            f"{given} breaks the contract, so nothing was scored:\n" + "\n".join(f"  {line}" for line in refused) + more
        )
    return rows


def output_columns(contract: Contract) -> dict[str, str]:
    """The columns of the output and the contract's type of each."""
    kinds: dict[str, str] = {name: column.type for name, column in contract.named("id").items()}
    if contract.kind == "multiclass":
        kinds |= {f"prediction_{one}": "number" for one in contract.classes}
    else:
        kinds["prediction"] = "number"
    return kinds | {"decision": "number" if contract.kind == "regression" else contract.columns[contract.target].type}


def answer(predictor: Predictor, chunk: Chunk) -> list[list[Any]]:
    """For each row the values of `output_columns`. Raises RowsRefused where a row breaks the contract."""
    scores = predictor.predict(chunk.rows)
    ids = list(predictor.contract.named("id"))
    return [
        [*(row.get(name) for name in ids), *(found if isinstance(found, list) else [found]), decision]
        for row, found, decision in zip(chunk.rows, scores.tolist(), predictor.decide(scores), strict=True)
    ]


def _placed(problem: Problem, chunk: Chunk) -> str:
    return f"{chunk.unit} {chunk.places[problem.row]:,}: {problem.column} = {problem.value!r}: {problem.rule}"


@contextmanager
def _beside(output: Path) -> Iterator[Path]:
    """A file beside `output` that takes its place at the end, and is gone where it did not come to that."""
    if not output.parent.is_dir():
        raise ContractError(f"{output}: there is no folder {output.parent}; make it first")
    handle, name = tempfile.mkstemp(prefix=f".{output.name}.", dir=output.parent)
    os.close(handle)
    try:
        yield Path(name)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)  # as any file that is made here; mkstemp keeps it to oneself
        os.replace(name, output)
    finally:
        Path(name).unlink(missing_ok=True)


def main(arguments: list[str] | None = None) -> None:
    """The verb `score`."""
    parser = argparse.ArgumentParser(
        prog="score", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("input", type=Path, help="a file of rows: .csv (UTF-8, with a header line) or .parquet")
    parser.add_argument(
        "output", type=Path, nargs="?", help="where the answers go: .csv or .parquet; else CSV on stdout"
    )
    parser.add_argument("--bundle", help="the bundle's folder; else the one inside the installed wheel")
    given = parser.parse_args(arguments)
    suffix(given.input)
    if given.output is None:
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / "answers.csv"
            score(Predictor(given.bundle), given.input, made, ".csv")
            with made.open(encoding="utf-8") as opened:
                shutil.copyfileobj(opened, sys.stdout)
        return
    kind = suffix(given.output)
    predictor = Predictor(given.bundle)
    with _beside(given.output) as made:
        rows = score(predictor, given.input, made, kind)
    print(f"{rows:,} rows of {given.input} scored into {given.output}", file=sys.stderr)


if __name__ == "__main__":
    run(main)
