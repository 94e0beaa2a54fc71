"""What a draft writes into contract.yaml, dvc.yaml and the model card."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...runtime.column import Column
from ...runtime.contract import Contract
from ..contract_schema import FIRST_LINE
from ..edit import round_trip
from ..layout import CORRECTIONS
from .personal import UNKNOWN

HEAD = f"""\
{FIRST_LINE}# What the data is. Validation, features, the service and the documentation read it here and nowhere else.
# Drafted from the data. Correct it: roles, ranges, units, descriptions; mark what is personal with pii and purpose.
"""
NEUTRAL_CARD = """\
# {contract.name}

{contract.description}. Owner: {contract.owner}.

## What it is for

(To be written: who uses the answers, for what, and for what not.)

## How it was made

{manifest.training.estimator}. {fitted} {manifest.training.unlabelled_rows:,} more had no target.

## How good it is

On {metrics.rows:,} rows that it never saw, beside the baseline, which answers every row the same:

{holdout}

## What it is given

{columns}
"""


def write_contract(path: Path, contract: Contract, is_again: bool = False) -> None:
    """Write a drafted contract, with no purpose for personal data where none was given.

    is_again: whether the file has the contract before, whose comments and order are kept.
    """
    defaults = {field.name: field.default for field in dataclasses.fields(Column)}
    content: dict[str, Any] = dataclasses.asdict(contract)
    del content["features"]  # which a person writes, and no draft changes
    content["columns"] = {
        name: {key: value for key, value in dataclasses.asdict(column).items() if value != defaults[key]}
        for name, column in contract.columns.items()
        if name not in contract.features
    }
    columns = content.pop("columns")
    for column in columns.values():
        if column.get("purpose") == UNKNOWN:
            column["purpose"] = ""  # refused until a person states one, or drops the column
    yaml = round_trip()
    if is_again:
        written = yaml.load(path)
        update(written["columns"], columns)
        update(written, {**content, "columns": written["columns"]}, is_whole=False)
    with path.open("w", encoding="utf-8") as opened:
        if is_again:
            yaml.dump(written, opened)
        else:
            opened.write(HEAD)
            yaml.dump({**content, "columns": columns}, opened)


def update(written: Any, values: Mapping[str, Any], is_whole: bool = True) -> None:
    """Make a mapping of a YAML file hold these values, and touch only what differs; `is_whole`: and no others."""
    for key in [key for key in written if key not in values] if is_whole else ():
        del written[key]
    for key, value in values.items():
        if key in written and isinstance(value, dict) and isinstance(written[key], dict):
            update(written[key], value)
        elif key not in written or written[key] != value:
            written[key] = value


def watch(path: Path, watched: Sequence[str]) -> None:
    """Make ingest depend on a file or folder of the source, so that `dvc repro` notices when it changes."""
    yaml = round_trip()
    content = yaml.load(path)
    stage = content["stages"]["ingest"]
    package = stage["cmd"].split()[2]  # python -m PACKAGE ingest
    deps = stage["deps"]
    kept = ("contract.yaml", CORRECTIONS.as_posix())
    deps[:] = [dep for dep in deps if dep in kept or dep.startswith(f"{package}/")]
    deps.extend(name.replace("${", "\\${") for name in watched)  # which DVC would fill in
    yaml.dump(content, path)
