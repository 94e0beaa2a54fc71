"""The CSV of suspects that people fill in, and the pipeline's dependency on the folder that it is in."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ...errors import ContractError
from ...runtime.contract import Contract
from ..data.dataset import slice_rows
from ..edit import round_trip
from ..layout import CORRECTIONS
from .corrections import FILLED, NO_IDS
from .suspects import Floats, Suspicion
from .written_labels import Label, written

PIPELINE = Path("dvc.yaml")
OWN = ("period", "slice", "given", "predicted", "uncertainty", "disagreement", *FILLED)


def columns(contract: Contract) -> list[str]:
    """The columns of the sheet. Raises ContractError if the rows cannot be named in Git."""
    ids = contract.named("id")
    if not ids:
        raise ContractError(NO_IDS)
    if personal := [name for name, column in ids.items() if column.pii]:
        raise ContractError(
            f"{personal[0]} is personal data (`pii` in contract.yaml), and a review is committed: Git's history cannot "
            "forget it. Give the rows an id that is none, such as a number of their own, at the source"
        )
    told = "residual" if contract.kind == "regression" else "probability"
    own = [told if name == "predicted" else name for name in OWN]
    own.insert(own.index(told), "predicted")
    if clash := [name for name in ids if name in own]:
        raise ContractError(
            f"the id {clash[0]!r} has the name of a column of the review ({', '.join(own)}); give it another name at "
            "the source"
        )
    return [*ids, *own]


def sheet(
    table: pa.Table,
    periods: Sequence[str],
    target: NDArray,
    suspicion: Suspicion,
    disagreement: Floats | None,
    contract: Contract,
) -> str:
    """The rows as CSV, in this order, with empty cells for the reviewer.

    All arguments are of the same n rows. disagreement: shape (n,), None if there are no two versions.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns(contract))
    ids = [table[name].cast(pa.string()).to_pylist() for name in contract.named("id")]
    named = slices_of(table, contract)
    for place in range(table.num_rows):
        given = _label(target[place], contract)
        predicted = suspicion.predicted[place]
        row = [
            *(values[place] for values in ids),
            periods[place],
            "; ".join(f"{name}={value}" for name, value in named[place].items()),
            written(given),
            f"{predicted:.6g}" if contract.kind == "regression" else written(contract.classes[int(predicted)]),
            f"{suspicion.told[place]:.4f}",
            f"{suspicion.spread[place]:.4g}",
            "" if disagreement is None else f"{disagreement[place]:.4f}",
        ]
        writer.writerow([*row, *([""] * len(FILLED))])
    return out.getvalue()


def slices_of(table: pa.Table, contract: Contract) -> list[dict[str, str]]:
    """The slices of each row: the value of each column that the contract slices by, if it has one."""
    found: list[dict[str, str]] = [{} for _ in range(table.num_rows)]
    for name in contract.slices:
        for label, chosen in slice_rows(table[name], contract.columns[name]):
            for place in np.flatnonzero(chosen):
                found[place][name] = str(label)
    return found


def write_sheet(root: Path, text: str, name: str | None = None) -> Path:
    """Write a sheet into the folder of reviews; its path from `root`. name: of a file that is not there; else the next.

    Raises ContractError if the file is there, or is no CSV.
    """
    if name is not None and (Path(name).name != name or not name.endswith(".csv")):
        raise ContractError(f"{name}: give the name of a CSV file in {CORRECTIONS}/, such as review-ada.csv")
    numbers = range(1, 2 + sum(1 for _ in (root / CORRECTIONS).glob("review-*.csv")))
    free = (CORRECTIONS / f"review-{number}.csv" for number in numbers)
    path = CORRECTIONS / name if name else next(one for one in free if not (root / one).exists())
    if (root / path).exists():
        raise ContractError(f"{path} is there already, and people may have filled it in; give another name")
    (root / CORRECTIONS).mkdir(exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")
    return path


def depend_on_reviews(root: Path) -> bool:
    """Make ingest depend on the folder of reviews in dvc.yaml; whether it did not before."""
    path = root / PIPELINE
    if not path.is_file():
        return False
    yaml = round_trip()
    content = yaml.load(path)
    deps = content["stages"]["ingest"]["deps"]
    if CORRECTIONS.as_posix() in deps:
        return False
    deps.append(CORRECTIONS.as_posix())
    yaml.dump(content, path)
    return True


def _label(value: float, contract: Contract) -> Label:
    if contract.kind == "regression":
        return int(value) if contract.columns[contract.target].type == "integer" else float(value)
    return contract.classes[int(value)]
