"""Write docs/data.md: the contract as a table, for people. A test checks that it is up to date."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..markdown import code, markdown_table, prose
from ..runtime.column import Column
from ..runtime.contract import Contract
from ..runtime.project import Project
from ..training.contract_schema import SCHEMA, schema_text
from ..training.settings import open_purposes, read_contract

DATA = Path("docs/data.md")
LONGEST = 1000  # characters of a text


def data_page(contract: Contract) -> str:
    """The contract in Markdown."""
    lines = [
        [code(name, LONGEST), column.role, column.type, prose(column.unit or column.timezone or ""),
         prose(_allowed(column), LONGEST), "yes" if column.missing else "no", "yes" if column.pii else "no",
         prose(column.description, LONGEST)]
        for name, column in contract.columns.items()
    ]  # fmt: skip
    head = ["column", "role", "type", "unit", "allowed", "missing", "PII", "meaning"]
    fresh = (
        "never stale"
        if contract.freshness_days is None
        else f"stale {contract.freshness_days} days after its last period"
    )
    return (
        f"# {prose(contract.name, LONGEST)}\n\n{prose(contract.description, LONGEST)}. "
        f"Owner: {prose(contract.owner, LONGEST)}; {fresh}.\n\n"
        f"Made from contract.yaml by `make docs`.\n\n{markdown_table(head, lines)}\n"
    )


def _allowed(column: Column) -> str:
    values, low, high = column.values, column.minimum, column.maximum
    if values:
        shown = ", ".join(map(str, values[:6]))
        shown = shown if len(values) <= 6 else f"{shown} and {len(values) - 6} more"
        return f"{shown}; any other counts as one more" if column.other else shown
    if low is None and high is None:
        return ""
    return f"{'' if low is None else low} to {'' if high is None else high}"


def main(arguments: Sequence[str], _project: Project) -> None:
    """The verb `docs`."""
    parser = argparse.ArgumentParser(prog="docs", description=__doc__)
    parser.add_argument("--drafted", action="store_true", help="write nothing while the draft has an open question")
    options = parser.parse_args(arguments)
    if options.drafted:
        from .data_page import write_data_page  # imports matplotlib

        if page := write_data_page(Path()):
            print(f"wrote {page}: what the data looks like; open it in a browser")
    if options.drafted and open_purposes():
        print(f"{DATA} is for later: run `make docs` once the open question is answered")
        return
    if SCHEMA.is_file():  # it is of the library that made it
        SCHEMA.write_text(schema_text(), encoding="utf-8")
    DATA.write_text(data_page(read_contract()), encoding="utf-8")
    print(f"wrote {DATA}")
