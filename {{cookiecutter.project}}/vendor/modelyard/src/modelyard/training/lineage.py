"""What else made the model: the code and the environment, as hashes and versions."""

from __future__ import annotations

import hashlib
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PACKAGE = Path(__file__).parent.parent
EXTRA = "train"
# What training and serving both run
SHARED = ("contract.py", "features.py", "predictor.py", "quickscorer.py", "rows.py")


def lineage() -> dict[str, Any]:
    """The hash of each file of code that training runs, and the version of everything it is run with."""
    return {"code": code(PACKAGE), "environment": environment(PACKAGE.name)}


def code(package: Path) -> dict[str, str]:
    """The hash of each Python file that the stages run, by its path in the package."""
    files = sorted([*package.glob("pipeline/**/*.py"), *(package / name for name in SHARED)])
    return {path.relative_to(package).as_posix(): _sha256(path) for path in files}


def environment(distribution: str) -> dict[str, Any]:
    """Python, the machine's kind, and the versions of what this distribution needs to train, at any depth.

    Tools that cannot change a model, such as linters, are left out.
    """
    versions = _versions(distribution, EXTRA)
    del versions[canonicalize_name(distribution)]
    return {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "packages": dict(sorted(versions.items())),
    }


def _versions(distribution: str, extra: str) -> dict[str, str]:
    """The version of the distribution and of all that it needs with this extra, at any depth."""
    versions: dict[str, str] = {}
    todo, done = [(canonicalize_name(distribution), extra)], set()
    while todo:
        name, extra = todo.pop()
        if (name, extra) in done:
            continue
        done.add((name, extra))
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # needed on another platform only
        versions[name] = found.version
        for needed in map(Requirement, found.requires or []):
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                todo += [(canonicalize_name(needed.name), wanted) for wanted in needed.extras or {""}]
    return versions


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
