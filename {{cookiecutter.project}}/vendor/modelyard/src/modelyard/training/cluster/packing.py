"""What travels to the workers: the project's package and the library as they are here, and the files to work on."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import ContractError
from ...runtime.contract import Contract
from ...runtime.project import Project
from ..data.dataset import part_of
from ..data.ledger import read_ledger
from ..layout import LEDGER, PERIODS
from ..settings import Params
from .worker import CODE, FILES

LIBRARY = Path(__file__).parents[2]
LEFT_OUT = {"__pycache__", "bundle"}


@dataclass(frozen=True)
class Cargo:
    """What travels to each worker, and what it does with it.

    files: by their places in the folder that it has for them. start: called there before the first call, with that
    folder and the arguments, so that a worker knows what it works on.
    """

    project: Project
    files: Mapping[str, Path]
    start: Callable[..., None]
    arguments: tuple[Any, ...]


def rows_to_fit(root: Path, contract: Contract, params: Params) -> dict[str, Path]:
    """The ledger, and the periods from the first that trains. Raises ContractError if one is not on this machine."""
    first = part_of(root, contract, params, "train").periods[0]
    periods = [PERIODS / f"{period}.parquet" for period in read_ledger(root / LEDGER) if period >= first]
    if absent := [path for path in periods if not (root / path).is_file()]:
        raise ContractError(
            f"{root / absent[0]} is not on this machine; get it with `make pull`, or make it with `make pipeline`"
        )
    return {inside.as_posix(): root / inside for inside in (LEDGER, *periods)}


def pack(cargo: Cargo) -> bytes:
    """A zip with the folders `code` and `files`; the same files give the same bytes."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, path in _code(cargo.project):
            _add(archive, f"{CODE}/{name}", path, zipfile.ZIP_DEFLATED)
        for name, path in cargo.files.items():
            _add(archive, f"{FILES}/{name}", path, zipfile.ZIP_STORED)
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
