"""The HTTP side of the local GitHub: requests, responses, routes, tokens and refusals."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from .github import GitHub
    from .state import Repository

PER_PAGE = 30
MOST_PER_PAGE = 100


class Refused(Exception):
    """What GitHub answers instead of doing it: a status and a message, and for 422 what was wrong."""

    def __init__(self, status: int, message: str, errors: list[dict[str, str]] | str | None = None) -> None:
        super().__init__(message)
        self.response = Response(status, {"message": message, **({"errors": errors} if errors else {})})


@dataclass(frozen=True)
class Token:
    """Who asks, and what for: `permissions` maps a scope ("contents", "issues", ...) to "read" or "write".

    A token of a workflow run has the run's number and may only act on its `repository`; without either it is a
    person's, for every repository.
    """

    value: str
    permissions: Mapping[str, str]
    repository: str | None = None
    run: int | None = None


@dataclass(frozen=True)
class Request:
    """One request; `given` holds the named groups of the route's pattern, `token` is known to the server."""

    github: GitHub
    method: str
    path: str
    given: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    token: Token | None = None

    @property
    def repository(self) -> Repository:
        """The repository that the path names as `owner` and `repo`; 404 where there is none."""
        return self.github.repository(f"{self.given['owner']}/{self.given['repo']}")

    def json(self) -> dict[str, Any]:
        """The body as an object; 400 where it is none."""
        try:
            read = json.loads(self.body or b"{}")
        except ValueError:
            raise Refused(400, "Problems parsing JSON") from None
        if not isinstance(read, dict):
            raise Refused(400, "Body should be a JSON object")
        return read

    def needs(self, level: str, *scopes: str) -> None:
        """Refuse unless the token has `level` ("read" or "write") on one of these scopes in this repository.

        All can read what is public.
        """
        if level == "read" and not self.repository.private:
            return
        if not self.token:
            raise Refused(401, "Requires authentication")
        if self.token.repository not in (None, self.repository.name):
            status = 403 if level == "write" else 404
            raise Refused(status, "Resource not accessible by integration" if status == 403 else "Not Found")
        permissions = self.github.permissions(self.token)
        allowed = ("write",) if level == "write" else ("read", "write")
        if not any(permissions.get(scope) in allowed for scope in scopes):
            refused = Refused(403, "Resource not accessible by integration")
            needed = "; ".join(f"{scope.replace('-', '_')}={level}" for scope in scopes)
            refused.response.headers["X-Accepted-GitHub-Permissions"] = needed
            raise refused

    def page(self, items: list[Any]) -> Response:
        """One page of a list as the query asks for it, with the Link header that leads to the others."""
        size = min(max(_number(self.query.get("per_page"), PER_PAGE), 1), MOST_PER_PAGE)
        number = max(_number(self.query.get("page"), 1), 1)
        last = max(-(-len(items) // size), 1)
        wanted = {"prev": number - 1, "next": number + 1, "last": last, "first": 1}
        keep = {
            "prev": number > 1,
            "next": number < last,
            "last": number < last,
            "first": number > 1,
        }
        links = [
            f'<{self.github.url}{self.path}?per_page={size}&page={wanted[name]}>; rel="{name}"'
            for name, kept in keep.items()
            if kept
        ]
        chosen = items[(number - 1) * size : number * size]
        return Response(200, chosen, {"Link": ", ".join(links)} if links else {})


@dataclass
class Response:
    """An answer: bytes go out as they are, anything else as JSON, None as nothing."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """The body's bytes; names their type among the headers."""
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            self.headers.setdefault("Content-Type", "application/octet-stream")
            return self.body
        self.headers.setdefault("Content-Type", "application/json; charset=utf-8")
        return json.dumps(self.body).encode()


@dataclass(frozen=True)
class Route:
    """A method and a pattern of the whole path, and the function that answers them.

    `owner` and `repo` in the pattern are filled by REPO: `Route("GET", REPO + r"/pulls/(?P<number>\\d+)", get)`.
    A module of routes has a list `ROUTES`; `GitHub(routes=[...])` adds more of them.
    """

    method: str
    pattern: str
    answer: Callable[[Request], Response]

    def match(self, method: str, path: str) -> Mapping[str, str] | None:
        """The named groups of the path, unquoted; None where this route is not meant."""
        found = re.fullmatch(self.pattern, path) if method == self.method else None
        return {name: unquote(value) for name, value in found.groupdict().items()} if found else None


REPO = r"/repos/(?P<owner>[^/]+)/(?P<repo>[^/]+)"


def token_of(headers: Mapping[str, str]) -> str | None:
    """The token of an Authorization header: `Bearer T`, `token T`, or Basic with the token as password."""
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() in ("bearer", "token"):
        return value.strip()
    if kind.lower() == "basic":
        try:
            return base64.b64decode(value).decode().partition(":")[2]
        except ValueError:
            return ""
    return "" if kind else None


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isdigit() else otherwise
