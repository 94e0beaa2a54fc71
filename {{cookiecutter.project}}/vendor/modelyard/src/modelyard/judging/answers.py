"""The answers of a bundle to given holdout rows, and which of these rows it has not learned from.

A bundle holds the model, but the project's features and the library compute the model's input. So a champion whose code
differs from the code here answers with its own code, in a process of its own. If it cannot answer these rows at all,
the predictions that its evaluation saved are used.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
from numpy.typing import NDArray

from ..clone import own_library
from ..errors import ContractError
from ..runtime.bundle import Bundle
from ..runtime.contract import Contract
from ..runtime.names import saved as saved_names
from ..runtime.project import Project
from ..training import layout
from ..training.data.blocks import Blocks
from ..training.data.dataset import Rows, days_of_rows, encode_table, split_rows
from ..training.lineage import LIBRARY, answering, code
from ..training.settings import Params, Split

# Run in a process of its own, because its modules have the same names as those here
ANSWER = """
import importlib, json, sys
from pathlib import Path
package, library, made_with, bundle, names, folder, answers, *paths = sys.argv[1:]
sys.path[:0] = paths
if importlib.import_module(f"{library}.code").code_hash("predict") != made_with:
    sys.exit("the library beside it is yet another")
import numpy as np
predictor = importlib.import_module(package).project.predictor(bundle)
found = []
for path in sorted(Path(folder).glob("*.npz")):
    saved = np.load(path, allow_pickle=False)
    found.append(predictor.model.predict({name: saved[f"c{place}"] for place, name in enumerate(json.loads(names))}))
np.save(answers, np.concatenate(found))
"""
NAMED = 3  # names of changed files in a message
SEPARATOR = "\x1f"


def answer(project: Project, bundle: Bundle, blocks: Iterable[Rows]) -> NDArray[np.float64]:
    """The predictions of the judged bundle for all rows of the blocks, with the code here.

    Raises ContractError if the bundle was not made with this code.
    """
    if changed := _changed(bundle, code(project.folder)):
        raise ContractError(
            f"{bundle.folder} was made with another {_listed(changed)} than is here; run `make pipeline`"
        )
    model = project.predictor(bundle.folder).model
    return np.concatenate([model.predict(rows.columns) for rows in blocks])


def answer_as_champion(
    project: Project, bundle: Bundle, blocks: Collection[Rows] | Blocks, contract: Contract
) -> tuple[NDArray[np.float64], str | None]:
    """The champion's predictions for all rows of the blocks, which are of this contract, and a remark if the code here
    did not compute them.

    The folder beside the bundle may have the champion's own package and library, in `code`, and the predictions of
    its evaluation.

    Raises ContractError with the reason if neither the model nor the saved predictions can answer.
    """
    saved = bundle.folder.parent / layout.PREDICTIONS.name
    obstacle = _obstacle(bundle, next(iter(blocks)).table.schema, contract)
    if obstacle is None:
        encoded = (encode_table(rows.table, bundle.contract) for rows in blocks)
        changed = _changed(bundle, code(project.folder))
        if not changed:
            model = project.predictor(bundle.folder).model
            return np.concatenate([model.predict(columns) for columns in encoded]), None
        obstacle = f"it was made with another {_listed(changed)}"
        answers = _answer_by_own_code(project.name, bundle, encoded)
        if not isinstance(answers, str):
            return answers, "The champion answers with its own code."
        obstacle += f", and {answers}"
    if not saved.is_file():
        raise ContractError(f"{bundle.folder} cannot answer these rows: {obstacle}")
    return _look_up(saved, bundle, blocks, obstacle), f"The champion's saved answers are used, as {obstacle}."


def unseen(bundle: Bundle, rows: Rows, contract: Contract, params: Params, ledger: dict) -> NDArray[np.bool_]:
    """Which rows the bundle used neither for training nor for its threshold, shape (n,), by its own contract and split.

    Raises ContractError if that cannot be determined.
    """
    bundled, training = bundle.contract, bundle.manifest["training"]
    if (
        bundled.time != contract.time
        or list(bundled.named("id")) != list(contract.named("id"))
        or not bundled.named("group").keys() <= contract.columns.keys()
    ):
        raise ContractError(
            "another contract: the columns of role time, id and group are not those of the champion, so nobody can "
            "tell which of these rows it has learned from"
        )
    if bundled.time is not None:
        periods = periods_of(
            rows, bundled.time, dataclasses.replace(params, period=bundle.manifest["params"]["period"])
        )
        trained = (periods >= training["first_period"]) & (periods <= training["last_period"])
        chosen = np.isin(periods, training["validation_periods"])
        days = days_of_rows(rows.table, bundled.time)
        return ~(_on_days(days, training, "train", trained) | _on_days(days, training, "validation", chosen))
    split = Split(**bundle.manifest["params"]["split"])
    if bundled.named("id", "group"):
        return split_rows(rows.table, bundled, split) == "holdout"
    if split.holdout == params.split.holdout and bundle.manifest["data"] == ledger:
        return np.ones(len(rows.target), bool)
    raise ContractError(
        "the split or the data changed, and rows without an id cannot be told apart, so the champion may have learned "
        "from this holdout; give the contract an id column"
    )


def _on_days(days: NDArray, training: Mapping, part: str, by_period: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which rows were in a part of the split: by its days, if it did not have all rows of its periods."""
    if f"{part}_days" not in training:
        return by_period
    first, last = (np.datetime64(day, "D") for day in training[f"{part}_days"])
    return (days >= first) & (days <= last)


