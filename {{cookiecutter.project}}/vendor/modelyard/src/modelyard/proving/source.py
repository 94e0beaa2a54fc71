"""The source of the data, where it consists of files of the project that are not in Git."""

from __future__ import annotations

import glob
import shutil
from pathlib import Path

from ..errors import ContractError
from ..training.settings import read_params


def bring_source(project: Path, clone: Path) -> None:
    """Copy the source from the project's folder into a clone, if it consists of files that the clone lacks.

    Changes since the commit are noticed, because the committed ledger has the hash of their rows.

    Raises ContractError if they are not in the project's folder either, or their path leads out of the project.
    """
    pattern = _local_source(clone)
    if pattern is None:
        return
    if ".." in Path(pattern).parts:
        raise ContractError(
            f"the source {pattern} leads out of the project, and from a clone elsewhere; name it by its whole path "
            "in params.yaml"
        )
    for name in glob.glob(pattern, root_dir=project, recursive=True):
        if (project / name).is_file() and not (clone / name).exists():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(project / name, clone / name)
    if not glob.glob(pattern, root_dir=clone, recursive=True):
        raise ContractError(
            f"the source {pattern} is neither in the commit nor on this machine; commit it, or bring it with "
            "`make pull`, or name a place in params.yaml that every machine can reach"
        )


def _local_source(root: Path) -> str | None:
    """The path or pattern of a source that consists of files of the project; None for other sources."""
    source = read_params(root / "params.yaml").source
    path = source.path if source.kind == "files" else ""
    if source.kind == "sql" and source.url.startswith("sqlite:///"):
        path = source.url.removeprefix("sqlite:///").partition("?")[0]
    return path if path and "://" not in path and not Path(path).is_absolute() else None
