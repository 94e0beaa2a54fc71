"""`resolve`: after a merge that left two versions of the pipeline's outputs, make them from the merged sources.

Where params.yaml, code or another file that a person wrote has a conflict too, it is named and nothing is changed. Else
each output becomes what it was on the branch here, of data/ledger.json both branches' periods are kept, the pipeline
runs what changed, and the outputs are added to Git's index. Nothing is committed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..command import REFUSAL, refuse
from ..errors import YardError
from ..git import git, read_blob, read_objects, without_repository
from ..github.patch import OUTPUTS
from ..judging.unmerged import MARKER, Unmerged, check_merged, check_written, find_unmerged, is_marked
from ..training.tracked import check_present

LEDGER = "data/ledger.json"
PIPELINE = [sys.executable, "-m", "dvc", "repro"]
STOPPED = "DVC failed outside of a stage; the log of `make pipeline` says why"
BEFORE = ("HEAD", "HEAD^1", "HEAD^2")  # where an output is whole if markers were added, or committed


def resolve(root: Path) -> list[str]:
    """Run the pipeline on the merged sources, and add the outputs to the index; return those that were unmerged.

    Raises YardError, with nothing changed, if there are none or a person must resolve something first; and if the
    pipeline fails, which leaves the outputs unmerged.
    """
    found = find_unmerged(root)
    check_written(found)
    if not found.outputs:
        raise YardError("no output has two versions; `make pipeline` runs what changed")
    check_present(root)
    contents = {name: whole(root, name, found) for name in found.outputs}
    for name, content in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    if subprocess.run(PIPELINE, cwd=root, env=without_repository(), check=False).returncode:  # noqa: S603
        raise YardError(
            f"the pipeline failed, see above, so {', '.join(found.outputs)} are not made yet; do what it says and run "
            "`make resolve` again, or undo the merge with `git merge --abort`"
        )
    present = [name for name in sorted(OUTPUTS) if (root / name).is_file()]
    git(root, "add", "--all", "--", *dict.fromkeys([*found.outputs, *present]))
    return found.outputs


def whole(root: Path, name: str, found: Unmerged) -> bytes:
    """An output without a conflict: one side's version, and of the ledger the periods of both sides.

    Lines of two versions are never mixed: dvc.lock would say of one side's model that it is made from both sources.
    Raises YardError if no version of it is whole.
    """
    sides = found.blobs.get(name, {})
    texts = read_objects(root, list(sides.values()))
    versions = {stage: texts[blob] for stage, blob in sides.items()}
    if name == LEDGER and versions.keys() == {1, 2, 3}:
        return merge_ledgers(*(versions[stage] for stage in (1, 2, 3))).encode()
    candidates = [versions[stage].encode() for stage in (2, 3) if stage in versions]
    if not candidates and is_marked(root / name):
        candidates = [content for commit in BEFORE if (content := _blob(root, commit, name)) is not None]
    for content in candidates:
        if not MARKER.search(content):
            return content
    raise YardError(f"{name} has Git's conflict markers in the last commits too; restore it: `git log -- {name}`")


def merge_ledgers(base: str, ours: str, theirs: str) -> str:
    """The ledger with the changes of both sides, period by period; ours where both changed a period or the source.

    `ingest` compares it with the source, and asks where a period has other rows there.
    """
    before, here, there = (json.loads(text) for text in (base, ours, theirs))
    if here["source"] != there["source"]:
        return ours
    old, kept, other = (ledger["periods"] for ledger in (before, here, there))
    merged: dict[str, Any] = {}
    for period in sorted({*kept, *other}):
        side = other if kept.get(period) == old.get(period) else kept
        if period in side:
            merged[period] = side[period]
    return json.dumps({**here, "periods": merged}, indent=1) + "\n"


def _blob(root: Path, commit: str, name: str) -> bytes | None:
    try:
        return read_blob(root, commit, name)
    except YardError:
        return None  # there is no such commit


def main(arguments: Sequence[str]) -> None:
    """Make what a merge left with two versions, or with --check say what to type."""
    parser = argparse.ArgumentParser(
        prog="resolve", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="only say if something must be resolved or brought, for the report too"
    )
    parser.add_argument(
        "--stopped", action="store_true", help="only note for the report that DVC failed, if no stage has said why"
    )
    given = parser.parse_args(arguments)
    if given.stopped:
        if not REFUSAL.is_file():
            refuse("dvc", STOPPED)
        return
    REFUSAL.unlink(missing_ok=True)
    if given.check:
        for stage, check in {"merge": check_merged, "data": check_present}.items():
            try:
                check()
            except YardError as error:
                refuse(stage, str(error))
                raise
        return
    made = resolve(Path())
    print(f"made from the merged sources, and added to Git's index: {', '.join(made)}")
    print("Next: `git commit`, or in a rebase `git rebase --continue`")
