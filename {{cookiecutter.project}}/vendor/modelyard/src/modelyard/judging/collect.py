"""The input of the gate: the two bundles, the holdout rows, and the challenger's answers to them."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ContractError
from ..runtime.bundle import Bundle, read_bundle
from ..runtime.project import Project
from ..training import layout
from ..training.data.blocks import Blocks
from ..training.data.dataset import Rows, read_rows
from ..training.predictions import saved_columns
from ..training.settings import Evaluate, Params, Split, read_params
from .answers import answer

CHAMPION = Path("champion/bundle")
ORIGIN = "origin.json"


@dataclass(frozen=True)
class Case:
    """What is judged.

    champion: None if there is none yet. params: those in params.yaml, but for the judgement those that the challenger
    was made with. rows, scores: the challenger's holdout rows, without those inputs that nothing but a model reads, and
    its answers to them. blocks: the rows with all columns, a block at a time.
    """

    project: Project
    champion: Bundle | None
    challenger: Bundle
    params: Params
    rows: Rows
    blocks: Blocks
    scores: NDArray[np.float64]


def collect(project: Project, champion: Bundle | None, challenger: Bundle, root: Path) -> Case:
    """The holdout rows under `root`, by the challenger's split, and its answers to them.

    Raises ContractError if something needed is missing or does not fit.
    """
    params = _params(challenger, root)
    contract = challenger.contract
    deciding = champion.contract.named("id", "time", "group") if champion else ()
    names = [
        *saved_columns(contract),
        *contract.named("group"),
        *(name for name in deciding if name in contract.columns),
    ]
    rows = read_rows(root, contract, params, "holdout", list(dict.fromkeys(names)))
    blocks = Blocks(root, contract, params, "holdout")
    return Case(project, champion, challenger, params, rows, blocks, answer(project, challenger, blocks))


def find_champion(folder: Path) -> Bundle | None:
    """The champion in a folder, or None if `make champion` found that there is none yet.

    Raises ContractError if `make champion` has not run or failed, or the champion is no longer there.
    """
    if (folder / "manifest.json").is_file():
        return read_bundle(folder)
    if not (origin := read_origin(folder)):
        raise ContractError(
            f"there is no champion in {folder}; get it with `make champion`, or judge without one: "
            "`make gate ARGS=--no-champion`"
        )
    if "failed" in origin:
        raise ContractError(f"the champion cannot be had: {origin['failed']}")
    if not origin.get("absent"):
        listed = folder.parent / ORIGIN
        raise ContractError(f"{folder} is gone, though {listed} says that it was there; get it again: `make champion`")
    return None


def read_origin(folder: Path) -> dict[str, Any]:
    """What `make champion` recorded about the champion in a folder; empty for another folder."""
    path = folder.parent / ORIGIN
    return json.loads(path.read_text()) if path.is_file() else {}


def _params(challenger: Bundle, root: Path) -> Params:
    """The settings of the challenger's evaluation. Raises ContractError if it was made from other data than is here."""
    ledger = root / layout.LEDGER
    if not ledger.is_file():
        raise ContractError(f"{ledger}: there is no data to judge with; make it with `make pipeline`, or `make pull`")
    if json.loads(ledger.read_text()) != challenger.manifest["data"]:
        raise ContractError(f"{challenger.folder} was made from other data than {ledger} lists; run `make pipeline`")
    used = challenger.manifest["params"]
    return dataclasses.replace(
        read_params(root / "params.yaml"),
        split=Split(**used["split"]),
        evaluate=Evaluate(**used["evaluate"]),
        seed=used["seed"],
        period=used["period"],
    )
