"""What a draft writes into contract.yaml, dvc.yaml and the model card."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...runtime.contract import Column, Contract
from ..edit import round_trip
from .guess import UNKNOWN

HEAD = """\
# What the data is. Validation, features, the service and the documentation read it here and nowhere else.
# Drafted from the data. Correct it: roles, ranges, units, descriptions; mark what is personal with pii and purpose.
"""
NEUTRAL_CARD = """\
# {contract.name}

{contract.description}. Owner: {contract.owner}.

## What it is for

(To be written: who uses the answers, for what, and for what not.)

## How it was made

{manifest.training.estimator}, trained on {manifest.training.rows:,} rows; {manifest.training.unlabelled_rows:,} more
had no target.

## How good it is

On {metrics.rows:,} rows that it never saw, beside the baseline, which answers every row the same:

{holdout}

## What it is given

{columns}
"""


def write_contract(path: Path, contract: Contract) -> None:
    """Write a drafted contract, with no purpose for personal data where none was given."""
    defaults = {field.name: field.default for field in dataclasses.fields(Column)}
    content: dict[str, Any] = dataclasses.asdict(contract)
    content["columns"] = {
        name: {key: value for key, value in dataclasses.asdict(column).items() if value != defaults[key]}
        for name, column in contract.columns.items()
    }
    columns = content.pop("columns")
    for column in columns.values():
        if column.get("purpose") == UNKNOWN:
            column["purpose"] = ""  # refused until a person states one, or drops the column
    with path.open("w", encoding="utf-8") as opened:
        opened.write(HEAD)
        round_trip().dump({**content, "columns": columns}, opened)


def watch(path: Path, watched: Sequence[str]) -> None:
    """Make ingest depend on a file or folder of the source, so that `dvc repro` notices when it changes."""
    yaml = round_trip()
    content = yaml.load(path)
    stage = content["stages"]["ingest"]
    package = stage["cmd"].split()[2]  # python -m PACKAGE ingest
    deps = stage["deps"]
    deps[:] = [dep for dep in deps if dep == "contract.yaml" or dep.startswith(f"{package}/")]
    deps.extend(name.replace("${", "\\${") for name in watched)  # which DVC would fill in
    yaml.dump(content, path)
