"""Runs in the image of a version: puts its bundle where the service of another version finds it.

It is sent there as text and run by that image's Python, so it is the standard library only. Arguments: the version,
whose folder the bundle becomes, and the folder for all of them.
"""

import filecmp
import os
import shutil
import sys
from pathlib import Path


def lend(prefix: str, version: str, root: str) -> str:
    """Copy the bundle inside an environment to `root/version`; what was done. What is there already stays.

    The folder appears as a whole. Raises SystemExit where the environment holds no bundle.
    """
    found = next(Path(prefix).rglob("bundle/manifest.json"), None)
    if found is None:
        sys.exit(f"the image of {version} holds no bundle in {prefix}")
    made, new, old = (Path(root) / name for name in (version, f".{version}.new", f".{version}.old"))
    if (made / found.name).is_file() and filecmp.cmp(found, made / found.name, shallow=False):
        return f"the bundle of {version} is there"
    for left in (new, old):
        shutil.rmtree(left, ignore_errors=True)
    shutil.copytree(found.parent, new)
    if made.exists():
        os.replace(made, old)
    os.replace(new, made)
    shutil.rmtree(old, ignore_errors=True)
    return f"the bundle of {version} was brought"


if __name__ == "__main__":
    print(lend(sys.prefix, *sys.argv[1:]))
