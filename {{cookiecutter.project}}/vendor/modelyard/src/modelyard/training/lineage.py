"""The code that made a model, as hashes: of each module of the project, and of the library's code by entry."""

from __future__ import annotations

from pathlib import Path

from ..code import code_hashes
from ..runtime.hashing import sha256

LIBRARY = "modelyard:"  # prefix of the hashes of the library's code
UNUSED = {"model.py", "__main__.py"}  # modules of a project that are not run to answer rows


def code(package: Path) -> dict[str, str]:
    """The hash of each module of a project's package, by its path, and of the library's code, by entry of `code.py`."""
    inside = [path.relative_to(package) for path in package.rglob("*.py")]
    own = sorted(path.as_posix() for path in inside if not path.parts[0].startswith("_modelyard"))
    library = {f"{LIBRARY}{entry}": digest for entry, digest in code_hashes().items()}
    return {name: sha256(package / name) for name in own} | library


def answering(hashes: dict[str, str]) -> dict[str, str]:
    """Those of the hashes of `code` on which the answer to a row depends."""
    return {
        name: digest
        for name, digest in hashes.items()
        if (name == f"{LIBRARY}predict" if name.startswith(LIBRARY) else name not in UNUSED)
    }
