"""Show what changed in the data since main: rows added, removed and changed, and the columns, as in the report.

It compares data/periods here with that of main, which comes from the DVC cache or the remote. Nothing is trained.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..errors import ContractError
from ..git import read_blob
from ..judging.champion import find_main, locked_outputs, no_commit
from ..judging.main_rows import bring_rows, ledger_of, read_ledger
from ..runtime.contract import Contract
from ..runtime.project import Project
from ..training.layout import PERIODS
from ..training.settings import read_contract
from .document import to_markdown
from .rows.found import Held
from .sections.rows import compare_held

CONTRACT = "contract.yaml"


def data_diff(ref: str | None = None) -> str:
    """The differences from a commit, as Markdown. Without `ref` it is main, or the branch here if it is not published.

    Raises ContractError if one of the two has no data.
    """
    commit, name = find_main(ref)
    if commit is None:
        raise no_commit(name, "`make data-diff REF=main`")
    before, here = ledger_of(commit), read_ledger(Path())
    if before is None:
        raise ContractError(f"{name} has no data yet: it has no data/ledger.json")
    if here is None:
        raise ContractError("no data was taken here yet; take it with `make ingest`")
    with tempfile.TemporaryDirectory(prefix="rows-") as folder:
        rows = Path(folder) / "periods"
        bring_rows(commit, locked_outputs(commit), rows)
        contract = _contract_of(commit, Path(folder))
        section = compare_held(Held(contract, before, rows), Held(read_contract(), here, PERIODS))
    return to_markdown([section]) if section else f"The data is that of {name}.\n"


def _contract_of(commit: str, folder: Path) -> Contract:
    content = read_blob(Path(), commit, CONTRACT)
    if content is None:
        raise ContractError(f"commit {commit[:7]} has data and no {CONTRACT}")
    path = folder / f"{commit[:7]} {CONTRACT}"
    path.write_bytes(content)
    return read_contract(path)


def main(arguments: Sequence[str], _project: Project) -> None:
    """The verb `data-diff`."""
    parser = argparse.ArgumentParser(
        prog="data-diff", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ref", help="branch or commit to compare with (main)")
    print(data_diff(parser.parse_args(arguments).ref), end="")
