"""Check that this commit holds the outputs that the pipeline just made; write differences to reports/lock.patch.

Only the files are compared: after a pipeline that stopped, or without one, `dvc status` tells what it would run.

If a later job commits that patch to the branch (MAY_COMMIT=true), a stale dvc.lock is not an error. Otherwise it is,
and the message says what to run.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import ContractError
from ..git import find_commit
from ..github.outputs import write_outputs
from ..github.patch import ADVICE, OUTPUTS, write_patch
from ..runtime.project import Project

PATCH = Path("reports/lock.patch")
# Files with their commit and no more: on which inputs the pipeline has yet to run is for DVC to say, which takes longer
COMPARED = "it and the results are as in the commit; `dvc status` says whether an input was changed after the pipeline"


def stale() -> list[str]:
    """Write the differences to PATCH; return the outputs that differ from the commit's.

    Raises ContractError if there is no commit to compare with.
    """
    if find_commit(Path(), "HEAD") is None:
        raise ContractError("there is no commit yet to compare with; commit the project first")
    return write_patch(OUTPUTS, PATCH)


def main(arguments: Sequence[str], _project: Project) -> None:
    """The verb `stale`."""
    parser = argparse.ArgumentParser(
        prog="stale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args(arguments)
    changed = stale()
    write_outputs({"stale": str(bool(changed)).lower()})
    if not changed:
        print(f"dvc.lock is up to date: {COMPARED}")
    elif os.environ.get("MAY_COMMIT") == "true":
        print(f"dvc.lock is stale; a later job commits it to the branch if the model may ship: {', '.join(changed)}")
    else:
        sys.exit(f"error: this commit does not hold what its pipeline makes: {', '.join(changed)}\n{ADVICE}")
