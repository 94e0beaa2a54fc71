"""Whether `features` answers each row from that row alone: not from the other rows, and not from the project's data.

A model whose features count the rows beside one, or look the target up in data/, has good metrics here and none in the
service. The metrics cannot tell, because both sides of the comparison have the same features.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from shutil import copytree, ignore_patterns

import numpy as np
from numpy.typing import NDArray

from ..runtime.contract import Contract
from ..runtime.matrix import Columns
from ..runtime.project import Project
from ..training.data.dataset import Rows
from .policy import Judgement

ROWS = 100  # compared one by one
ROUNDING = 1e-9  # relative difference that a processor may make between one number and many
RULE = "features answer a row from that row alone"
# Run in an empty folder with a copy of the package, isolated from PYTHONPATH and the current folder
ELSEWHERE = """
import importlib, json, sys
from pathlib import Path
package, columns, contract, names, features, *paths = sys.argv[1:]
sys.path[:0] = paths
import numpy as np
from modelyard.runtime.contract import Contract
project = importlib.import_module(package).project
saved = np.load(columns, allow_pickle=False)
given = {name: saved[f"c{place}"] for place, name in enumerate(json.loads(names))}
computed = project.features(given, Contract.from_json(Path(contract)))
np.savez(features, **{f"f{place}": values for place, values in enumerate(computed.values())})
"""


def judge_features(project: Project, contract: Contract, blocks: Iterable[Rows], count: int) -> Judgement:
    """Compare the features of some rows: among others, twice, alone, and in a folder without the project's files.

    blocks: the rows, so many in all; the others are those of the same block.
    """
    parts, before = [], 0
    spread = np.unique(np.linspace(0, count - 1, ROWS).astype(np.int64))
    for rows in blocks:
        columns, size = rows.columns, len(rows.target)
        places = spread[(spread >= before) & (spread < before + size)] - before
        parts.append((_at(columns, places), _at(project.features(dict(columns), contract), places)))
        before += size
    chosen, among = (_joined([part[side] for part in parts]) for side in range(2))
    some, again = (project.features(dict(chosen), contract) for _ in range(2))
    if name := _other(some, again, rounding=0.0):
        return _refused(name, "is not the same for the same rows: it uses random numbers, a clock or a memory")
    alone = [project.features(_one(chosen, place), contract) for place in range(len(spread))]
    if name := _other(among, {name: np.concatenate([one[name] for one in alone]) for name in among}):
        return _refused(name, "depends on the other rows: a row alone has another value than among others")
    elsewhere = _elsewhere(project, contract, chosen)
    if isinstance(elsewhere, str):
        return Judgement(RULE, f"features() fails without the project's files, so it reads them: {elsewhere}", False)
    if name := _other(some, dict(zip(some, elsewhere, strict=False))):
        return _refused(name, "has another value without the project's files, so it is looked up in them")
    return Judgement(RULE, f"{len(spread)} rows agree", True)


def _refused(feature: str, why: str) -> Judgement:
    return Judgement(RULE, f"the feature {feature!r} {why}. The service has nothing but the row itself", False)


def _at(columns: Columns, places: NDArray[np.int64]) -> dict[str, NDArray]:
    return {name: np.asarray(values)[places] for name, values in columns.items()}


def _joined(parts: Sequence[Columns]) -> dict[str, NDArray]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _one(columns: Columns, place: int) -> dict[str, NDArray]:
    return {name: values[place : place + 1] for name, values in columns.items()}


def _other(first: Columns, second: Columns, rounding: float = ROUNDING) -> str | None:
    """The first feature that differs; missing values are equal to each other."""
    for name, values in first.items():
        if name not in second or not _same(np.asarray(values), np.asarray(second[name]), rounding):
            return name
    return None


def _same(first: NDArray, second: NDArray, rounding: float) -> bool:
    if first.shape != second.shape:
        return False
    if first.dtype.kind == second.dtype.kind == "f":
        return bool(np.allclose(first, second, rtol=rounding, atol=0, equal_nan=True))
    return bool(np.array_equal(first, second))


def _elsewhere(project: Project, contract: Contract, columns: Columns) -> list[NDArray] | str:
    """The features computed by a copy of the package in an empty folder, or the last line of its error."""
    top, *inner = project.name.split(".")
    library = Path(__file__).absolute().parents[2]
    with tempfile.TemporaryDirectory(prefix="features-") as made:
        folder = Path(made)
        source = project.folder.parents[len(inner) - 1] if inner else project.folder
        copytree(source, folder / "code" / top, ignore=ignore_patterns("__pycache__"))
        (folder / "empty").mkdir()
        (folder / "contract.json").write_text(contract.to_json(), encoding="utf-8")
        # by position, because savez has parameters that a column may be called after
        np.savez(folder / "columns.npz", **{f"c{place}": values for place, values in enumerate(columns.values())})  # type: ignore[arg-type]
        files = [str(folder / name) for name in ("columns.npz", "contract.json")]
        names, out = json.dumps(list(columns)), folder / "features.npz"
        command = [sys.executable, "-I", "-B", "-c", ELSEWHERE, project.name, *files, names, str(out)]
        command += [str(folder / "code"), str(library)]
        result = subprocess.run(command, cwd=folder / "empty", capture_output=True, text=True, check=False)  # noqa: S603
        if result.returncode:
            return (result.stderr.strip().splitlines() or ["it ended without a message"])[-1]
        with np.load(out, allow_pickle=False) as saved:
            return [saved[f"f{place}"] for place in range(len(saved.files))]
