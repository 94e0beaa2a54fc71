"""Files that DVC keeps instead of Git, each named by a `.dvc` file beside it: which they are, and who has them.

Only what `dvc add` writes is read, without a YAML reader, because the check before the pipeline has the standard
library only. Anything else is left to DVC.
"""

from __future__ import annotations

import configparser
import re
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
    config = configparser.ConfigParser(interpolation=None)
    config.read([root / CONFIG, root / CONFIG.with_suffix(".local")], encoding="utf-8")
    name = config.get("core", "remote", fallback=None)
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


def how_to_get(paths: Sequence[str], remote: str | None) -> str:
    """What a person does where tracked files are missing; remote: see `shared_remote`."""
    first = paths[0]
    if remote:
        return f"run `make pull`; if {remote} does not have it, run `make push` first on a machine that does"
    return (
        "the DVC remote is a folder of one project folder, which no other machine has. Where the file is, put it into "
        f"Git if it is small (`dvc remove {first}{SUFFIX}`, `git add {first}`), or name a remote that all machines "
        "reach (`dvc remote modify storage url s3://bucket/path`, `make push`): docs/your-data.md, Share the data"
    )
