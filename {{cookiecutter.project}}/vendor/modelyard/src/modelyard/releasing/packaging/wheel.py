"""The model's wheel, which holds the bundle and the library's runtime part, and the packages that it needs."""

from __future__ import annotations

import sys
from pathlib import Path

from ...errors import ContractError
from .build import ReleaseBuild, uv
from .run import run

LIBRARY = "modelyard"  # the name of its distribution


def build_wheel(release: ReleaseBuild, folder: Path) -> Path:
    """Build the wheel into a folder; the project's hatch_build.py adds bundle and library.

    Raises ContractError where that fails, as where there is no bundle.
    """
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], release.environment)
    (wheel,) = folder.glob("*.whl")
    return wheel


def requirements(*extras: str) -> str:
    """The packages that the project needs with these extras, each with its version and the hashes of its files.

    The library is not among them, because it is inside the wheel. Raises ContractError where uv.lock is missing or does
    not match pyproject.toml.
    """
    command = [uv(), "export", "--locked", "--quiet", "--no-dev", "--no-emit-project", "--no-emit-package", LIBRARY,
               "--no-header", "--no-annotate", "--format", "requirements-txt",
               *(f"--extra={extra}" for extra in extras)]  # fmt: skip
    try:
        return run(command)
    except ContractError as error:
        raise ContractError(f"{error}\nWhere uv.lock is out of date, run `make lock APPLY=1` and commit it") from None


def install(release: ReleaseBuild, wheel: Path, extra: str, folder: Path) -> Path:
    """Make an environment with the wheel and the packages that it needs with this extra; its folder of programs."""
    needed = folder / f"{extra}.txt"
    needed.write_text(requirements(extra), encoding="utf-8")
    environment = folder / "environment"
    run([uv(), "venv", "--quiet", "--no-project", "--python", sys.executable, str(environment)])
    pip_install = [uv(), "pip", "install", "--quiet", "--python", str(environment / "bin/python"), "--no-deps"]
    run([*pip_install, "--require-hashes", "--only-binary", ":all:", "--requirement", str(needed)])
    # by name, because a path would be recorded in the environment, and appear in the executable
    pinned = f"{release.name}=={release.version}"
    run([*pip_install, "--no-index", "--find-links", str(wheel.parent), "--no-cache", pinned])
    return environment / "bin"
