"""Run a verb of the vendored library without an environment: `python3 vendor/yard VERB`, also `python3 -I`.

The library is `modelyard-*.whl` beside this file, or the folder `modelyard/` after `make eject`. Nothing of a wheel is
imported before its SHA-256 equals the one in uv.lock. This file is `vendoring/launcher.py` of the library, copied; it
parses on every Python since 3.6, so that an old one is named in one line.
"""

import sys

if __name__ == "__main__" and not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
    del sys.path[0]  # the folder of this file: nothing beside it may stand in for a module of Python's
NEEDED = (3, 11)  # as `requires-python` of the library
if sys.version_info < NEEDED:
    sys.exit(f"error: vendor/yard requires Python {NEEDED[0]}.{NEEDED[1]} or newer; this is {sys.version.split()[0]}")

import hashlib  # noqa: E402
import importlib  # noqa: E402
import re  # noqa: E402
import shlex  # noqa: E402
from pathlib import Path  # noqa: E402


class VendorError(Exception):
    """The library in `vendor/` is not what the project's files say; the message names what to do."""


def find_library(vendor: Path) -> Path:
    """The one library in `vendor/`: its wheel, or the source folder after `make eject`.

    Raises VendorError where there is none, or more than one.
    """
    wheels = sorted(vendor.glob("modelyard-*.whl"))
    ejected = vendor / "modelyard" / "src"
    names = [path.name for path in wheels] + (["modelyard/"] if ejected.is_dir() else [])
    if len(names) > 1:
        raise VendorError(
            f"{vendor.name}/ holds {' and '.join(names)}, as a merge may leave it: "
            "remove (git rm) all but the one that pyproject.toml names, then run `make lock APPLY=1`"
        )
    if not names:
        raise VendorError(
            f"{vendor.name}/ holds no modelyard-*.whl: restore it with `git checkout HEAD -- {vendor.name}`"
        )
    return wheels[0] if wheels else ejected


def check_wheel(wheel: Path, lock: Path) -> bool:
    """Compare the SHA-256 of a wheel with the one in uv.lock; False where there is no uv.lock to compare with.

    Raises VendorError where they differ, or where uv.lock does not name the wheel.
    """
    if not lock.is_file():
        return False
    named = re.escape(wheel.name) + r'"[^}\n]*\bhash = "sha256:([0-9a-f]{64})"'
    locked = set(re.findall(named, lock.read_text(encoding="utf-8")))
    if not locked:
        raise VendorError(
            f"uv.lock does not name {wheel.name}: run `make lock APPLY=1`, and review the change of vendor/"
        )
    if locked != {hashlib.sha256(wheel.read_bytes()).hexdigest()}:
        raise VendorError(
            f"{wheel.name} is not the wheel whose hash is in uv.lock: it was changed after the lock; restore it "
            f"with `git checkout HEAD -- {wheel.parent.name} uv.lock`, or bring in a new version with `make upgrade`"
        )
    return True


def check_folder(vendor: Path, arguments: "list[str]") -> None:
    """Say where a verb would work on another folder than the project that `vendor/` is in.

    Raises VendorError where that folder is a project with a library of its own.
    """
    here, root = Path.cwd(), vendor.parent
    if root.samefile(here) or {"-h", "--help"} & set(arguments):
        return
    there = f"{here}, which is not this library's project; that one is in {shlex.quote(str(root))}"
    if (here / vendor.name / "yard").exists():
        raise VendorError(
            f"this would work on {there}. Run the vendor/yard of the folder that you mean, in that folder"
        )
    print(f"note: this works on {there}", file=sys.stderr)


def main() -> None:
    """Run the verb on the command line."""
    vendor = Path(__file__).absolute().parent
    try:
        check_folder(vendor, sys.argv[1:])
        library = find_library(vendor)
        if library.suffix == ".whl" and not check_wheel(library, vendor.parent / "uv.lock"):
            print(
                f"note: there is no uv.lock, so {library.name} is not checked; run `make lock APPLY=1`", file=sys.stderr
            )
    except VendorError as error:
        sys.exit(f"error: {error}")
    sys.path.insert(0, str(library))
    importlib.import_module("modelyard.cli").run_bare("vendor/yard")


if __name__ == "__main__":
    main()
