"""Python compiles what it imports, and a run's environment is new: give it what was compiled of the same files before.

    python3 bytecode.py SITE-PACKAGES SITE-PACKAGES   # from the one to the other

uv links the files of an environment from its cache, so one file in two environments is one inode, and then its bytecode
is right in both. On GitHub each job compiles anew; here that took a third of a run.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def share(made: Path, new: Path) -> None:
    """Link the bytecode of `made` into `new`, where both have the same source."""
    for folder, _, names in os.walk(made):
        if not folder.endswith("/__pycache__"):
            continue
        target = new / Path(folder).relative_to(made)
        for name in names:
            source = name.partition(".")[0] + ".py"
            try:
                if os.path.samefile(f"{folder}/../{source}", target.parent / source):
                    target.mkdir(exist_ok=True)
                    os.link(f"{folder}/{name}", target / name)
            except (FileNotFoundError, FileExistsError):
                continue  # another package, or a file that Python is writing just now


if __name__ == "__main__":
    share(Path(sys.argv[1]), Path(sys.argv[2]))
