"""The Mermaid versions of package.json, each as one script that a page can hold."""

from __future__ import annotations

import json
import sys
import tarfile
import tempfile
from pathlib import Path

from npm import npm

PINNED = Path(__file__).parent / "package.json"
KEPT = Path(sys.prefix) / "mermaid"  # in the template's environment, which is never committed


def scripts() -> dict[str, str]:
    """Each version's script by its version, the latest first; npm gets what is not here yet."""
    pinned = json.loads(PINNED.read_text())["dependencies"]
    versions = sorted((value.rpartition("@")[2] for value in pinned.values()), key=_order, reverse=True)
    return {version: _script(version) for version in versions}


def _script(version: str) -> str:
    kept = KEPT / f"{version}.js"
    if not kept.is_file():
        KEPT.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=KEPT) as made:
            npm(Path(made), "pack", f"mermaid@{version}")
            (packed,) = Path(made).glob("*.tgz")
            with tarfile.open(packed) as archive:
                script = archive.extractfile("package/dist/mermaid.min.js")
                assert script, "not a file"
                unfinished = Path(made) / kept.name
                unfinished.write_bytes(script.read())
            unfinished.replace(kept)
    return kept.read_text(encoding="utf-8")


def _order(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
