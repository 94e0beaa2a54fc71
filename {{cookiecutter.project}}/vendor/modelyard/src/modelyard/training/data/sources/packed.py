"""Which files are read, by their names, and what a compressed one holds."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import PurePosixPath

from ....errors import ContractError
from ....runtime.csv_form import ENDINGS

PARQUET = (".parquet", ".pq")
UNPACK: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.decompress, ".bz2": bz2.decompress, ".xz": lzma.decompress}
READ = (
    f"CSV ({', '.join(ENDINGS)}, also with {', '.join(UNPACK)}, or .zip with one file in it) "
    f"and Parquet ({', '.join(PARQUET)}) are read"
)
ADVICE = {
    **dict.fromkeys([".xlsx", ".xlsm", ".xls", ".ods"], "save the sheet as CSV (UTF-8)"),
    ".dvc": "name the file that it stands for, without .dvc, and get that with `make pull`",
}


def unpack(content: bytes, name: str, where: str) -> tuple[bytes, str]:
    """The content of a file without its compression, and its name without that ending.

    Raises ContractError if it is damaged, or a zip with other than one file.
    """
    path = PurePosixPath(name)
    ending = path.suffix.lower()
    try:
        if ending == ".zip":
            return _unzip(content, where)
        if ending in UNPACK:
            return unpack(UNPACK[ending](content), path.stem, where)
    except (OSError, EOFError, lzma.LZMAError, zlib.error, zipfile.BadZipFile) as error:
        raise ContractError(f"{where} cannot be read: {error}") from None
    return content, name


def _unzip(content: bytes, where: str) -> tuple[bytes, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        # macOS adds files of its own
        members = [
            member
            for member in archive.infolist()
            if not member.is_dir()
            and not member.filename.startswith("__MACOSX/")
            and not PurePosixPath(member.filename).name.startswith(".")
        ]
        if len(members) != 1:
            shown = ", ".join(member.filename for member in members[:5]) + (" …" if len(members) > 5 else "")
            raise ContractError(
                f"{where} holds {len(members)} files{': ' if shown else ''}{shown}; a zip with one file is read. "
                "Unpack it into a folder of its own, and name its files, as in folder/*.csv"
            )
        try:
            return unpack(archive.read(members[0]), members[0].filename, where)
        except (RuntimeError, NotImplementedError) as error:  # a password, or a compression that zipfile cannot undo
            raise ContractError(f"{where} cannot be read: {error}; unpack it first") from None


def is_csv(content: bytes, name: str, where: str) -> bool:
    """Whether a file is CSV by its name, else Parquet. Raises ContractError if it is neither, naming what is read."""
    ending = PurePosixPath(name).suffix.lower()
    if ending in ENDINGS:
        return True
    if ending in PARQUET or content.startswith(b"PAR1"):
        return False
    raise ContractError(
        f"{where} is no such file as is read: {READ}; {ADVICE.get(ending, 'convert it to one of them')}"
    )
