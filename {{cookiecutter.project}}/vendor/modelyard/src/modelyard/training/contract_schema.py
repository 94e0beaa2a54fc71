"""Check contract.yaml, or print its JSON Schema, by which an editor completes and checks it as it is written.

The schema is made from the classes that read the file: it knows each key, type and allowed word. What one key means for
another only the check tells.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from ..runtime.contract import Contract
from ..runtime.project import Project
from .settings import read_contract

SCHEMA = Path("docs/contract.schema.json")  # which the first line of a drafted contract.yaml names
FIRST_LINE = f"# yaml-language-server: $schema={SCHEMA}\n"


def contract_schema() -> dict[str, Any]:
    """The JSON Schema of contract.yaml."""
    schema = TypeAdapter(Contract).json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def schema_text() -> str:
    """The same as the text of a file."""
    return json.dumps(contract_schema(), ensure_ascii=False, indent=1) + "\n"


def main(arguments: Sequence[str], _project: Project) -> None:
    """The verb `contract`."""
    parser = argparse.ArgumentParser(
        prog="contract", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--schema", action="store_true", help="print the JSON Schema")
    if parser.parse_args(arguments).schema:
        print(schema_text(), end="")
        return
    contract = read_contract()
    print(f"contract.yaml: {len(contract.columns)} columns; predicts {contract.target} ({contract.kind})")
