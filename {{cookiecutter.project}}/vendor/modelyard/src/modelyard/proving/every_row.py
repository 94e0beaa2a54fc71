"""Compare the answers of two models: on every row of the data, and on rows with missing, unknown and extreme values.

`prove` runs it in the clone of a commit, with the features of the commit and the library that judges. The rows are read
in blocks, so that the memory it needs does not depend on how many there are.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray

from ..errors import ContractError
from ..runtime.bundle import bundled_contract
from ..runtime.contract import Contract
from ..runtime.matrix import Columns, matrix
from ..runtime.predictor import MANY, OnnxModel
from ..runtime.project import Project, load_project
from ..training import layout
from ..training.data.dataset import encode_table
from .allowed import Range, allowed_rows, count_bases
from .tolerance import TOLERANCE

BLOCK = 65_536  # rows in memory at once
DATA, ALLOWED = "rows of the data", "rows with missing, unknown and extreme values"


class Unanswered(ContractError):
    """The committed model cannot be loaded, or gives no answer."""


@dataclass
class AnswersApart:
    """How many rows of one kind two models answer differently, and the row for which the difference is largest."""

    kind: str
    asked: int = 0
    rows: int = 0
    largest: float = 0.0
    where: str = ""
    committed: float | None = None
    retrained: float | None = None


class Pair:
    """A committed and a retrained model, and what their answers differ in.

    Raises Unanswered if the committed one cannot be loaded.
    """

    def __init__(self, committed: Path, retrained: Path, project: Project, contract: Contract) -> None:
        self._project, self._contract = project, contract
        self._now = OnnxModel(retrained, contract, project.features)
        try:
            self._before = OnnxModel(committed, contract, project.features)
        except ContractError as error:
            raise Unanswered(str(error)) from error
        self._scale = 0.0  # the largest answer so far, by which those to small numbers are judged too

    def compare(self, columns: Columns, found: AnswersApart) -> int | None:
        """Ask both models these rows and add what is found; return the place of the row that is now the worst."""
        try:
            table = matrix(self._project.features(columns, self._contract))
        except Exception as error:
            raise ContractError(
                f"features.py cannot answer {found.kind} that the contract allows, so the models cannot be compared on "
                f"them: {type(error).__name__}: {error}"
            ) from error
        now = self._now.answer(table)
        if self._contract.kind == "regression" and found.kind == DATA:
            self._scale = max(self._scale, float(np.abs(now[np.isfinite(now)]).max(initial=0.0)))
        found.asked += len(table)
        ways = self._committed(table)
        gaps = [self._gaps(way, now) for way in ways]
        by_row = [gap.max(axis=1) for gap in gaps]
        largest = np.maximum(*by_row)
        found.rows += int(np.count_nonzero(largest))
        row = int(largest.argmax())
        if not largest[row] > found.largest:
            return None
        way = int(by_row[1][row] > by_row[0][row])
        answer = int(gaps[way][row].argmax())
        found.largest = float(largest[row])
        found.committed = float(ways[way].reshape(len(now), -1)[row, answer])
        found.retrained = float(now.reshape(len(now), -1)[row, answer])
        return row

    def _committed(self, table: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """The committed model's answers to all rows at once and to a few at a time, which its file may give apart."""
        few = range(0, len(table), MANY - 1)
        try:
            return [
                self._before.answer(table),
                np.concatenate([self._before.answer(table[start : start + MANY - 1]) for start in few]),
            ]
        except Exception as error:  # onnxruntime has a class of its own for each kind of fault
            raise Unanswered(f"{type(error).__name__}: {error}") from error

    def _gaps(self, before: NDArray[np.float64], now: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far the answers are apart, of shape (n, answers to a row); 0 within the tolerance."""
        if before.shape != now.shape:
            raise Unanswered(f"answers of shape {before.shape}, not {now.shape}")
        bound: NDArray | float = TOLERANCE
        if self._contract.kind == "regression":
            bound = TOLERANCE * np.maximum(self._scale, np.abs(now))
        with np.errstate(invalid="ignore"):
            gaps = np.abs(before - now)
            same = (gaps <= bound) | (before == now) | (np.isnan(before) & np.isnan(now))
        return np.where(same, 0.0, np.nan_to_num(gaps, nan=np.inf)).reshape(len(now), -1)


def compare(root: Path, committed: Path, retrained: Path, project: Project) -> list[AnswersApart]:
    """The differences between the answers of two models to all rows of the data under `root` and to `allowed_rows`.

    Raises Unanswered if the committed model gives no answer, ContractError if features.py gives none.
    """
    contract = bundled_contract(root / layout.BUNDLE)
    pair = Pair(committed, retrained, project, contract)
    data, allowed = AnswersApart(DATA), AnswersApart(ALLOWED)
    files = sorted((root / layout.PERIODS).glob("*.parquet"))
    total = sum(pyarrow.parquet.read_metadata(file).num_rows for file in files)
    wanted = np.unique(np.linspace(0, max(total - 1, 0), count_bases(contract)).astype(np.int64))
    bases: list[Columns] = []
    ranges: dict[str, Range] = {}
    for file in files:
        first = 1
        for columns in _blocks(file, contract):
            before, count = data.asked, len(next(iter(columns.values())))
            if (worst := pair.compare(columns, data)) is not None:
                data.where = f"row {first + worst:,} of {file.stem}"
            places = wanted[(wanted >= before) & (wanted < before + count)] - before
            bases.append({name: values[places] for name, values in columns.items()})
            _widen(ranges, columns)
            first += count
    joined = {name: np.concatenate([part[name] for part in bases]) for name in contract.inputs} if bases else {}
    for asked in allowed_rows(contract, joined, ranges) if total else ():
        if (worst := pair.compare(asked.columns, allowed)) is not None:
            allowed.where = f"a row with {asked.labels[worst]}"
    return [data, allowed]


def _blocks(file: Path, contract: Contract) -> Iterator[Columns]:
    names = list(contract.inputs)
    for batch in pyarrow.parquet.ParquetFile(file).iter_batches(BLOCK, columns=names):
        if batch.num_rows:
            yield encode_table(pa.Table.from_batches([batch]).select(names), contract)


def _widen(ranges: dict[str, Range], columns: Columns) -> None:
    """Take the values of a block into the ranges of the data."""
    for name, values in columns.items():
        known = values[~np.isnat(values)] if values.dtype.kind == "M" else values[np.isfinite(values)]
        if values.dtype.kind in "Mf" and len(known):
            low, high = ranges.get(name, (known[0], known[0]))
            ranges[name] = min(low, known.min()), max(high, known.max())


def main() -> None:
    """Write what is found as JSON."""
    parser = argparse.ArgumentParser(prog="every_row", description=__doc__)
    parser.add_argument("package")
    for name in ("committed", "retrained"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args()
    try:
        found = compare(Path(), options.committed, options.retrained, load_project(options.package))
    except Unanswered as error:
        print(json.dumps({"unanswered": str(error)}))
    except ContractError as error:
        sys.exit(str(error))
    else:
        print(json.dumps({"apart": [asdict(one) for one in found]}))


if __name__ == "__main__":
    main()
