"""The hash of a file, and the identity of a bundle."""

from __future__ import annotations

import hashlib
from pathlib import Path


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def bundle_sha256(folder: Path) -> str:
    """The bundle's identity: the hash of its manifest, which holds the hash of every other file."""
    return sha256(folder / "manifest.json")
