"""Releases over REST: drafts, files, and what becomes public."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from .http import REPO, Refused, Request, Response, Route
from .state import Asset, Release

LONGEST_BODY = 125_000
FIELDS = {
    "tag_name": str,
    "target_commitish": str,
    "name": str,
    "body": str,
    "draft": bool,
    "prerelease": bool,
    "make_latest": str,
    "generate_release_notes": bool,
    "discussion_category_name": str,
}


def list_releases(request: Request) -> Response:
    """Releases, the newest first; drafts are for those who may write."""
    request.needs("read", "contents")
    found = [one for one in reversed(_releases(request)) if not one.draft or _writes(request)]
    return request.page([shown(request, one) for one in found])


def get_release(request: Request) -> Response:
    """One release by its number."""
    request.needs("read", "contents")
    return Response(200, shown(request, _release(request)))


def get_by_tag(request: Request) -> Response:
    """The public release of a tag; drafts are not found so."""
    request.needs("read", "contents")
    for one in _releases(request):
        if one.tag == request.given["tag"] and not one.draft:
            return Response(200, shown(request, one))
    raise Refused(404, "Not Found")


def create_release(request: Request) -> Response:
    """A new release, or a draft of one."""
    request.needs("write", "contents")
    given = _given(request)
    if not given.get("tag_name"):
        raise Refused(422, "Validation Failed", [_error("tag_name", "missing_field")])
    made = Release(request.github.next_id(), given["tag_name"])
    _change(request, made, given)
    _releases(request).append(made)
    return Response(201, shown(request, made))


def change_release(request: Request) -> Response:
    """A release with something else in it; a draft that is one no longer is public."""
    request.needs("write", "contents")
    found = _release(request)
    _change(request, found, _given(request))
    return Response(200, shown(request, found))


def add_asset(request: Request) -> Response:
    """One more file of a release, as the server for uploads takes it; some uploads break off."""
    request.needs("write", "contents")
    release, name = _release(request), request.query.get("name")
    if not name or not request.body or "content-type" not in request.headers:
        raise Refused(400, "Bad Request")
    name = re.sub(r"[^A-Za-z0-9._+@-]", ".", name).strip(".")
    if any(one.name == name for one in release.assets):
        raise Refused(422, "Validation Failed", [{**_error("name", "already_exists"), "resource": "ReleaseAsset"}])
    asset = Asset(request.github.next_id(), name, request.body)
    release.assets.append(asset)
    if request.github.broken_uploads:
        request.github.broken_uploads -= 1
        asset.state, asset.content = "starter", b""
        raise Refused(502, "Server Error")
    return Response(201, shown_asset(request, asset))


def get_asset(request: Request) -> Response:
    """The content of a file of a release."""
    request.needs("read", "contents")
    for release in _releases(request):
        for asset in release.assets:
            if asset.id == int(request.given["asset"]):
                return Response(200, asset.content)
    raise Refused(404, "Not Found")


def delete_asset(request: Request) -> Response:
    """One file of a release less."""
    request.needs("write", "contents")
    for release in _releases(request):
        for asset in release.assets:
            if asset.id == int(request.given["asset"]):
                release.assets.remove(asset)
                return Response(204)
    raise Refused(404, "Not Found")


def get_ref(request: Request) -> Response:
    """A ref and its object."""
    request.needs("read", "contents")
    name = f"refs/{request.given['ref']}"
    found = request.repository.refs().get(name)
    if not found:
        raise Refused(404, "Not Found")
    kind = request.repository.git("cat-file", "-t", found)
    return Response(200, {"ref": name, "object": {"sha": found, "type": kind}})


def shown(request: Request, one: Release) -> dict[str, Any]:
    """A release as the API shows it."""
    name, url = request.repository.name, request.github.url
    return {
        "id": one.id,
        "tag_name": one.tag,
        "target_commitish": one.target,
        "name": one.name,
        "body": one.body,
        "draft": one.draft,
        "prerelease": one.prerelease,
        "immutable": False,
        "assets": [shown_asset(request, asset) for asset in one.assets],
        "url": f"{url}/repos/{name}/releases/{one.id}",
        "html_url": f"{url}/{name}/releases/tag/{'untagged-1' if one.draft else one.tag}",
        "upload_url": f"{url}/api/uploads/repos/{name}/releases/{one.id}/assets{{?name,label}}",
    }


def shown_asset(request: Request, one: Asset) -> dict[str, Any]:
    """A file of a release as the API shows it."""
    whole = one.state == "uploaded"
    return {
        "id": one.id,
        "name": one.name,
        "state": one.state,
        "size": len(one.content),
        "digest": f"sha256:{hashlib.sha256(one.content).hexdigest()}" if whole else None,
        "url": f"{request.github.url}/repos/{request.repository.name}/releases/assets/{one.id}",
    }


def _change(request: Request, release: Release, given: dict[str, Any]) -> None:
    draft = given.get("draft", release.draft)
    tag = given.get("tag_name", release.tag)
    others = [one for one in _releases(request) if one is not release and one.tag == tag and not one.draft]
    if not draft and others:
        raise Refused(422, "Validation Failed", [_error("tag_name", "already_exists")])
    if not draft and not request.repository.find(f"refs/tags/{tag}"):
        target = given.get("target_commitish", release.target) or request.repository.default_branch
        commit = request.repository.find(target)
        if not commit:
            raise Refused(422, "Validation Failed", [_error("target_commitish", "invalid")])
        request.repository.git("update-ref", f"refs/tags/{tag}", commit)
    release.tag, release.draft = tag, draft
    for key, name in {"target_commitish": "target", "name": "name", "body": "body", "prerelease": "prerelease"}.items():
        if key in given:
            setattr(release, name, given[key])


def _given(request: Request) -> dict[str, Any]:
    given = request.json()
    for key, value in given.items():
        if key not in FIELDS or type(value) is not FIELDS[key]:
            raise Refused(422, f"Invalid request.\n\nFor '{key}', {value!r} is not what is known.")
    if given.get("make_latest", "true") not in ("true", "false", "legacy"):
        raise Refused(422, "Validation Failed", [_error("make_latest", "invalid")])
    if len(given.get("body", "")) > LONGEST_BODY:
        raise Refused(422, "Validation Failed", [_error("body", "too_long")])
    return given


def _writes(request: Request) -> bool:
    permissions = request.github.permissions(request.token) if request.token else {}
    return permissions.get("contents") == "write"


def _releases(request: Request) -> list[Release]:
    return request.github.shelf(request.repository).releases


def _release(request: Request) -> Release:
    for one in _releases(request):
        if one.id == int(request.given["release"]) and (not one.draft or _writes(request)):
            return one
    raise Refused(404, "Not Found")


def _error(field: str, code: str) -> dict[str, str]:
    return {"resource": "Release", "field": field, "code": code}


ROUTES = [
    Route("GET", REPO + r"/releases", list_releases),
    Route("POST", REPO + r"/releases", create_release),
    Route("GET", REPO + r"/releases/(?P<release>\d+)", get_release),
    Route("PATCH", REPO + r"/releases/(?P<release>\d+)", change_release),
    Route("GET", REPO + r"/releases/tags/(?P<tag>[^/]+)", get_by_tag),
    Route("POST", r"/api/uploads" + REPO + r"/releases/(?P<release>\d+)/assets", add_asset),
    Route("DELETE", REPO + r"/releases/assets/(?P<asset>\d+)", delete_asset),
    Route("GET", REPO + r"/releases/assets/(?P<asset>\d+)", get_asset),
    Route("GET", REPO + r"/git/ref/(?P<ref>tags/[^/]+|heads/.+)", get_ref),
]
