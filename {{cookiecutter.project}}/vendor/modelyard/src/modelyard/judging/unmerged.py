"""Files of which a merge left two versions: outputs, which the pipeline makes anew, and what a person wrote."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import GitError, YardError
from ..git import try_git
from ..github.patch import OUTPUTS

SETTINGS = ("contract.yaml", "dvc.yaml", "params.yaml", "policy.yaml")  # without them no command works
MARKER = re.compile(rb"^<{7} ", re.MULTILINE)


@dataclass(frozen=True)
class Unmerged:
    """The files that a merge left with two versions, by who made them.

    outputs: of the pipeline. written: by a person, or by another command. blobs: for a file that is unmerged in Git's
    index, its object by stage: 1 is the version before both changes, 2 that of the branch here, 3 that of the other.
    """

    outputs: list[str]
    written: list[str]
    blobs: dict[str, dict[int, str]]


def find_unmerged(root: Path = Path()) -> Unmerged:
    """The project's files that are unmerged in Git's index, and outputs and settings with Git's markers in them.

    The markers alone are left where somebody ran `git add`, or committed, without a look at the files.
    """
    blobs: dict[str, dict[int, str]] = {}
    for entry in _unmerged_entries(root):
        fields, _, name = entry.partition("\t")
        _, blob, stage = fields.split()
        blobs.setdefault(name, {})[int(stage)] = blob
    names = sorted(blobs.keys() | _marked(root))
    return Unmerged([name for name in names if name in OUTPUTS], [name for name in names if name not in OUTPUTS], blobs)


def _marked(root: Path) -> set[str]:
    return {name for name in (*OUTPUTS, *SETTINGS) if is_marked(root / name)}


def is_marked(path: Path) -> bool:
    """Whether a file has a line that begins a conflict."""
    return path.is_file() and bool(MARKER.search(path.read_bytes()))


def check_merged(root: Path = Path()) -> None:
    """Raise YardError, with what to type, if an output or a file of the settings has two versions."""
    found = find_unmerged(root)
    if found.outputs and found.written:
        raise YardError(
            f"a merge left two versions of {', '.join(found.written)}, and of {', '.join(found.outputs)}, which the "
            f"pipeline makes. {_to_edit(found.written)}. Then run `make resolve`, which makes the others anew"
        )
    if found.outputs:
        raise YardError(
            f"a merge left two versions of {', '.join(found.outputs)}. To make them from the merged sources, run "
            "`make resolve`"
        )
    if settings := [name for name in found.written if name in SETTINGS]:
        raise YardError(f"a merge left two versions of {', '.join(settings)}. {_to_edit(settings)}")


def check_written(found: Unmerged) -> None:
    """Raise YardError, with what to type, if a file that a person wrote has two versions."""
    if found.written:
        raise YardError(
            f"a merge left two versions of {', '.join(found.written)}, which are not made by the pipeline, so nothing "
            f"is changed. {_to_edit(found.written)}, then run `make resolve` again"
        )


def _to_edit(names: Sequence[str]) -> str:
    hint = ", or run `git checkout HEAD -- uv.lock` and `make lock APPLY=1`" if "uv.lock" in names else ""
    named = f"{', '.join(names)} until {'it' if len(names) == 1 else 'each'} is as you want it"
    return f"Edit {named}{hint}, and run `git add {' '.join(names)}`"


def _unmerged_entries(root: Path) -> list[str]:
    try:
        result = try_git(root, "ls-files", "--unmerged", "-z")
    except GitError:
        return []  # without Git, nothing was merged
    return [] if result.returncode else [entry for entry in result.stdout.split("\0") if entry]
