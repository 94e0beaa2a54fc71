"""A small client of GitHub's REST API: JSON in and out, pages, a few retries, and errors that say what to do."""

from __future__ import annotations

import http.client
import json
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

from ..errors import YardError

PUBLIC = "https://api.github.com"
VERSION = "2022-11-28"
JSON = "application/vnd.github+json"
TIMEOUT = 30.0  # seconds for one answer
ATTEMPTS = 3
LONGEST_WAIT = 60.0  # seconds; a longer Retry-After is not waited for
LARGEST = 20_000_000  # bytes of one answer
MOST_PAGES = 100
RETRIED = {500, 502, 503, 504}
REPEATABLE = {"GET", "PUT", "PATCH", "DELETE"}  # a POST that was carried out must not be sent twice


class GitHubError(YardError):
    """A failed request: what was requested, the answer, and what to do. status: 0 if no answer came."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects: on the same host with method, body and token, to another host without the token."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        if _origin(newurl) == _origin(req.full_url):
            return urllib.request.Request(newurl, req.data, dict(req.header_items()), method=req.get_method())  # noqa: S310 - the scheme is that of the base
        if req.get_method() != "GET" or urlsplit(newurl).scheme not in ("http", "https"):
            return None
        passed_on = {name: value for name, value in req.header_items() if name != "Authorization"}
        return urllib.request.Request(newurl, headers=passed_on)  # noqa: S310 - checked above


@dataclass(frozen=True)
class Client:
    """An address and a token. pause: seconds before the second attempt; later ones wait longer."""

    base: str = PUBLIC
    token: str | None = field(default=None, repr=False)
    pause: float = 1.0

    def __post_init__(self) -> None:
        if urlsplit(self.base).scheme not in ("http", "https"):
            raise GitHubError(f"GITHUB_API_URL is {self.base!r}: an address such as {PUBLIC} is needed")

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """The parsed answer, None where it is empty. Raises GitHubError."""
        return self._send(method, self.base.rstrip("/") + path, body)[0]

    def make(self, path: str, body: Any, find: Callable[[], Any]) -> Any:
        """POST once, whatever fails on the way.

        find: looks for what was made before the request is repeated; None if it is not there. Raises GitHubError.
        """
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self.request("POST", path, body)
            except GitHubError as error:
                if error.status not in {0, *RETRIED} or attempt == ATTEMPTS:
                    raise
                time.sleep(self.pause * 2 ** (attempt - 1))
                if (made := find()) is not None:
                    return made
        raise AssertionError("the last attempt answers or raises")

    def upload(self, url: str, content: bytes) -> Any:
        """Upload a file to an address that GitHub named; returns the parsed answer. Raises GitHubError."""
        if _origin(url) not in (_origin(self.base), _origin(self.base.replace("://api.", "://uploads.", 1))):
            raise GitHubError(
                f"the upload address is on {urlsplit(url).netloc}, which is not the server of {self.base}; not sent"
            )
        return self._send("POST", url, content)[0]

    def download(self, path: str, largest: int, accept: str = "application/octet-stream") -> bytes:
        """The content of a file, unparsed. Raises GitHubError, also where it has more bytes than `largest`.

        accept: what GitHub gives a file of a release for; an artifact of a run takes another.
        """
        content: bytes = self._send("GET", self.base.rstrip("/") + path, None, accept, parsed=False)[0]
        if len(content) > largest:
            raise GitHubError(f"GET {path}: the file has {len(content)} bytes; {largest} are allowed")
        return content

    def find(self, path: str) -> Any:
        """The answer to a GET, None where there is nothing at that path. Raises GitHubError."""
        try:
            return self.request("GET", path)
        except GitHubError as error:
            if error.status == 404:
                return None
            raise

    def exists(self, path: str) -> bool:
        """Whether a path exists, for paths whose answer is empty. Raises GitHubError."""
        try:
            self.request("GET", path)
        except GitHubError as error:
            if error.status == 404:
                return False
            raise
        return True

    def pages(self, path: str) -> Iterator[Any]:
        """The items of a list, over all its pages, 100 each. Raises GitHubError."""
        url = f"{self.base.rstrip('/')}{path}{'&' if '?' in path else '?'}per_page=100"
        for _ in range(MOST_PAGES):
            items, headers = self._send("GET", url, None)
            yield from items
            following = re.search(r'<([^<>]+)>;\s*rel="next"', headers.get("Link", ""))
            if not following:
                return
            url = following[1]
            if _origin(url) != _origin(self.base):
                raise GitHubError(f"the next page of {path} is on another host, {urlsplit(url).netloc}; not followed")
        raise GitHubError(f"{path} has more than {MOST_PAGES} pages")

    def _send(
        self, method: str, url: str, body: Any, accept: str = JSON, parsed: bool = True
    ) -> tuple[Any, Mapping[str, str]]:
        call = f"{method} {urlsplit(url).path}"
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        for attempt in range(1, ATTEMPTS + 1):
            headers = {**self._headers(kind), "Accept": accept}
            request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - __post_init__ looks at the scheme
            wait = self.pause * 2 ** (attempt - 1)
            try:
                with urllib.request.build_opener(_Redirects).open(request, timeout=TIMEOUT) as answer:
                    content = answer.read(LARGEST + 1)
                    return _parsed(content, call) if parsed else content, answer.headers
            except urllib.error.HTTPError as refused:
                wait = _wait(refused, method, wait)
                if wait < 0 or attempt == ATTEMPTS:
                    raise _refusal(refused, call, with_token=self.token is not None) from None
            except (OSError, http.client.HTTPException) as failure:
                if method not in REPEATABLE or attempt == ATTEMPTS:
                    reason = getattr(failure, "reason", failure)
                    raise GitHubError(f"{call}: {urlsplit(url).netloc} did not answer: {reason}; try again") from None
            time.sleep(wait)
        raise AssertionError("the last attempt answers or raises")

    def _headers(self, kind: str) -> dict[str, str]:
        headers = {
            "Content-Type": kind,
            "User-Agent": "modelyard",
            "X-GitHub-Api-Version": VERSION,
        }
        return {**headers, "Authorization": f"Bearer {self.token}"} if self.token else headers


def client() -> Client:
    """The client that the environment describes: GITHUB_API_URL, and GH_TOKEN or GITHUB_TOKEN."""
    token = os.environ.get("GH_TOKEN") or os.environ.get("GITHUB_TOKEN")
    return Client(os.environ.get("GITHUB_API_URL") or PUBLIC, token or None)


def checked_repository(name: str) -> str:
    """A repository's name as owner/name. Raises GitHubError where it is none."""
    if not re.fullmatch(r"[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}", name) or name.endswith(("/.", "/..")):
        raise GitHubError(f"the repository is {name!r}: owner/name is needed")
    return name


