"""The environment of a training: Python, the kind of machine, and the versions of the packages.

`train` writes it to a file that Git tracks, and `bundle` copies it from there. So another patch version of Python
changes that file and not the outputs of training: `prove` retrains elsewhere, compares the model, and assembles the
committed bundle again from the committed file.
"""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

EXTRA = "train"


def environment(distribution: str) -> dict[str, Any]:
    """Python, the kind of machine, and the versions of all packages that this distribution requires for training.

    Tools that cannot change a model, such as linters, are left out. So is this library: the manifest has the hash of
    the code that each stage runs, and a new version that changes only reports does not change the model.
    """
    versions = _versions(distribution, EXTRA)
    for own in (distribution, __name__.partition(".")[0]):
        versions.pop(canonicalize_name(own), None)
    return {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "packages": dict(sorted(versions.items())),
    }


def _versions(distribution: str, extra: str) -> dict[str, str]:
    """The versions of the distribution and of its requirements with this extra, direct and indirect."""
    versions: dict[str, str] = {}
    todo, done = [(canonicalize_name(distribution), extra)], set()
    while todo:
        name, extra = todo.pop()
        if (name, extra) in done:
            continue
        done.add((name, extra))
        try:
            installed = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # needed on another platform only
        versions[name] = installed.version
        for needed in map(Requirement, installed.requires or []):
            if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                todo += [(canonicalize_name(needed.name), needed_extra) for needed_extra in needed.extras or {""}]
    return versions
