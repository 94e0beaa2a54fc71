"""Where a source of files is: what of it DVC watches, and that it is not what the project's own commands make."""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from ...errors import ContractError
from ..data.sources.files import is_wild
from ..edit import round_trip

# What commands remove, and make again without what was laid there
REMOVED = ("build", "champion", "dist", "reports", ".dvc", ".git", ".tools", ".venv")


def inside_path(path: str, root: Path) -> str:
    """The path relative to the project where it is in it, else as it is: another machine has another folder there."""
    given = path.removeprefix("file://")
    if "://" in given:
        return path
    folder = os.path.abspath(root)
    place = os.path.normpath(os.path.join(folder, os.path.expanduser(given)))
    return os.path.relpath(place, folder) if place.startswith(folder + os.sep) else path


def watched_paths(path: str, root: Path) -> list[str]:
    """What ingest is to depend on in dvc.yaml: the file, the folder of a glob, or the files of one without a folder.

    Nothing of a source that is not on this machine. Raises ContractError if the pipeline makes the source, or DVC could
    not tell it from what the pipeline makes.
    """
    given = inside_path(path, root).removeprefix("file://")
    if "://" in given:
        return []
    parts = Path(os.path.expanduser(given)).parts
    here = Path(os.path.abspath(root), *parts)
    above = len(here.parts) - len(parts)
    wilds = [is_wild(here, above + place) for place in range(len(parts))]
    wild = wilds.index(True) if True in wilds else len(parts)
    pattern = tuple(part if is_it else glob.escape(part) for part, is_it in zip(parts, wilds, strict=True))
    fixed, own = parts[:wild], not Path(*parts).is_absolute() and parts[:1] != ("..",)
    for made in [*_outputs(root / "dvc.yaml"), *REMOVED] if own else []:
        output = Path(made).parts
        if _meets(pattern, output):
            raise ContractError(
                f"{path}: {made} is what this project's own commands write or remove, so it cannot be the source; keep "
                "the data in a folder of its own, such as rows/"
            )
        if fixed and wild < len(parts) and output[: len(fixed)] == fixed:
            raise ContractError(
                f"{path}: the pipeline writes {made} into {Path(*fixed)}/, and DVC cannot watch a folder that it also "
                "writes to; keep the data in a folder of its own, such as rows/"
            )
    if fixed:
        return [str(Path(*fixed))]
    return sorted(str(found.relative_to(root)) for found in root.glob(str(Path(*pattern))) if found.is_file())


def _meets(pattern: tuple[str, ...], output: tuple[str, ...]) -> bool:
    """Whether the pattern names the output, or something inside it."""
    for place, made in enumerate(output):
        if place == len(pattern):
            return False
        if pattern[place] == "**":
            return True
        if not fnmatchcase(made, pattern[place]):
            return False
    return True


def _outputs(pipeline: Path) -> list[str]:
    return [
        str(next(iter(output)) if isinstance(output, Mapping) else output)
        for stage in round_trip().load(pipeline)["stages"].values()
        for kind in ("outs", "metrics", "plots")
        for output in stage.get(kind, [])
    ]
