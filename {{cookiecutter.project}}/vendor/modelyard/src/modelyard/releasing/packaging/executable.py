"""The single-file executable: the wheel and all that it needs to score files, for this machine's platform and Python.

Made by pex: it is kept up, its files come out the same each time, and once unpacked they start as an environment does.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from .release import Release
from .run import run

EXTRA = "score"


def build_executable(release: Release, programs: Path, folder: Path) -> Path:
    """Build it from an environment with the wheel and its extra, given by its folder of programs."""
    made = folder / release.executable
    with tempfile.TemporaryDirectory() as root:
        command = [sys.executable, "-m", "pex", "--venv-repository", str(programs.parent), "--pex-root", root,
                   "--python-shebang", "/usr/bin/env python3", "--venv", "--sh-boot", "--script", release.project,
                   "--output-file", str(made), f"{release.project}[{EXTRA}]=={release.version}"]  # fmt: skip
        run(command, release.surroundings)
    return made
