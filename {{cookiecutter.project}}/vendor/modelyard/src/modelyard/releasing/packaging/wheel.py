"""The wheel with the bundle inside, and the packages that it needs as uv.lock pins them."""

from __future__ import annotations

import sys
from pathlib import Path

from ...runtime.contract import ContractError
from .release import Release, uv
from .run import run


def build_wheel(release: Release, folder: Path) -> Path:
    """Build the wheel into a folder. Raises ContractError where there is no bundle."""
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], release.surroundings)
    (wheel,) = folder.glob("*.whl")
    return wheel


def requirements(*extras: str) -> str:
    """What the project needs with these extras, each package with its version and the hashes of its files.

    Raises ContractError where uv.lock is not there or not what pyproject.toml asks for.
    """
    command = [uv(), "export", "--locked", "--quiet", "--no-dev", "--no-emit-project", "--no-header", "--no-annotate",
               "--format", "requirements-txt", *(f"--extra={extra}" for extra in extras)]  # fmt: skip
    try:
        return run(command)
    except ContractError as error:
        raise ContractError(f"{error}\nWhere uv.lock is out of date, `uv lock` makes it new; commit it then") from None


def install(release: Release, wheel: Path, extra: str, folder: Path) -> Path:
    """Make an environment with the wheel and what it needs with this extra; its folder of programs."""
    needed = folder / f"{extra}.txt"
    needed.write_text(requirements(extra), encoding="utf-8")
    made = folder / "environment"
    run([uv(), "venv", "--quiet", "--no-project", "--python", sys.executable, str(made)])
    into = [uv(), "pip", "install", "--quiet", "--python", str(made / "bin/python"), "--no-deps"]
    run([*into, "--require-hashes", "--only-binary", ":all:", "--requirement", str(needed)])
    # by its name, as a path would be noted in the environment, and come out in what is made of it
    pinned = f"{release.project}=={release.version}"
    run([*into, "--no-index", "--find-links", str(wheel.parent), "--no-cache", pinned])
    return made / "bin"
