"""Clone, fetch and push over HTTP, with Git's own server behind a check of the token."""

from __future__ import annotations

import subprocess
from email.parser import BytesHeaderParser

from .http import Refused, Request, Response, Route, Token
from .repositories import Repository, clean


def serve(request: Request) -> Response:
    """Answer with `git http-backend`; a push counts as one of the token's owner."""
    repository = request.repository
    service = request.query.get("service") or request.given["rest"]
    push = service == "git-receive-pack"
    _allow(request, repository, push)
    with repository.lock:
        before = repository.refs() if push else {}
        response = _backend(request, repository)
        after = repository.refs() if push else {}
    if push and request.token:
        request.github.pushed(repository, before, after, request.token)
    return response


def _allow(request: Request, repository: Repository, push: bool) -> None:
    if not request.token:
        if repository.private or push:
            response = Refused(401, "Requires authentication")
            response.response.headers["WWW-Authenticate"] = 'Basic realm="GitHub"'
            raise response
        return
    try:
        request.needs("write" if push else "read", "contents")
    except Refused as refused:
        if not push:
            raise Refused(404, "Repository not found.") from None
        message = f"Permission to {repository.name}.git denied to {_name(request.token)}."
        raise Refused(403, message) from refused


def _name(token: Token) -> str:
    return "github-actions[bot]" if token.run else "author"


def _backend(request: Request, repository: Repository) -> Response:
    token = request.token
    env = {
        **clean(),
        "GIT_PROJECT_ROOT": str(repository.path),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": "/" + request.given["rest"],
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": "&".join(f"{name}={value}" for name, value in request.query.items()),
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(request.body)),
        "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
        "REMOTE_USER": _name(token) if token else "",
        "REMOTE_ADDR": "127.0.0.1",
        "LOCAL_GITHUB_PROTECTED": " ".join(sorted(repository.protected)),
        "LOCAL_GITHUB_KEPT": " ".join(request.github.kept_refs(repository)),
        "LOCAL_GITHUB_RUN": str(token.run) if token and token.run else "",
    }
    if "git-protocol" in request.headers:
        env["GIT_PROTOCOL"] = request.headers["git-protocol"]
    done = subprocess.run(
        ["git", "http-backend"], input=request.body, capture_output=True, check=True, timeout=300, env=env
    )
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    headers = dict(BytesHeaderParser().parsebytes(head).items())
    status = headers.pop("Status", "200 OK")
    return Response(int(status.split()[0]), body, headers)


_PATH = r"/(?P<owner>[^/]+)/(?P<repo>[^/]+?)(?:\.git)?/(?P<rest>"
ROUTES = [
    Route("GET", _PATH + r"info/refs)", serve),
    Route("POST", _PATH + r"git-upload-pack)", serve),
    Route("POST", _PATH + r"git-receive-pack)", serve),
]
