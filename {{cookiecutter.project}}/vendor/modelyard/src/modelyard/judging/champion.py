"""Get the model that is on main: its bundle, its code and its answers, into the folder `champion/`.

They come from the DVC cache, else from the remote, else they are made again from that commit. Where main has no
dvc.lock yet, its model is the one that its pipeline makes, and if that makes none, there is no champion yet. Where one
that was committed cannot be had, that is written down, and the gate then says that it could not judge.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from ..clone import Clone
from ..git import git
from ..training.lineage import PACKAGE, SHARED
from ..runtime.contract import ContractError
from ..training import layout
from ..proving.lock import CACHE, LOCK, read_lock, take

CHAMPION = Path("champion")
WANTED = (layout.BUNDLE, layout.PREDICTIONS)


def champion(ref: str) -> str:
    """Fill `champion/` with the model of a commit; where it came from, in words.

    Raises ContractError where there is no such commit, or its model cannot be had in any way.
    """
    shutil.rmtree(CHAMPION, ignore_errors=True)  # first, so that no other model is taken for this one
    commit = git("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", ok=False)
    if not commit:
        raise ContractError(f"there is no commit {ref!r} here; get it with `git fetch origin main`")
    CHAMPION.mkdir()
    name = f"commit {commit[:7]}" if ref == commit else f"{ref} at {commit[:7]}"
    committed = False
    try:
        outs = _outs(commit)
        committed = layout.BUNDLE.as_posix() in outs
        how = _get(commit, outs) if committed else _make(commit)
    except ContractError as error:
        _tell(commit, ref, failed=str(error))
        raise
    origin = f"{name}, {how}" if how else f"{name} has no model yet"
    _tell(commit, ref, **{"from": origin}, absent=how is None, committed=committed)
    return origin


def _make(commit: str) -> str | None:
    """Fill `champion/` with what the pipeline of a commit makes that holds no model; None where it makes none."""
    if not git("ls-tree", "--name-only", commit, "dvc.yaml"):
        return None
    try:
        _rebuild(commit)
    except ContractError:
        return None
    _export_code(commit)
    return "made from its source, as it has no dvc.lock yet"


def _get(commit: str, outs: dict[str, str]) -> str:
    """Fill `champion/` with the model that a commit holds; in which way that went."""
    _export_code(commit)
    if _from_cache(outs, CACHE):
        return "from the DVC cache"
    if _from_remote(commit, outs):
        return "from the DVC remote"
    _rebuild(commit)
    return "made again from its source"


def _tell(commit: str, ref: str, **found: str | bool) -> None:
    told = {"commit": commit, "ref": ref, **found}
    (CHAMPION / "origin.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _outs(commit: str) -> dict[str, str]:
    """The MD5 of each output in the commit's dvc.lock; none where it has no lock."""
    if not git("ls-tree", "--name-only", commit, LOCK.name):
        return {}
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / LOCK.name
        path.write_bytes(_content(commit, LOCK.name))
        return read_lock(path).outs


def _export_code(commit: str) -> None:
    """The code with which that commit's model answers rows; it may differ from the code here."""
    folder = CHAMPION / "code" / PACKAGE.name
    folder.mkdir(parents=True)
    for name in ("__init__.py", *SHARED):
        if git("ls-tree", "--name-only", commit, f"{PACKAGE.name}/{name}"):
            (folder / name).write_bytes(_content(commit, f"{PACKAGE.name}/{name}"))


def _content(commit: str, path: str) -> bytes:
    """A file of the commit, byte by byte: its hash is to be what the manifest lists."""
    done = subprocess.run(["git", "show", f"{commit}:./{path}"], capture_output=True, check=False)  # noqa: S603, S607
    if done.returncode:
        raise ContractError(f"git show {commit[:7]}:{path} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def _from_cache(outs: dict[str, str], cache: Path) -> bool:
    """Copy bundle and predictions out of a DVC cache, each file checked by its hash; whether the bundle was there."""
    if not take(outs[layout.BUNDLE.as_posix()], CHAMPION / layout.BUNDLE, cache):
        return False
    take(outs.get(layout.PREDICTIONS.as_posix(), ""), CHAMPION / layout.PREDICTIONS.name, cache)
    return True


def _from_remote(commit: str, outs: dict[str, str]) -> bool:
    """Let DVC fetch bundle and predictions of the commit from the remote, in a clone; whether the bundle came.

    Into a cache of its own: what lies forged in the one here would keep the true one from being fetched.
    """
    with Clone(commit, cache=None) as clone:
        for path in WANTED:  # one by one, as DVC leaves out a file that is named after a folder
            clone.run("dvc", "fetch", "--quiet", path.as_posix())
        return _from_cache(outs, clone.root / CACHE)


def _rebuild(commit: str) -> None:
    """Run the commit's pipeline in a clone, with the environment that is here.

    With an empty cache and no run-cache, for DVC believes what it finds in them.
    """
    with Clone(commit, cache=None) as clone:
        failed = clone.run("dvc", "repro", "--quiet", "--no-run-cache", "bundle")
        if failed or not (clone.root / layout.BUNDLE).is_dir():
            raise ContractError(f"commit {commit[:7]}: neither cache nor remote has its bundle, and its pipeline fails")
        shutil.copytree(clone.root / layout.BUNDLE, CHAMPION / layout.BUNDLE)
        if (clone.root / layout.PREDICTIONS).is_file():
            shutil.copyfile(clone.root / layout.PREDICTIONS, CHAMPION / layout.PREDICTIONS.name)


def main(arguments: list[str] | None = None) -> None:
    """The verb `champion`."""
    parser = argparse.ArgumentParser(
        prog="champion", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ref", default="origin/main", help="branch or commit of the champion (origin/main)")
    print(f"champion: {champion(parser.parse_args(arguments).ref)}")
