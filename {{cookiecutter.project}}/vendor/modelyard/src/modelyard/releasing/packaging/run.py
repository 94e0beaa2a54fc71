"""Programs that build, run to their end."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence

from ...runtime.contract import ContractError

LAST = 30  # lines of what a failed program said


def run(command: Sequence[str], env: Mapping[str, str] | None = None, given: str | None = None) -> str:
    """What a program printed on its standard output; `given` goes to its standard input.

    Raises ContractError with the end of what it said where it failed or is not there.
    """
    try:
        done = subprocess.run(command, env=env, input=given, capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError:
        raise ContractError(f"{command[0]} is not there; install it") from None
    if done.returncode:
        said = "\n".join(f"{done.stdout}{done.stderr}".strip().splitlines()[-LAST:])
        raise ContractError(f"`{' '.join(command[:4])}` ended with status {done.returncode}:\n{said}")
    return done.stdout
