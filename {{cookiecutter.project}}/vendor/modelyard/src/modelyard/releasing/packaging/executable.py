"""The single-file executable: the wheel and all that it needs to score files, for this machine's platform and Python.

Built by pex, which is maintained and builds reproducibly. The first start unpacks it into a virtual environment.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from .build import ReleaseBuild
from .run import run

EXTRA = "score"


def build_executable(release: ReleaseBuild, programs: Path, folder: Path) -> Path:
    """Build it from an environment with the wheel and its extra, given by its folder of programs."""
    path = folder / release.executable
    with tempfile.TemporaryDirectory() as root:
        command = [sys.executable, "-m", "pex", "--venv-repository", str(programs.parent), "--pex-root", root,
                   "--python-shebang", "/usr/bin/env python3", "--venv", "--sh-boot", "--script", release.name,
                   "--output-file", str(path), f"{release.name}[{EXTRA}]=={release.version}"]  # fmt: skip
        run(command, release.environment)
    return path
