"""Check that this commit holds the outputs that the pipeline just made; write differences to reports/lock.patch.

If a later job commits that patch to the branch (MAY_COMMIT=true), a stale dvc.lock is not an error. Otherwise it is,
and the message says what to run.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ..errors import ContractError
from ..git import find_commit, git
from ..github.outputs import write_outputs
from ..github.relock import OUTPUTS
from ..runtime.project import Project

PATCH = Path("reports/lock.patch")
MADE = sorted(OUTPUTS)  # the job that commits the patch accepts no other file
ADVICE = (
    "run this on your branch, and push it:\n"
    "  make pipeline\n"
    "  git add dvc.lock data model evaluation\n"
    "  git commit -m 'Update dvc.lock' && git push"
)


def stale() -> list[str]:
    """Write the differences to PATCH; return the outputs that differ from the commit's.

    The repository's index stays as it is, even in the middle of a merge.

    Raises ContractError if there is no commit to compare with.
    """
    here = Path()
    if find_commit(here, "HEAD") is None:
        raise ContractError("there is no commit yet to compare with; commit the project first")
    present = [name for name in MADE if Path(name).exists()]
    with tempfile.TemporaryDirectory(prefix="stale-") as folder:
        index = Path(folder) / "index"
        git(here, "read-tree", "HEAD", index=index)
        git(here, "add", "--intent-to-add", "--", *present, index=index)
        compare = ("diff", "--no-ext-diff", "--no-textconv", "--no-renames")
        listed = git(here, *compare, "--name-only", "--relative", "-z", "HEAD", "--", *MADE, index=index)
        changed = [path for path in listed.split("\0") if path]
        PATCH.parent.mkdir(exist_ok=True)
        PATCH.unlink(missing_ok=True)
        if changed:
            # `git apply` takes paths from the top of the repository, wherever it runs
            git(here, *compare, "--binary", f"--output={PATCH}", "HEAD", "--", *changed, index=index)
    return changed


def main(arguments: Sequence[str], _project: Project) -> None:
    """The verb `stale`."""
    parser = argparse.ArgumentParser(
        prog="stale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args(arguments)
    changed = stale()
    write_outputs({"stale": str(bool(changed)).lower()})
    if not changed:
        print("dvc.lock is up to date")
    elif os.environ.get("MAY_COMMIT") == "true":
        print(f"dvc.lock is stale; a later job commits it to the branch if the model may ship: {', '.join(changed)}")
    else:
        sys.exit(f"error: this commit does not hold what its pipeline makes: {', '.join(changed)}\n{ADVICE}")