def periods_of(rows: Rows, time: str, params: Params) -> NDArray[np.str_]:
    """The period of each row, shape (n,)."""
    return np.datetime_as_string(rows.table[time].to_numpy().astype(f"datetime64[{params.unit}]"))


def _obstacle(bundle: Bundle, schema: pa.Schema, contract: Contract) -> str | None:
    """Why the bundle's model cannot answer the rows; None if it can."""
    if absent := [name for name in bundle.contract.inputs if name not in schema.names]:
        return f"it needs the column {absent[0]!r}, which the data no longer has"
    for name, column in bundle.contract.inputs.items():
        actual = schema.field(name).type
        if not _accepts(column.type, actual):
            return f"it takes the column {name!r} as {column.type}, and the data has {actual}"
        if column.is_elsewhere(contract.columns[name]):
            return f"it takes the column {name!r} in {column.timezone} time, and the data has it in another zone's"
        if (unit := contract.columns[name].unit) != column.unit:
            return f"it takes the column {name!r} in {column.unit}, and the data has it in {unit}"
    return None


def _accepts(declared: str, actual: pa.DataType) -> bool:
    numeric = pa.types.is_integer(actual) or pa.types.is_floating(actual)
    return {
        "string": pa.types.is_string(actual) or pa.types.is_large_string(actual),
        "timestamp": pa.types.is_timestamp(actual),
        "boolean": pa.types.is_boolean(actual),
    }.get(declared, numeric)


def _changed(bundle: Bundle, hashes: Mapping[str, str]) -> list[str]:
    """The modules of the project, or the library, that answer rows and have changed since the bundle was made."""
    made_with, now = answering(bundle.manifest["code"]), answering(dict(hashes))
    names = [name for name in made_with.keys() | now.keys() if made_with.get(name) != now.get(name)]
    return sorted(name.partition(":")[0] for name in names)


def _listed(names: Sequence[str]) -> str:
    if len(names) > NAMED:
        return f"{', '.join(names[:NAMED])} and {len(names) - NAMED} more"
    return " and ".join(names)


def _answer_by_own_code(
    package: str, bundle: Bundle, blocks: Iterable[Mapping[str, NDArray]]
) -> NDArray[np.float64] | str:
    """The model's answers with the code beside the bundle's folder, or the reason why that code cannot answer."""
    folder = (bundle.folder.parent / "code").absolute()
    library = own_library(folder)
    if not library or not (folder / package.replace(".", "/")).is_dir():
        return "its own code is not at hand"
    own = {name: digest for name, digest in code(folder / package.replace(".", "/")).items() if LIBRARY not in name}
    made_with = bundle.manifest["code"]
    predict = f"{LIBRARY}predict"
    if _changed(bundle, own | {predict: made_with.get(predict, "")}):
        return "the code beside it is yet another"
    with tempfile.TemporaryDirectory() as temporary:
        for number, columns in enumerate(blocks):
            # by position, because savez has parameters that a column may be called after
            by_place = {f"c{place}": values for place, values in enumerate(columns.values())}
            np.savez(Path(temporary) / f"{number:06d}.npz", **by_place)  # type: ignore[arg-type]
        answers = Path(temporary) / "answers.npy"
        # isolated from PYTHONPATH and the current folder
        command = [sys.executable, "-I", "-B", "-c", ANSWER, package, LIBRARY.rstrip(":"), made_with.get(predict, "")]
        command += map(str, [bundle.folder.absolute(), json.dumps(list(columns)), temporary, answers, folder, *library])
        result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if result.returncode:
            return f"its own code fails: {(result.stderr.strip().splitlines() or ['it ended without a message'])[-1]}"
        return np.load(answers, allow_pickle=False)


def _look_up(saved: Path, bundle: Bundle, blocks: Iterable[Rows], obstacle: str) -> NDArray[np.float64]:
    ids = list(bundle.contract.named("id"))
    table = pyarrow.parquet.ParquetFile(saved).read()
    asked = [rows.table.select([name for name in ids if name in rows.table.column_names]) for rows in blocks]
    if not ids or len(asked[0].column_names) < len(ids):
        raise ContractError(f"{bundle.folder} cannot answer these rows: {obstacle}; and no id pairs its saved answers")
    places = pc.index_in(_keys(pa.concat_tables(asked), ids), _keys(table, ids))
    if places.null_count:
        raise ContractError(
            f"{bundle.folder} cannot answer these rows: {obstacle}; and {places.null_count:,} of "
            f"{len(places):,} rows are not among its saved answers"
        )
    names = saved_names(bundle.contract)
    if absent := [name for name in names if table.column_names.count(name) != 1]:
        raise ContractError(
            f"{bundle.folder} cannot answer these rows: {obstacle}; and its saved answers have no column {absent[0]!r}"
        )
    answers = np.stack([table[name].to_numpy() for name in names], axis=1)[places.to_numpy()]
    return answers if bundle.contract.kind == "multiclass" else answers[:, 0]


def _keys(table: pa.Table, ids: list[str]) -> pa.Array:
    parts = [table[name].cast(pa.string()).combine_chunks() for name in ids]
    return pc.binary_join_element_wise(*parts, SEPARATOR)
