"""Before a stage runs: the library and the packages are those that the project's files name.

DVC trusts `vendor/yard.json` to say which code a stage runs, and `versions.json` which packages, so a stage refuses to
run others than those.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from ..code import code_hash
from ..errors import YardError
from .launcher import VendorError, check_wheel, find_library
from .versions import VERSIONS, others_installed

VENDOR = Path("vendor")
HASHES = VENDOR / "yard.json"
ANY_VERSIONS = "MODELYARD_ANY_VERSIONS"  # set where another commit runs in the environment of this one


def check_stage(stage: str, root: Path = Path()) -> None:
    """Compare the vendored wheel with uv.lock, what runs with `vendor/yard.json`, and packages with `versions.json`.

    A folder without a vendored library, such as where an installed model runs, has nothing to compare.

    Raises YardError where they differ.
    """
    vendor = root / VENDOR
    if not (vendor / "yard").is_file() and not (root / HASHES).is_file():
        return
    try:
        library = find_library(vendor)
        if library.suffix == ".whl":
            check_wheel(library, root / "uv.lock")
    except VendorError as error:
        raise YardError(str(error)) from None
    if _listed(root / HASHES).get(stage) != code_hash(stage):
        running = Path(__file__).absolute().parent.parent
        patched = (vendor / "modelyard").absolute() in running.parents
        mend = (
            "after a change of the library's code run `python3 vendor/yard hashes`, and commit the file"
            if patched
            else "the environment holds another version of the library; run `make setup`"
        )
        raise YardError(f"{HASHES} does not hold the hash of the code of `{stage}` that runs, in {running}: {mend}")
    if not os.environ.get(ANY_VERSIONS):
        _check_versions(stage, root)


def _check_versions(stage: str, root: Path) -> None:
    if others := others_installed(stage, root):
        name, (installed, listed) = next(iter(others.items()))
        more = f" (and {len(others) - 1:,} more)" if len(others) > 1 else ""
        raise YardError(
            f"{name} {installed} is installed, and {VERSIONS} has {listed}{more}, so dvc.lock would name what did not "
            "run. Remove .venv/.synced and run `make setup`, which installs what uv.lock has; or have uv.lock take it: "
            f"`make lock UPGRADE='{name}=={installed}'`, then `make setup`"
        )


def _listed(path: Path) -> dict[str, str]:
    try:
        hashes = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        hashes = None
    if not isinstance(hashes, dict):
        raise YardError(f"{HASHES} cannot be read; write it again with `python3 vendor/yard hashes`")
    return hashes
