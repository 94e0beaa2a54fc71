"""Get the model on main: its bundle, its code, its answers and its policy, into the folder `champion/`.

They come from the DVC cache, else from the remote, else from running the pipeline of that commit. If main has no
dvc.lock yet, its model is the one that its pipeline makes; if the pipeline makes none, there is no champion yet. If a
committed model cannot be obtained, this is recorded, and the gate then reports that it could not judge.

Where main's data differs from the data here, the rows of the periods that differ come along, for the report.

Where Git has no remote `origin`, main is the branch here, and without a model in it there is no champion yet.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..clone import EJECTED, WHEELS, Clone
from ..errors import ContractError, YardError
from ..git import find_commit, git, read_blob, try_git
from ..runtime.project import Project
from ..training import layout
from .lock import CACHE, LOCK, read_lock, take
from .main_rows import FOLDER, bring_rows, keep_rows
from .policy import POLICY

CHAMPION = Path("champion")
CODE = CHAMPION / "code"
ROWS = CHAMPION / FOLDER
WANTED = (layout.BUNDLE, layout.PREDICTIONS)
MAIN = "origin/main"
LOCAL_MAIN = "main"


def is_unpublished() -> bool:
    """Whether main is only here: Git has no remote `origin` to get it from."""
    remotes = try_git(Path(), "remote")
    return remotes.returncode == 0 and "origin" not in remotes.stdout.split() and find_commit(Path(), MAIN) is None


def find_main(ref: str | None) -> tuple[str | None, str]:
    """The commit of a branch, tag or SHA, without one of main, and its name; the commit is None if it is not here."""
    if ref is None and is_unpublished():
        return find_commit(Path(), f"refs/heads/{LOCAL_MAIN}"), LOCAL_MAIN
    ref = ref or MAIN
    return find_commit(Path(), ref), ref


def no_commit(ref: str, again: str = "`make champion REF=main`") -> ContractError:
    """The error where there is no such commit; `again` is the command for the main that is here."""
    return ContractError(
        f"there is no commit {ref!r} here; get it with `git fetch origin main`, or compare with another, such "
        f"as the main that is here: {again}"
    )


def champion(project: Project, ref: str | None = None) -> str:
    """Fill `champion/` with the model of a commit; return a text that says where it came from.

    ref: None for main, which is the branch here if it is not published. Raises ContractError if there is no such
    commit, or its model cannot be obtained in any way.
    """
    if CHAMPION.is_symlink() or CHAMPION.is_file():
        CHAMPION.unlink()
    shutil.rmtree(CHAMPION, ignore_errors=True)  # first, so that no previous model is taken for this one
    local = ref is None and is_unpublished()
    commit, ref = find_main(ref)
    if local and (commit is None or layout.BUNDLE.as_posix() not in locked_outputs(commit)):
        CHAMPION.mkdir()
        origin = "there is no model on main yet"
        _write_origin(commit, ref, **{"from": origin}, absent=True, committed=False)
        return origin
    if commit is None:
        raise no_commit(ref)
    CHAMPION.mkdir()
    if (policy := read_blob(Path(), commit, POLICY.name)) is not None:
        (CHAMPION / POLICY).write_bytes(policy)
    name = f"commit {commit[:7]}" if ref == commit else f"{ref} at {commit[:7]}"
    committed = False
    try:
        outs = locked_outputs(commit)
        committed = layout.BUNDLE.as_posix() in outs
        source = _get_committed(project, commit, outs) if committed else _make_uncommitted(project, commit)
    except YardError as error:
        _write_origin(commit, ref, failed=str(error))
        raise
    origin = f"{name}, {source}" if source else f"{name} has no model yet"
    _write_origin(commit, ref, **{"from": origin}, absent=source is None, committed=committed)
    return origin


def _get_committed(project: Project, commit: str, outs: dict[str, str]) -> str:
    """Fill `champion/` with the committed model; return where it came from."""
    _export_code(project, commit)
    source = "made again from its source"
    if _copy_from_cache(outs, CACHE):
        source = "from the DVC cache"
    elif _copy_from_remote(commit, outs):
        source = "from the DVC remote"
    else:
        _rebuild(commit)
        return source
    bring_rows(commit, outs, ROWS)
    return source


def _make_uncommitted(project: Project, commit: str) -> str | None:
    """Fill `champion/` with the model that the commit's pipeline makes; return None if it makes none."""
    if read_blob(Path(), commit, "dvc.yaml") is None:
        return None
    try:
        _rebuild(commit)
    except YardError:
        return None
    _export_code(project, commit)
    return "made from its source, as it has no dvc.lock yet"


