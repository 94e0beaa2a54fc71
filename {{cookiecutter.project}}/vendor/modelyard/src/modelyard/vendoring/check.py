"""`check`: compare the vendored library with what the template's commit in .cruft.json builds.

A change of the wheel and of uv.lock together passes every other check. This one clones the template, builds the wheel
from the commit's source, without running any of it, and compares.

Exit status: 0 equal, 1 different, 2 cannot be checked. To judge a branch, stay on main and give --ref: main's library
makes the comparison then, and the template is the one that main's .cruft.json names.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..code import code_hashes
from ..errors import GitError, YardError
from ..git import find_commit, git, read_blob
from .diff import wheel_at
from .guard import HASHES, VENDOR
from .hashes import text
from .launcher import VendorError, check_wheel, find_library
from .wheel import build

CRUFT = Path(".cruft.json")
LOCK = Path("uv.lock")
YARD = VENDOR / "yard"
SOURCE = "{{cookiecutter.project}}/vendor/modelyard"  # where the template keeps the library
# The files as Git has them, and a link as the text that it is
PLAIN = ("core.autocrlf=false", "core.symlinks=false")


class NotCheckable(YardError):
    """The template, its commit or the project's own files for the comparison are not available."""


@dataclass(frozen=True)
class Origin:
    """The template that a project follows: its address, the commit, and the template's folder in that repository."""

    template: str
    commit: str
    directory: str

    @classmethod
    def of(cls, root: Path) -> Origin:
        """As .cruft.json says. Raises NotCheckable where there is none."""
        try:
            state = json.loads((root / CRUFT).read_text(encoding="utf-8"))
            return cls(str(state["template"]), str(state["commit"]), str(state.get("directory") or ""))
        except FileNotFoundError:
            raise NotCheckable(
                "there is no .cruft.json, which names the template's commit: `uvx cruft link URL` makes it"
            ) from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NotCheckable(f".cruft.json cannot be read: {error}") from None


def differences(root: Path, trusted: Origin) -> list[str]:
    """What of the vendored library is not what the template's commit builds, a line each.

    trusted: the template to build from is this one's; the commit is the one that `root` names.

    Raises NotCheckable where the comparison cannot be made.
    """
    origin = Origin.of(root)
    lines = []
    if (origin.template, origin.directory) != (trusted.template, trusted.directory):
        lines.append(f".cruft.json names another template: {origin.template}; it was {trusted.template}")
    try:
        wheel = find_library(root / VENDOR)
    except VendorError as error:
        return [*lines, str(error)]
    if wheel.suffix != ".whl":
        raise NotCheckable("vendor/modelyard/ is ejected: its code is the project's own")
    with tempfile.TemporaryDirectory(prefix="template-") as made:
        source = _check_out(Origin(trusted.template, origin.commit, trusted.directory), Path(made))
        name, content = build(source)
        package = source / "src/modelyard"
        expected = {YARD: (package / "vendoring/launcher.py").read_bytes(), HASHES: text(code_hashes(package)).encode()}
    commit = origin.commit[:7]
    if (wheel.name, wheel.read_bytes()) != (name, content):
        lines.append(f"{wheel.name}: the wheel and uv.lock are not what the template's commit {commit} builds ({name})")
    for path, bytes_ in expected.items():
        if not (root / path).is_file() or (root / path).read_bytes() != bytes_:
            lines.append(f"{path} is not what the template's commit {commit} has")
    try:
        check_wheel(wheel, root / LOCK)
    except VendorError as error:
        lines.append(str(error))
    return lines


def _check_out(origin: Origin, folder: Path) -> Path:
    """The library's source folder at the template's commit, in a clone."""
    clone = folder / "template"
    try:
        plain = [f"--config={setting}" for setting in PLAIN]
        git(folder, "clone", "--quiet", "--no-checkout", *plain, "--", origin.template, str(clone))
        # a clone holds what the template's branches and tags hold, and no commit of somebody's fork
        if not find_commit(clone, origin.commit) or not git(clone, "for-each-ref", "--contains", origin.commit):
            raise NotCheckable(f"no branch or tag of {origin.template} has the commit {origin.commit[:12]}")
        inside = f"{origin.directory}/{SOURCE}".lstrip("/")
        git(clone, "checkout", "--quiet", origin.commit, "--", f":(literal){inside}")
    except GitError as error:
        raise NotCheckable(
            f"the library at {origin.commit[:7]} of {origin.template} is not available: {error}"
        ) from None
    return clone / inside


def _write_revision(ref: str, folder: Path) -> None:
    """Write the files of the comparison as a revision has them."""
    commit = find_commit(Path(), ref)
    if commit is None:
        raise NotCheckable(f"{ref} is no Git revision here")
    (folder / VENDOR).mkdir()
    try:
        name, content = wheel_at(Path(), commit)
        (folder / VENDOR / name).write_bytes(content)
    except YardError as error:
        raise NotCheckable(str(error)) from None
    for path in (CRUFT, LOCK, YARD, HASHES):
        blob = read_blob(Path(), commit, path.as_posix())
        if blob is not None:
            (folder / path).write_bytes(blob)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what differs."""
    parser = argparse.ArgumentParser(
        prog="check", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ref", help="check the vendored library of this Git revision instead of the files here")
    given = parser.parse_args(arguments)
    try:
        trusted = Origin.of(Path())
        with tempfile.TemporaryDirectory(prefix="revision-") as made:
            if given.ref:
                _write_revision(given.ref, Path(made))
            lines = differences(Path(made) if given.ref else Path(), trusted)
    except NotCheckable as error:
        print(f"cannot be checked: {error}", file=sys.stderr)
        sys.exit(2)
    if lines:
        sys.exit("\n".join(f"different: {line}" for line in lines))
    print(f"The vendored library is what {trusted.template} builds.")
