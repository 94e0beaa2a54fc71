"""A pull request as GitHub describes it."""

from __future__ import annotations

from typing import Any

MAIN = "a" * 40


def open_pull(head: str, author: str = "mallory", owner: str = "acme", branch: str = "faster") -> dict[str, Any]:
    """Number 7, open, from a branch of a repository of that owner into main."""
    source = {"full_name": f"{owner}/flights"}
    return {
        "number": 7,
        "state": "open",
        "user": {"login": author, "type": "User"},
        "head": {"sha": head, "ref": branch, "label": f"{owner}:{branch}", "repo": source},
        "base": {"sha": MAIN, "ref": "main"},
        "html_url": "https://github.example/acme/flights/pull/7",
    }
