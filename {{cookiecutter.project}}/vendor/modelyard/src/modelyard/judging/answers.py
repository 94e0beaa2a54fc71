"""What a bundle answers on given holdout rows, and which of those rows it has not learned from.

A bundle holds the model, and `features.py` makes the model's input; so a champion whose shared code differs from this
project's answers with its own code, and one that cannot take these rows at all with the answers it once gave.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
from numpy.typing import NDArray

from ..training.lineage import PACKAGE, SHARED
from ..runtime.contract import Contract, ContractError
from ..runtime.predictor import Model
from ..training.settings import Params, Split
from ..training.data.dataset import Rows, encode_table, split_rows
from ..training import layout
from ..runtime.hashing import sha256
from ..runtime.bundle import Bundle

# Run beside the champion's code, whose modules have the names that they have here
ANSWER = """
import os, sys
sys.path.insert(0, os.getcwd())
from pathlib import Path
import numpy as np
from {package}.contract import Contract
from {package}.predictor import Model
bundle, given, answered = map(Path, sys.argv[1:])
model = Model(bundle / "model.onnx", Contract.from_json(bundle / "contract.json"))
np.save(answered, model.predict(dict(np.load(given, allow_pickle=False))))
"""
SEPARATOR = "\x1f"


def answer(bundle: Bundle, rows: Rows) -> NDArray[np.float64]:
    """The predictions of the bundle that is judged, by its model and the code that is here, which must be its own."""
    if changed := _changed(bundle, PACKAGE):
        raise ContractError(
            f"{bundle.folder} was made with another {' and '.join(changed)} than is here; run `dvc repro`"
        )
    return Model(bundle.folder / "model.onnx", bundle.contract).predict(rows.columns)


def answer_as_champion(bundle: Bundle, rows: Rows, contract: Contract) -> tuple[NDArray[np.float64], str | None]:
    """The champion's predictions for rows of this contract, and a remark where its model did not give them here.

    Beside the bundle's folder may lie the champion's own package, in `code`, and the predictions of its evaluation.

    Raises ContractError where none of the ways is open, saying why.
    """
    code_folder, saved = bundle.folder.parent / "code", bundle.folder.parent / layout.PREDICTIONS.name
    obstacle = _obstacle(bundle, rows, contract)
    if obstacle is None:
        columns = encode_table(rows.table, bundle.contract)
        changed = _changed(bundle, PACKAGE)
        if not changed:
            return Model(bundle.folder / "model.onnx", bundle.contract).predict(columns), None
        obstacle = f"it was made with another {' and '.join(changed)}"
        if not (code_folder / PACKAGE.name).is_dir():
            obstacle += ", and its own code is not at hand"
        elif _changed(bundle, code_folder / PACKAGE.name):
            obstacle += ", and the code beside it is yet another"
        else:
            answers = _answer_elsewhere(bundle, columns, code_folder)
            if not isinstance(answers, str):
                return answers, "The champion answers with its own code."
            obstacle += f", and its own code fails: {answers}"
    if not saved.is_file():
        raise ContractError(f"{bundle.folder} cannot answer these rows: {obstacle}")
    return _look_up(saved, bundle, rows, obstacle), f"The champion's saved answers are used, as {obstacle}."


def unseen(bundle: Bundle, rows: Rows, contract: Contract, params: Params, ledger: dict) -> NDArray[np.bool_]:
    """Which rows the bundle neither trained on nor chose its threshold by, shape (n,), by its own contract and split.

    Raises ContractError where that cannot be known.
    """
    theirs, training = bundle.contract, bundle.manifest["training"]
    if theirs.time != contract.time or list(theirs.named("id")) != list(contract.named("id")):
        raise ContractError(
            "another contract: the columns of role time and id are not those of the champion, so nobody can tell which "
            "of these rows it has learned from"
        )
    if theirs.time is not None:
        periods = periods_of(rows, theirs.time, dataclasses.replace(params, period=bundle.manifest["params"]["period"]))
        learned = (periods >= training["first_period"]) & (periods <= training["last_period"])
        return ~(learned | np.isin(periods, training["validation_periods"]))
    split = Split(**bundle.manifest["params"]["split"])
    if theirs.named("id"):
        return split_rows(rows.table, theirs, split) == "holdout"
    if split == params.split and bundle.manifest["data"] == ledger:
        return np.ones(len(rows.target), bool)
    raise ContractError(
        "the split or the data changed, and rows without an id cannot be told apart, so the champion may have learned "
        "from this holdout; give the contract an id column"
    )


def periods_of(rows: Rows, time: str, params: Params) -> NDArray[np.str_]:
    """The period of each row, shape (n,)."""
    return np.datetime_as_string(rows.table[time].to_numpy().astype(f"datetime64[{params.unit}]"))


def some(rows: Rows, chosen: NDArray[np.bool_]) -> Rows:
    """Those of the rows that are chosen."""
    return dataclasses.replace(
        rows,
        table=rows.table.filter(pa.array(chosen)),
        columns={name: values[chosen] for name, values in rows.columns.items()},
        target=rows.target[chosen],
    )


def _obstacle(bundle: Bundle, rows: Rows, contract: Contract) -> str | None:
    """Why the bundle's model cannot take the rows, if so."""
    there = set(rows.table.column_names)
    if absent := [name for name in bundle.contract.inputs if name not in there]:
        return f"it needs the column {absent[0]!r}, which the data no longer has"
    for name, column in bundle.contract.inputs.items():
        kind = rows.table.schema.field(name).type
        if not _takes(column.type, kind):
            return f"it takes the column {name!r} as {column.type}, and the data has {kind}"
        if (unit := contract.columns[name].unit) != column.unit:
            return f"it takes the column {name!r} in {column.unit}, and the data has it in {unit}"
    return None