def _write_origin(commit: str | None, ref: str, **origin: str | bool) -> None:
    content = {"commit": commit, "ref": ref, **origin}
    (CHAMPION / "origin.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def locked_outputs(commit: str) -> dict[str, str]:
    """The MD5 of each output in the commit's dvc.lock; empty without a lock."""
    lock = read_blob(Path(), commit, LOCK.name)
    if lock is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / LOCK.name
        path.write_bytes(lock)
        return read_lock(path).outs


def _export_code(project: Project, commit: str) -> None:
    """Export the code with which that commit's model answers rows, which may differ from the code here.

    This is the project's package and the library, with their paths in the commit.
    """
    package = project.name.replace(".", "/")
    listed = git(Path(), "ls-tree", "-r", "-z", "--name-only", commit, "--", package, "vendor").split("\0")
    patterns = (f"{package}/*.py", f"{EJECTED}/*", WHEELS)
    for path in listed:
        if any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns):
            content = read_blob(Path(), commit, path)  # byte by byte: its hash must be what the manifest lists
            (CODE / path).parent.mkdir(parents=True, exist_ok=True)
            (CODE / path).write_bytes(content or b"")


def _copy_from_cache(outs: dict[str, str], cache: Path) -> bool:
    """Copy bundle and predictions out of a DVC cache, checked by their hashes; return whether the bundle was there."""
    if not take(outs[layout.BUNDLE.as_posix()], CHAMPION / layout.BUNDLE, cache):
        return False
    take(outs.get(layout.PREDICTIONS.as_posix(), ""), CHAMPION / layout.PREDICTIONS.name, cache)
    return True


def _copy_from_remote(commit: str, outs: dict[str, str]) -> bool:
    """Fetch bundle and predictions of the commit from the remote, in a clone; return whether the bundle came.

    The clone has its own cache: a forged file in the cache here would keep DVC from fetching the genuine one.
    """
    with Clone(commit, cache=None) as clone:
        for path in WANTED:  # one by one, because DVC skips a file that is named after a folder
            clone.run("dvc", "fetch", "--quiet", path.as_posix())
        return _copy_from_cache(outs, clone.root / CACHE)


def _rebuild(commit: str) -> None:
    """Run the commit's pipeline in a clone, with that commit's library and this environment.

    The cache is empty and the run-cache off, because DVC does not verify what it finds in them.
    """
    with Clone(commit, cache=None) as clone:
        failed = clone.run("dvc", "repro", "--quiet", "--no-run-cache", "bundle")
        if failed or not (clone.root / layout.BUNDLE).is_dir():
            raise ContractError(f"commit {commit[:7]}: neither cache nor remote has its bundle, and its pipeline fails")
        shutil.copytree(clone.root / layout.BUNDLE, CHAMPION / layout.BUNDLE)
        keep_rows(clone.root, ROWS)
        if (clone.root / layout.PREDICTIONS).is_file():
            shutil.copyfile(clone.root / layout.PREDICTIONS, CHAMPION / layout.PREDICTIONS.name)


def main(arguments: Sequence[str], project: Project) -> None:
    """The verb `champion`."""
    parser = argparse.ArgumentParser(
        prog="champion", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ref", help=f"branch or commit of the champion ({MAIN}; without a remote, {LOCAL_MAIN})")
    print(f"champion: {champion(project, parser.parse_args(arguments).ref)}")
