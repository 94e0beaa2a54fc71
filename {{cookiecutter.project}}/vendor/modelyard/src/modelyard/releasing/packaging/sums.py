"""SHA256SUMS: the hash of each file of a release, as `sha256sum` writes it and checks it."""

from __future__ import annotations

import re
from pathlib import Path

from ...runtime.contract import ContractError
from ...runtime.hashing import sha256

SUMS = "SHA256SUMS"
SIGNATURE = f"{SUMS}.sig"
LINE = re.compile(r"([0-9a-f]{64}) [ *]([^/\\]+)")


def write_sums(folder: Path) -> Path:
    """Write the hashes of all files in a folder."""
    lines = [f"{sha256(path)}  {path.name}\n" for path in _files(folder)]
    path = folder / SUMS
    path.write_text("".join(lines), encoding="utf-8")
    return path


def read_sums(folder: Path) -> dict[str, str]:
    """The hashes by the names of their files. Raises ContractError where the file is not there or not of its form."""
    path = folder / SUMS
    if not path.is_file():
        raise ContractError(f"{path} is missing: nothing says what belongs to this release")
    found: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if not (match := LINE.fullmatch(line)):
            raise ContractError(f"{path} line {number} is {line!r}: a hash, two spaces and a file's name are expected")
        found[match[2]] = match[1]
    return found


def faults(folder: Path) -> list[str]:
    """Each file that is not as SHA256SUMS has it: changed, missing, or not named there."""
    listed, there = read_sums(folder), {path.name: path for path in _files(folder)}
    wrong = [f"{name} is missing" for name in sorted(listed.keys() - there.keys())]
    wrong += [
        f"{name} does not belong to this release: {SUMS} does not name it"
        for name in sorted(there.keys() - listed.keys())
    ]
    wrong += [
        f"{name} was changed: its SHA-256 is {found}, and {SUMS} says {listed[name]}"
        for name in sorted(listed.keys() & there.keys())
        if (found := sha256(there[name])) != listed[name]
    ]
    return wrong


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name not in (SUMS, SIGNATURE))