def _origin(url: str) -> tuple[str, str]:
    return urlsplit(url)[:2]


def _parsed(text: bytes, call: str) -> Any:
    if len(text) > LARGEST:
        raise GitHubError(f"{call}: the answer is larger than {LARGEST} bytes")
    try:
        return json.loads(text) if text.strip() else None
    except ValueError:
        raise GitHubError(f"{call}: the answer is no JSON; is GITHUB_API_URL the address of the API?") from None


def _wait(refused: urllib.error.HTTPError, method: str, usual: float) -> float:
    """Seconds to wait before the next attempt; negative if there is no next attempt."""
    if refused.code in RETRIED:
        return usual if method in REPEATABLE else -1
    retry_after = refused.headers.get("Retry-After", "")
    if refused.code in (403, 429) and retry_after.isdigit():  # a secondary rate limit: GitHub did not carry it out
        return float(retry_after) if float(retry_after) <= LONGEST_WAIT else -1
    return -1


def _refusal(refused: urllib.error.HTTPError, call: str, with_token: bool) -> GitHubError:
    with refused:
        text = refused.read(100_000)
    try:
        answer = json.loads(text)
        reason = _reason(answer) if isinstance(answer, dict) else ""
    except ValueError:
        reason = ""
    advice = _advice(refused, reason, with_token)
    return GitHubError(
        f"{call}: GitHub answered {refused.code}{f' ({reason})' if reason else ''}{advice}", refused.code
    )


def _reason(answer: Mapping[str, Any]) -> str:
    """GitHub's message, with the errors that it lists."""
    errors = answer.get("errors")
    parts = [str(answer.get("message", ""))]
    for error in errors if isinstance(errors, list) else [errors] if errors else []:
        details = error if isinstance(error, dict) else {"message": error}
        code = " ".join(str(details[key]) for key in ("field", "code") if key in details)
        parts.append(str(details.get("message") or code))
    return ": ".join(part for part in parts if part)


def _advice(refused: urllib.error.HTTPError, reason: str, with_token: bool) -> str:
    if refused.code == 401:
        return "; the token is not valid or has expired: put a new one into GH_TOKEN"
    if refused.code in (403, 429) and "rate limit" in reason.lower():
        return "; wait for the limit to reset, then run this again"
    if refused.code == 403 and "upgrade to" in reason.lower():
        return ""  # GitHub's message says what to do
    if refused.code == 403:
        permissions = refused.headers.get("X-Accepted-GitHub-Permissions", "").replace("=", ": ")
        return f"; the token lacks a permission{f', which would be {permissions}' if permissions else ''}"
    if refused.code == 404:
        hidden = "or the token may not see it" if with_token else "or a token is required, in GH_TOKEN"
        return f"; there is nothing there, {hidden}"
    return ""
