"""`eject`: unpack the library to vendor/modelyard/, for a team that must patch it.

The folder becomes an editable dependency: its code runs as it stands there. Afterwards upgrades of the library are
merged by hand.
"""

from __future__ import annotations

import argparse
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..errors import YardError
from .guard import VENDOR
from .launcher import VendorError, find_library
from .wheel import unpack

PYPROJECT = Path("pyproject.toml")
EJECTED = VENDOR / "modelyard"
SOURCE = re.compile(r'^(?P<table>\[tool\.uv\.sources\.modelyard\][ \t]*\n)path[ \t]*=[ \t]*"[^"\n]*"', re.MULTILINE)
EDITABLE = f'path = "{EJECTED.as_posix()}"\neditable = true'


def eject(root: Path = Path()) -> None:
    """Unpack the wheel, point `[tool.uv.sources.modelyard]` to the folder, and remove the wheel: all of it or nothing.

    Raises YardError where the project is ejected already, or where pyproject.toml has no such table.
    """
    try:
        wheel = find_library(root / VENDOR)
    except VendorError as error:
        raise YardError(str(error)) from None
    if wheel.suffix != ".whl":
        raise YardError(f"{EJECTED}/ is there already: the library is ejected")
    content = wheel.read_bytes()
    before = (root / PYPROJECT).read_text(encoding="utf-8")
    after, count = SOURCE.subn(rf"\g<table>{EDITABLE}", before)
    if count != 1:
        raise YardError(
            f"{PYPROJECT} has no table [tool.uv.sources.modelyard] with `path = ...` in its next line; write it so"
        )
    with tempfile.TemporaryDirectory(prefix=".eject-", dir=root / VENDOR) as made:
        unpack(content, Path(made) / "modelyard")
        (Path(made) / "pyproject.toml").write_text(after, encoding="utf-8")
        (Path(made) / "modelyard").rename(root / EJECTED)
        try:
            os.replace(Path(made) / "pyproject.toml", root / PYPROJECT)
            wheel.unlink()
        except OSError:
            (root / PYPROJECT).write_text(before, encoding="utf-8")
            (root / EJECTED).rename(Path(made) / "modelyard")
            raise


def main(arguments: Sequence[str] | None = None) -> None:
    """Unpack the library and print what to run next."""
    argparse.ArgumentParser(
        prog="eject", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args(arguments)
    eject()
    print(
        f"The library's source is in {EJECTED}/. Next:\n"
        "  make lock APPLY=1              # uv.lock names the folder\n"
        "  make setup                     # the environment uses it\n"
        "  python3 vendor/yard hashes     # after each change of its code, so that DVC reruns what it touches"
    )
