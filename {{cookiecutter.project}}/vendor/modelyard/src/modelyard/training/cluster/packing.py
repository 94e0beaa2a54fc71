"""What travels to the workers: the project's package and the library as they are here, the ledger and the rows."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from ...errors import ContractError
from ...runtime.contract import Contract
from ...runtime.project import Project
from ..data.dataset import part_of
from ..data.ledger import read_ledger
from ..layout import LEDGER, PERIODS
from ..settings import Params
from .worker import CODE, PROJECT

LIBRARY = Path(__file__).parents[2]
LEFT_OUT = {"__pycache__", "bundle"}


def pack(project: Project, root: Path, contract: Contract, params: Params) -> bytes:
    """A zip with the folders `code` and `project`; the same files give the same bytes.

    Of the rows, it has the periods from the first that trains. Raises ContractError if one is not on this machine.
    """
    first = part_of(root, contract, params, "train").periods[0]
    periods = [PERIODS / f"{period}.parquet" for period in read_ledger(root / LEDGER) if period >= first]
    if absent := [path for path in periods if not (root / path).is_file()]:
        raise ContractError(
            f"{root / absent[0]} is not on this machine; get it with `make pull`, or make it with `make pipeline`"
        )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, path in _code(project):
            _add(archive, f"{CODE}/{name}", path, zipfile.ZIP_DEFLATED)
        for inside in (LEDGER, *periods):
            _add(archive, f"{PROJECT}/{inside.as_posix()}", root / inside, zipfile.ZIP_STORED)
    return content.getvalue()


def _code(project: Project) -> Iterator[tuple[str, Path]]:
    """The files of the project's package and of the library, which the wheel of a model has inside that package."""
    folders = [project.folder] + ([] if LIBRARY.is_relative_to(project.folder) else [LIBRARY])
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            if path.is_file() and not LEFT_OUT.intersection(inside.parts):
                yield f"{folder.name}/{inside.as_posix()}", path


def _add(archive: zipfile.ZipFile, name: str, path: Path, how: int) -> None:
    entry = zipfile.ZipInfo(name)  # which has no time
    entry.compress_type = how
    archive.writestr(entry, path.read_bytes())
