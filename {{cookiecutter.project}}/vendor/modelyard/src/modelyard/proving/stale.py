"""Say whether this commit holds what the pipeline just made of it; what differs goes to reports/lock.patch.

Where a later job commits that patch to the branch (MAY_COMMIT=true), a stale dvc.lock is no fault. Elsewhere it is, and
what to run is said.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ..git import git
from ..github.relock import OUTPUTS

PATCH = Path("reports/lock.patch")
MADE = sorted(OUTPUTS)  # the job that commits the patch takes no other file
ADVICE = (
    "run this on your branch, and push it:\n"
    "  make pipeline\n"
    "  git add dvc.lock data model evaluation\n"
    "  git commit -m 'Update dvc.lock' && git push"
)


def stale() -> list[str]:
    """The files that the pipeline made otherwise than the commit has them; their difference is in PATCH."""
    there = [name for name in MADE if Path(name).exists()]
    git("add", "--intent-to-add", "--", *there)
    changed = git("diff", "--name-only", "HEAD", "--", *MADE).splitlines()
    PATCH.parent.mkdir(exist_ok=True)
    PATCH.unlink(missing_ok=True)
    if changed:
        git("diff", "--binary", "--no-renames", f"--output={PATCH}", "HEAD", "--", *changed)
    return changed


def main(arguments: list[str] | None = None) -> None:
    """The verb `stale`."""
    parser = argparse.ArgumentParser(
        prog="stale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args(arguments)
    changed = stale()
    if output := os.environ.get("GITHUB_OUTPUT"):
        with open(output, "a", encoding="utf-8") as opened:
            opened.write(f"stale={str(bool(changed)).lower()}\n")
    if not changed:
        print("dvc.lock is up to date")
    elif os.environ.get("MAY_COMMIT") == "true":
        print(f"dvc.lock is stale; a later job commits it to the branch if the model may ship: {', '.join(changed)}")
    else:
        sys.exit(f"error: this commit does not hold what its pipeline makes: {', '.join(changed)}\n{ADVICE}")
