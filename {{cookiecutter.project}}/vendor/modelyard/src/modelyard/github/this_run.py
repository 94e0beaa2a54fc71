"""The run of a workflow that this process is part of."""

from __future__ import annotations

import os

BY_HAND = "by hand"


def this_run() -> str:
    """The address of the run, with the attempt if it is not the first one; `by hand` outside of a workflow."""
    server, run = os.environ.get("GITHUB_SERVER_URL"), os.environ.get("GITHUB_RUN_ID")
    if not run:
        return BY_HAND
    attempt = os.environ.get("GITHUB_RUN_ATTEMPT") or "1"
    attempt_path = f"/attempts/{attempt}" if attempt != "1" else ""
    return f"{server}/{os.environ.get('GITHUB_REPOSITORY')}/actions/runs/{run}{attempt_path}"
