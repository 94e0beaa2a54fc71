"""Runs the programs that build a release."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence

from ...errors import ContractError
from ...git import without_repository

LAST = 30  # lines of a failed program's output that are shown


def run(command: Sequence[str], env: Mapping[str, str] | None = None, stdin: str | None = None) -> str:
    """The standard output of a program; `stdin` is its standard input.

    Raises ContractError with the end of its output where it failed, or where it is not installed.
    """
    environment = without_repository(env)  # some of them ask Git
    try:
        process = subprocess.run(command, env=environment, input=stdin, capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError:
        raise ContractError(f"{command[0]} was not found; install it") from None
    if process.returncode:
        output = "\n".join(f"{process.stdout}{process.stderr}".strip().splitlines()[-LAST:])
        raise ContractError(f"`{' '.join(command[:4])}` ended with status {process.returncode}:\n{output}")
    return process.stdout
