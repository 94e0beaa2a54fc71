"""The source of the data, where it consists of files of the project that are not in Git, and all else under DVC."""

from __future__ import annotations

import glob
import shutil
import subprocess
import sys
from pathlib import Path

from ..errors import ContractError
from ..git import without_repository
from ..judging.lock import CACHE, path_md5, take
from ..training.settings import read_params
from ..training.tracked import SUFFIX, TrackedFile, how_to_get, shared_remote, tracked_inputs


def bring_tracked(project: Path, clone: Path) -> None:
    """Bring what the pipeline of a clone reads and DVC keeps, each file with the hash that the commit names.

    It comes from the project's folder, else from its DVC cache, else from the remote.

    Raises ContractError if one of them is nowhere.
    """
    absent = [one for one in tracked_inputs(clone) if not _bring(one, project, clone)]
    if not absent:
        return
    if shared_remote(project):
        _fetch(absent, project)
        absent = [one for one in absent if not _bring(one, project, clone)]
    if absent:
        paths = [one.path for one in absent]
        other = [path for path in paths if (project / path).exists()]
        here = f" ({', '.join(other)} here has other bytes)" if other else ""
        raise ContractError(
            f"this machine does not have {', '.join(paths)} as the `{SUFFIX}` file in the commit names it{here}: "
            f"{how_to_get(paths, project)}"
        )


def _bring(one: TrackedFile, project: Path, clone: Path) -> bool:
    here, target = project / one.path, clone / one.path
    if path_md5(here) != one.md5:
        return take(one.md5, target, project / CACHE)
    target.parent.mkdir(parents=True, exist_ok=True)
    if here.is_dir():
        shutil.copytree(here, target)
    else:
        shutil.copyfile(here, target)
    return True


def _fetch(absent: list[TrackedFile], project: Path) -> None:
    """Fetch what the project's own `.dvc` files name; what fails is absent still."""
    names = [f"{one.path}{SUFFIX}" for one in absent if (project / f"{one.path}{SUFFIX}").is_file()]
    command = [sys.executable, "-m", "dvc", "fetch", "--quiet", *names]
    if names:
        subprocess.run(command, cwd=project, env=without_repository(), stdout=2, check=False)  # noqa: S603


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
    is_stream = read_params(clone / "params.yaml").source.kind == "stream"  # else its topic has them
    if not is_stream and not glob.glob(pattern, root_dir=clone, recursive=True):
        raise ContractError(
            f"the source {pattern} is neither in the commit nor on this machine; commit it, or bring it with "
            "`make pull`, or name a place in params.yaml that every machine can reach"
        )


def _local_source(root: Path) -> str | None:
    """The path or pattern of a source that consists of files of the project; None for other sources."""
    source = read_params(root / "params.yaml").source
    path = source.path if source.kind == "files" else ""
    if source.kind == "stream":
        path = f"{source.folder}/*.json*"  # the files, and what they are known to hold
    if source.kind == "sql" and source.url.startswith("sqlite:///"):
        path = source.url.removeprefix("sqlite:///").partition("?")[0]
    return path if path and "://" not in path and not Path(path).is_absolute() else None
