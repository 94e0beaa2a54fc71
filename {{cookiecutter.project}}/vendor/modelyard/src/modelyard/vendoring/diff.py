"""`diff`: show what changed between two versions of the library, as a unified diff of their sources.

A side is a wheel file, or a Git revision whose vendored wheel it is. Without NEW it is the wheel in vendor/.

A new wheel must not describe itself. To judge a branch, stay on main: `python3 vendor/yard diff HEAD origin/branch`
runs main's library. In a checkout of the branch, `diff --ref main` compares with main's wheel, and runs main's wheel to
do so.
"""

from __future__ import annotations

import argparse
import difflib
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ..errors import YardError
from ..git import find_commit, git, read_blob
from .guard import VENDOR
from .launcher import VendorError, find_library
from .wheel import sources


def compare(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> Iterator[str]:
    """The lines of a unified diff of two sets of files, by path. What a terminal does not show is escaped."""
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before != after:
            yield from difflib.unified_diff(
                _lines(before),
                _lines(after),
                "/dev/null" if before is None else f"old/{name}",
                "/dev/null" if after is None else f"new/{name}",
                lineterm="",
            )


def _lines(content: bytes | None) -> list[str]:
    text = (content or b"").decode("utf-8", "backslashreplace")
    # split at line feeds alone: str.splitlines() also splits at characters that hide in a line
    return [_visible(line) for line in text.split("\n")[: -1 if text.endswith("\n") else None]] if text else []


def _visible(line: str) -> str:
    """A line in which control and format characters, which can hide or reorder text, are written as escapes."""
    return "".join(
        character.encode("unicode_escape").decode()
        if character != "\t" and unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp")
        else character
        for character in line
    )


def read_wheel(side: str) -> bytes:
    """The wheel that a side names: a file, or the vendored wheel of a Git revision.

    Raises YardError where there is no such file and no such revision, or where the revision has not exactly one wheel.
    """
    if side.endswith(".whl"):
        try:
            return Path(side).read_bytes()
        except OSError as error:
            raise YardError(f"{side}: {error.strerror}") from None
    commit = find_commit(Path(), side)
    if commit is None:
        raise YardError(f"{side} is neither a wheel file (*.whl) nor a Git revision here")
    return wheel_at(Path(), commit)[1]


def wheel_at(root: Path, commit: str) -> tuple[str, bytes]:
    """The name and the bytes of the vendored wheel of a commit. Raises YardError where it has not exactly one."""
    listed = git(root, "ls-tree", "--name-only", commit, "--", f"{VENDOR}/").splitlines()
    wheels = [name for name in listed if Path(name).match("modelyard-*.whl")]
    if len(wheels) != 1:
        raise YardError(f"commit {commit[:7]} has {len(wheels)} wheels modelyard-*.whl in {VENDOR}/; one is needed")
    return Path(wheels[0]).name, read_blob(root, commit, wheels[0]) or b""


def _vendored() -> bytes:
    try:
        library = find_library(VENDOR)
    except VendorError as error:
        raise YardError(str(error)) from None
    if library.suffix != ".whl":
        raise YardError("vendor/modelyard/ is ejected: `git diff` shows its changes")
    return library.read_bytes()


def _run_other(old: bytes, new: bytes) -> int:
    """Compare by running the old wheel in a process of its own, which imports nothing of the current folder."""
    with tempfile.TemporaryDirectory(prefix="diff-") as made:
        for name, content in (("old.whl", old), ("new.whl", new)):
            (Path(made) / name).write_bytes(content)
        run = "import sys; sys.path.insert(0, sys.argv.pop(1)); from modelyard.cli import run_bare; run_bare('yard')"
        paths = [str(Path(made) / name) for name in ("old.whl", "old.whl", "new.whl")]
        command = [sys.executable, "-I", "-c", run, paths[0], "diff", *paths[1:]]
        return subprocess.run(command, check=False).returncode  # noqa: S603


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the diff; exit status 0 whether or not there is one."""
    parser = argparse.ArgumentParser(
        prog="diff", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("old", nargs="?", metavar="OLD", help="a wheel file or a Git revision")
    parser.add_argument("new", nargs="?", metavar="NEW", help="the same; without it, the wheel in vendor/")
    parser.add_argument("--ref", help="instead of OLD: a trusted revision, whose own wheel makes the comparison")
    given = parser.parse_args(arguments)
    if (given.old is None) == (given.ref is None):
        parser.error("give OLD or --ref")
    old = read_wheel(given.ref or given.old)
    new = read_wheel(given.new) if given.new else _vendored()
    if given.ref:
        sys.exit(_run_other(old, new))
    lines = list(compare(sources(old), sources(new)))
    print("\n".join(lines) if lines else "The two versions are equal.")