def _takes(declared: str, found: pa.DataType) -> bool:
    numeric = pa.types.is_integer(found) or pa.types.is_floating(found)
    return {
        "string": pa.types.is_string(found) or pa.types.is_large_string(found),
        "timestamp": pa.types.is_timestamp(found),
        "boolean": pa.types.is_boolean(found),
    }.get(declared, numeric)


def _changed(bundle: Bundle, package: Path) -> list[str]:
    """Which files of a package that both training and answering run are not those that the bundle was made with."""
    made_with = bundle.manifest["code"]
    return [name for name in SHARED if not (package / name).is_file() or sha256(package / name) != made_with.get(name)]


def _answer_elsewhere(bundle: Bundle, columns: dict[str, NDArray], folder: Path) -> NDArray[np.float64] | str:
    """What the model answers by the code in a folder, or why that failed."""
    with tempfile.TemporaryDirectory() as made:
        given, answered = Path(made) / "columns.npz", Path(made) / "answers.npy"
        np.savez(given, **columns)  # type: ignore[arg-type]
        script = ANSWER.format(package=PACKAGE.name)
        command = [sys.executable, "-c", script, str(bundle.folder.absolute()), str(given), str(answered)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            return (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        return np.load(answered, allow_pickle=False)


def _look_up(saved: Path, bundle: Bundle, rows: Rows, obstacle: str) -> NDArray[np.float64]:
    ids = list(bundle.contract.named("id"))
    kept = pyarrow.parquet.read_table(saved)
    if not ids or any(name not in rows.table.column_names for name in ids):
        raise ContractError(f"{bundle.folder} cannot answer these rows: {obstacle}; and no id pairs its saved answers")
    places = pc.index_in(_keys(rows.table, ids), _keys(kept, ids))
    if places.null_count:
        raise ContractError(
            f"{bundle.folder} cannot answer these rows: {obstacle}; and {places.null_count:,} of "
            f"{len(places):,} rows are not among its saved answers"
        )
    names = [name for name in kept.column_names if name.startswith("prediction")]
    answers = np.stack([kept[name].to_numpy() for name in names], axis=1)[places.to_numpy()]
    return answers if bundle.contract.kind == "multiclass" else answers[:, 0]


def _keys(table: pa.Table, ids: list[str]) -> pa.Array:
    parts = [table[name].cast(pa.string()).combine_chunks() for name in ids]
    return pc.binary_join_element_wise(*parts, SEPARATOR)
