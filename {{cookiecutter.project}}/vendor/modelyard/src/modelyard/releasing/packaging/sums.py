"""SHA256SUMS: the hash of each file of a release, as `sha256sum` writes it and checks it."""

from __future__ import annotations

import re
from pathlib import Path

from ...errors import ContractError
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
    sums: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if not (match := LINE.fullmatch(line)):
            raise ContractError(f"{path} line {number} is {line!r}: a hash, two spaces and a file's name are expected")
        sums[match[2]] = match[1]
    return sums


def faults(folder: Path) -> list[str]:
    """Each file that is not as SHA256SUMS has it: changed, missing, or not named there."""
    listed, present = read_sums(folder), {path.name: path for path in _files(folder)}
    messages = [f"{name} is missing" for name in sorted(listed.keys() - present.keys())]
    messages += [
        f"{name} does not belong to this release: {SUMS} does not name it"
        for name in sorted(present.keys() - listed.keys())
    ]
    messages += [
        f"{name} was changed: its SHA-256 is {digest}, and {SUMS} says {listed[name]}"
        for name in sorted(listed.keys() & present.keys())
        if (digest := sha256(present[name])) != listed[name]
    ]
    return messages


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name not in (SUMS, SIGNATURE))
