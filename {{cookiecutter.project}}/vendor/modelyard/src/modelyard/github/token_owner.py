"""Whose token writes, and which comments and issues are therefore ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .api import Client, GitHubError


@dataclass(frozen=True)
class TokenOwner:
    """The owner of a token. login: None for a workflow's token, which may not ask who it is."""

    login: str | None

    def wrote(self, one: Mapping[str, Any]) -> bool:
        """Whether a comment, an issue or a pull request is by this owner."""
        user = one.get("user") or {}
        if self.login is not None:
            return bool(user.get("login") == self.login)
        return user.get("type") == "Bot" or user.get("login") == "github-actions[bot]"


def token_owner(github: Client) -> TokenOwner:
    """The owner of the client's token. Raises GitHubError."""
    try:
        return TokenOwner(str(github.request("GET", "/user")["login"]))
    except GitHubError as error:
        if error.status in (401, 403, 404):
            return TokenOwner(None)
        raise
