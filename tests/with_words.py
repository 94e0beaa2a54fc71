"""Run a command with more arguments: the words in a variable of the environment, split as a shell does it.

    python with_words.py NAME COMMAND...

Nothing in the words is expanded, so that `$`, quotes and backticks of a text stay what they are.
"""

from __future__ import annotations

import os
import shlex
import sys


def main() -> None:
    """Become the command."""
    name, *command = sys.argv[1:]
    try:
        command += shlex.split(os.environ.get(name, ""))
    except ValueError as error:
        sys.exit(f"error: {name}: {error}; write it as arguments in a shell")
    os.execvp(command[0], command)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main()
