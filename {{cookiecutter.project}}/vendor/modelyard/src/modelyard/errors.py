"""The errors that a user can correct; the command line prints their message without a traceback."""

from __future__ import annotations


class YardError(Exception):
    """Something outside the library's code is wrong; the message says what was found, where, and what to do next."""


class ContractError(YardError, ValueError):
    """The contract, the settings or the data break a rule."""


class GitError(YardError):
    """A Git command failed; the message has the command and Git's output."""


def counted(count: int, name: str) -> str:
    """A number of things in a message: 1 day, 1,200 days."""
    return f"{count:,} {name}{'' if count == 1 else 's'}"
