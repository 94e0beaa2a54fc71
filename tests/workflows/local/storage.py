"""What the stand-ins of the cache and artifact actions call: open to runs only, by the runner's own token."""

from __future__ import annotations

import base64

from .http import Refused, Request, Response, Route
from .runs import Run
from .state import Artifact, Cache


def save_cache(request: Request) -> Response:
    """Keep an archive under a key in the run's own scope; 409 where the key is taken there, for keys never change."""
    run, shelf = _run(request), request.github.shelf(_run(request).event.repository)
    key, version, scope = request.query["key"], request.query["version"], run.event.ref
    if any((cache.key, cache.version, cache.scope) == (key, version, scope) for cache in shelf.caches):
        raise Refused(409, f"Cache already exists. Scope: {scope}, Key: {key}")
    name = request.github.next_id()
    path = request.github.root / f"cache-{name}.tar"
    path.write_bytes(request.body)
    shelf.caches.append(Cache(name, key, version, scope, path))
    return Response(201)


def find_cache(request: Request) -> Response:
    """The archive whose key is the first asked for, or starts with one of them, the newest first; 204 for none."""
    run = _run(request)
    keys, version = request.query["keys"].split("\n"), request.query["version"]
    caches = request.github.shelf(run.event.repository).caches
    for scope in _scopes(run):
        readable = [cache for cache in reversed(caches) if cache.scope == scope and cache.version == version]
        exact = [cache for cache in readable if cache.key == keys[0]]
        for found in exact + [cache for key in keys for cache in readable if cache.key.startswith(key)]:
            return Response(200, found.path.read_bytes(), {"X-Cache-Key": found.key})
    return Response(204)


def save_artifact(request: Request) -> Response:
    """Keep files under a name in the run; 409 where the name is taken, unless it is to be replaced."""
    run, given = _run(request), request.json()
    kept = request.github.shelf(run.event.repository).artifacts
    taken = [artifact for artifact in kept if (artifact.run, artifact.name) == (run.id, given["name"])]
    if taken and not given["overwrite"]:
        raise Refused(409, "an artifact with this name already exists on the workflow run")
    for artifact in taken:
        kept.remove(artifact)
    files = {path: base64.b64decode(content) for path, content in given["files"].items()}
    artifact = Artifact(request.github.next_id(), given["name"], run.id, files)
    kept.append(artifact)
    return Response(201, {"id": artifact.id})


def find_artifacts(request: Request) -> Response:
    """The artifacts of a run: its own, or another one's with a token that may read Actions."""
    if request.given.get("owner"):
        request.needs("read", "actions")
        repository, run = request.repository, int(request.query["run"])
    else:
        repository, run = _run(request).event.repository, _run(request).id
    found = [artifact for artifact in request.github.shelf(repository).artifacts if artifact.run == run]
    shown = {
        artifact.name: {path: base64.b64encode(content).decode() for path, content in artifact.files.items()}
        for artifact in found
    }
    return Response(200, shown)


def _run(request: Request) -> Run:
    run = request.github.runners.get(request.headers.get("x-runner", ""))
    if not run:
        raise Refused(401, "This is for runs in progress")
    return run


def _scopes(run: Run) -> list[str]:
    event = run.event
    base = [f"refs/heads/{event.base}"] if event.name == "pull_request" else []
    return [event.ref, *base, f"refs/heads/{event.repository.default_branch}"]


ROUTES = [
    Route("PUT", r"/_runner/caches", save_cache),
    Route("GET", r"/_runner/caches", find_cache),
    Route("POST", r"/_runner/artifacts", save_artifact),
    Route("GET", r"/_runner/artifacts", find_artifacts),
    Route("GET", r"/_runner/artifacts/(?P<owner>[^/]+)/(?P<repo>[^/]+)", find_artifacts),
]
