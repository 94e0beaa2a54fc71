"""Runs in the image of a version: puts its bundle where the service of another version finds it.

It is sent there as text and run by that image's Python, so it requires the standard library only. Arguments: the
version, whose folder the bundle becomes, and the folder for all of them.
"""

import filecmp
import os
import shutil
import sys
from pathlib import Path


def lend(prefix: str, version: str, root: str) -> str:
    """Copy the bundle inside an environment to `root/version`, unless it is there. Returns what was done.

    The folder appears as a whole. Raises SystemExit where the environment holds no bundle.
    """
    manifest = next(Path(prefix).rglob("bundle/manifest.json"), None)
    if manifest is None:
        sys.exit(f"the image of {version} holds no bundle in {prefix}")
    target, new, old = (Path(root) / name for name in (version, f".{version}.new", f".{version}.old"))
    if (target / manifest.name).is_file() and filecmp.cmp(manifest, target / manifest.name, shallow=False):
        return f"the bundle of {version} is there already"
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(manifest.parent, new)
    if target.exists():
        os.replace(target, old)
    os.replace(new, target)
    shutil.rmtree(old, ignore_errors=True)
    return f"the bundle of {version} was copied"


def main() -> None:
    """Lend the bundle of the environment that this runs in."""
    print(lend(sys.prefix, *sys.argv[1:]))
