"""Whether another machine can read a source of files: whether Git or DVC has them, and how DVC gets them."""

from __future__ import annotations

import filecmp
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ...errors import ContractError
from ...git import NO_REPOSITORY, ask_git, without_repository
from ..data.sources.files import GLOB
from ..edit import edit_yaml
from .command import arguments
from .watched import inside_path, watched_paths
from .writing import watch

ROWS = Path("rows")  # where files from outside the project go


def only_here(path: str, files: Sequence[str], target: str, root: Path) -> list[str]:
    """Lines that say that no other machine can read a source, with the command that changes it; none if one can.

    files: the absolute paths of its files; none if they are not on this machine.
    """
    inside, outside = _sides(files, root)
    words = arguments(["--force", "--track"])
    command = f"    make contract SOURCE={shlex.quote(path)} TARGET={shlex.quote(target)} {words}"
    if outside:
        return [
            f"source: {path} is outside of the project, on this machine only: neither Actions nor another person can",
            f"  read it. Copy it into {ROWS}/, under DVC, with",
            command,
        ]
    if not (missing := _untracked(inside, root)):
        return []
    return [
        f"source: {missing[0]} is neither in Git nor under DVC, so no other machine has it. Commit it if it is small,",
        "  or put it under DVC with",
        command,
    ]


def track(path: str, files: Sequence[str], root: Path) -> str:
    """Put a source under DVC, copied into the project if it is outside; return its path, which params.yaml then has.

    Raises ContractError, and removes what was copied, if DVC refuses it; the draft stays as it is.
    """
    inside, outside = _sides(files, root)
    if not inside and not outside:
        raise ContractError(f"--track: {path} is not on this machine, so DVC cannot add it; leave --track out")
    if in_git := sorted(_in_git(inside, root) or ()):
        shown = f"'{path}'" if len(in_git) > 1 else shlex.quote(in_git[0])
        raise ContractError(
            f"--track: {in_git[0]} is in Git, and DVC takes only what is not. Earlier commits keep it; take it out of "
            f"the next with `git rm --cached {shown}`, and draft again with {arguments(['--force', '--track'])}"
        )
    folders = {Path(file).parent for file in files}
    is_glob = any(sign in Path(path).name for sign in GLOB) and not Path(path).exists()
    if len(folders) > 1 or (inside and outside):
        raise ContractError(
            f"--track: the files of {path} are in several folders: copy them into one below {ROWS}/ first"
        )
    (folder,) = folders
    copied: list[Path] = []
    if outside:
        place = ROWS / folder.name if is_glob else ROWS
        copied = _copy(outside, root / place)
        new = str(place / (Path(path).name if is_glob else Path(outside[0]).name))
    else:
        new = inside_path(path, root).removeprefix("file://")
    added = str(Path(new).parent) if is_glob else new
    try:
        _add(added, root)
    except ContractError:
        for file in copied:
            file.unlink()
        raise
    edit_yaml(root / "params.yaml", {"source": {"kind": "files", "path": new}})
    watch(root / "dvc.yaml", watched_paths(new, root))
    return new


def _sides(files: Sequence[str], root: Path) -> tuple[list[str], list[str]]:
    """The files inside the project, by their path in it, and those outside."""
    places = [(file, inside_path(file, root)) for file in files]
    return [place for file, place in places if place != file], [file for file, place in places if place == file]


def _untracked(files: Sequence[str], root: Path) -> list[str]:
    in_git = _in_git(files, root)
    if in_git is None:
        return []
    return [file for file in files if file not in in_git and not _under_dvc(Path(file), root)]


def _in_git(files: Sequence[str], root: Path) -> set[str] | None:
    """Those of the files that Git tracks; None where there is no repository."""
    if not files:
        return set()
    known = ask_git(root, "--literal-pathspecs", "ls-files", "-z", "--", *files, no=[NO_REPOSITORY])
    return None if known is None else set(filter(None, known.split("\0")))


def _under_dvc(file: Path, root: Path) -> bool:
    return any((root / f"{place}.dvc").is_file() for place in (file, *file.parents) if place.name)


def _copy(files: Sequence[str], folder: Path) -> list[Path]:
    pairs = [(Path(file), folder / Path(file).name) for file in files]
    if other := [new for old, new in pairs if new.exists() and not filecmp.cmp(old, new, shallow=False)]:
        raise ContractError(f"--track: {other[0]} is there already, and is another file; rename one of the two")
    folder.mkdir(parents=True, exist_ok=True)
    copied = [(old, new) for old, new in pairs if not new.exists()]
    for old, new in copied:
        shutil.copyfile(old, new)
    return [new for _, new in copied]


def _add(path: str, root: Path) -> None:
    command = [sys.executable, "-m", "dvc", "add", "--quiet", path]
    done = subprocess.run(  # noqa: S603
        command, cwd=root, env=without_repository(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ContractError(f"--track: DVC did not add {path}: {done.stderr.strip().removeprefix('ERROR: ')}")
