"""A bundle for tests: the project's own if it is up to date, else a small one made by all stages."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet

from ..errors import YardError
from ..runtime.bundle import read_bundle
from ..runtime.contract import Contract
from ..runtime.project import Project
from ..training.bundle import bundle
from ..training.evaluate import evaluate
from ..training.ingest import ingest
from ..training.layout import BUNDLE, CARD
from ..training.lineage import answering, code
from ..training.settings import FileSettings, Params
from ..training.train import train

SIZES: dict[str, Any] = {"bootstrap": 100, "importance_rows": 100, "importance_repeats": 1}


def is_current(folder: Path, project: Project, contract: Contract) -> bool:
    """Whether a folder holds a bundle that was made with this contract and this code."""
    try:
        existing = read_bundle(folder)
    except YardError:
        return False
    made_with = answering(existing.manifest["code"])
    return existing.contract == contract and made_with == answering(code(project.folder))


def make_bundle(
    folder: Path, root: Path, project: Project, contract: Contract, params: Params, table: pa.Table
) -> Path:
    """A bundle of these rows under `folder`, made by the stages with the settings of the project in `root`.

    Raises YardError as the stages do: if the settings are inconsistent, or docs/model-card.md names a place that a
    bundle does not have.
    """
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "source.parquet"
    pyarrow.parquet.write_table(table, source)
    small = dataclasses.replace(
        params, source=FileSettings("files", str(source)), evaluate=dataclasses.replace(params.evaluate, **SIZES)
    )
    (folder / CARD).parent.mkdir(exist_ok=True)
    shutil.copyfile(root / CARD, folder / CARD)
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # so few rows make scikit-learn warn
        ingest(folder, contract, small)
        train(project, folder, contract, small)
        evaluate(project, folder, contract, small)
        bundle(project, folder, contract, small)
    return folder / BUNDLE


def read_probe(folder: Path) -> tuple[list[dict], list]:
    """The rows of a bundle's probe, and the answers that it must give."""
    probe = json.loads((folder / "probe.json").read_text(encoding="utf-8"))
    return probe["rows"], probe["answers"]
