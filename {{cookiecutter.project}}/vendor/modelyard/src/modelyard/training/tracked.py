"""Files that DVC keeps instead of Git, each named by a `.dvc` file beside it: which they are, and who has them.

Only what `dvc add` writes is read, without a YAML reader, because the check before the pipeline has the standard
library only. Anything else is left to DVC.
"""

from __future__ import annotations

import configparser
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..errors import ContractError
from ..git import NO_REPOSITORY, ask_git

CONFIG = Path(".dvc/config")
PIPELINE = Path("dvc.yaml")
SUFFIX = ".dvc"
HASH = re.compile(r"^(?:-| ) md5: ([0-9a-f]{32}(?:\.dir)?)$", re.MULTILINE)
ADDED = re.compile(r"^(?:-| ) hash: md5$", re.MULTILINE)  # DVC before 3.0 left it out, and hashed texts otherwise
ENTRY = re.compile(r"^ *- (['\"]?)(.+?)\1:?$", re.MULTILINE)


@dataclass(frozen=True)
class TrackedFile:
    """A file or folder under DVC, by its path in the project, and the hash that its `.dvc` file names."""

    path: str
    md5: str


def tracked_inputs(root: Path = Path()) -> list[TrackedFile]:
    """What is under DVC and named in dvc.yaml, as the pipeline needs it; none without Git."""
    if not (root / PIPELINE).is_file():
        return []
    text = (root / PIPELINE).read_text(encoding="utf-8")
    named = [PurePosixPath(found[2].replace("\\${", "${")) for found in ENTRY.finditer(text)]
    return [one for one in _tracked(root) if any(_meet(PurePosixPath(one.path), path) for path in named)]


def _tracked(root: Path) -> list[TrackedFile]:
    listed = ask_git(
        root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", f"*{SUFFIX}", no=[NO_REPOSITORY]
    )
    found = []
    for name in dict.fromkeys((listed or "").split("\0")):
        path = name.removesuffix(SUFFIX)
        text = (root / name).read_text(encoding="utf-8", errors="replace") if (root / name).is_file() else ""
        md5s, is_own = HASH.findall(text), re.search(rf"^(?:-| ) path: {_quoted(path)}$", text, re.MULTILINE)
        if len(md5s) == 1 and is_own and ADDED.search(text) and "\ndeps:" not in f"\n{text}":
            found.append(TrackedFile(path, md5s[0]))
    return found


def _quoted(path: str) -> str:
    return rf"(['\"]?){re.escape(PurePosixPath(path).name)}\1"


def _meet(one: PurePosixPath, other: PurePosixPath) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def shared_remote(root: Path = Path()) -> str | None:
    """The address of the remote, or None if it is a folder of this project or there is none."""
    config, name = _config(root)
    if name is None:
        return None
    section = f"'remote \"{name}\"'"
    if not config.has_option(section, "url"):
        raise ContractError(f"{CONFIG}: core.remote is {name!r}, and no remote of that name has a url")
    url = config.get(section, "url")
    if "://" in url:
        return url
    place = (root / CONFIG.parent / url).resolve()
    return None if place.is_relative_to(root.resolve()) else str(place)


def _config(root: Path) -> tuple[configparser.ConfigParser, str | None]:
    """DVC's settings, and the name of the remote in use."""
    config = configparser.ConfigParser(interpolation=None)
    config.read([root / CONFIG, root / CONFIG.with_suffix(".local")], encoding="utf-8")
    return config, config.get("core", "remote", fallback=None)


def check_present(root: Path = Path()) -> None:
    """Raise ContractError, with what to do, if the pipeline reads what is under DVC and not on this machine."""
    if paths := absent_inputs(root):
        raise ContractError(f"{_are(paths)} under DVC and not on this machine: {how_to_get(paths, root)}")


def absent_inputs(root: Path = Path()) -> list[str]:
    """The paths of `tracked_inputs` that are not there."""
    return [one.path for one in tracked_inputs(root) if not (root / one.path).exists()]


def how_to_get(paths: Sequence[str], root: Path = Path()) -> str:
    """What a person does where tracked files are missing."""
    if remote := shared_remote(root):
        return f"run `make pull`; if {remote} does not have it, run `make push` first on a machine that does"
    return f"run `make pull` if this machine had it before. {_how_to_share(paths[0], root)}"


def told_after(direction: str, root: Path = Path()) -> list[str]:
    """Lines for a person after `pull` or `push`: that data is still not here, or stays here."""
    remote = shared_remote(root)
    if direction == "push":
        paths = [one.path for one in tracked_inputs(root)]
        return [f"{_are(paths)} under DVC. {_how_to_share(paths[0], root)}"] if paths and remote is None else []
    if not (paths := absent_inputs(root)):
        return []
    advice = "Run `make push` on a machine that has it" if remote else _how_to_share(paths[0], root)
    return [f"{_are(paths)} under DVC and still not on this machine. {advice}"]


def told_of_new(path: str, root: Path = Path()) -> str:
    """What a person does with a source that was put under DVC just now, so that other machines have it."""
    known = [one.path for one in tracked_inputs(root)]
    added = next((one for one in known if _meet(PurePosixPath(one), PurePosixPath(path))), path)
    if remote := shared_remote(root):
        return f"{path} is under DVC: commit {added}{SUFFIX}, and `make push` brings the data to {remote}"
    return f"{path} is under DVC: commit {added}{SUFFIX}. {_how_to_share(added, root)}"


def _how_to_share(path: str, root: Path) -> str:
    """What a person does with a tracked file that stays in the project's folder."""
    _, name = _config(root)
    here = "Its DVC remote is a folder of this project" if name else "There is no DVC remote"
    command = f"remote modify {name} url" if name else "remote add --default storage"
    return (
        f"{here}, so no other machine has the data, Actions included. If it is small, put it into Git instead: "
        f"`.venv/bin/dvc remove {shlex.quote(path + SUFFIX)}`, `git add {shlex.quote(path)}`. Else name a remote that "
        f"all machines reach: `.venv/bin/dvc {command} s3://bucket/path`, `make push`. docs/your-data.md says more "
        'under "Share the data"'
    )


def _are(paths: Sequence[str]) -> str:
    return f"{', '.join(paths)} {'is' if len(paths) == 1 else 'are'}"
