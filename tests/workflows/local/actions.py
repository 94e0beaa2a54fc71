"""Actions over REST: dispatches, events from outside, runs, artifacts and caches."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from . import events, shapes
from .documents import FOLDER, Workflow, WorkflowError
from .http import REPO, Refused, Request, Response, Route
from .runs import Run
from .state import Artifact


def dispatch(request: Request) -> Response:
    """Queue a run of a workflow at a ref, with inputs."""
    request.needs("write", "actions")
    repository, file, given = request.repository, request.given["file"], request.json()
    if f"{FOLDER}/{file}" not in repository.files(repository.default_branch, FOLDER):
        raise Refused(404, "Not Found")
    ref = given.get("ref")
    if not isinstance(ref, str) or not ref:
        raise Refused(422, 'Invalid request.\n\n"ref" wasn\'t supplied.')
    full = next((name for name in (ref, f"refs/heads/{ref}", f"refs/tags/{ref}") if name in repository.refs()), None)
    if not full:
        raise Refused(422, f"No ref found for: {ref}")
    try:
        workflow = Workflow.read(file, repository.read(full, f"{FOLDER}/{file}"))
    except (FileNotFoundError, WorkflowError):
        raise Refused(422, f"Workflow '{file}' does not exist at {ref}") from None
    if "workflow_dispatch" not in workflow.on:
        raise Refused(422, "Workflow does not have 'workflow_dispatch' trigger")
    try:
        inputs = workflow.inputs(given.get("inputs") or {})
    except ValueError as error:
        raise Refused(422, str(error)) from None
    actor = "github-actions[bot]" if request.token and request.token.run else "author"
    request.github.happened(events.dispatched(request.github, repository, file, full, inputs, actor))
    return Response(204)


def send(request: Request) -> Response:
    """Queue a `repository_dispatch`, as a relay of alerts sends it, whether any workflow waits for it or not."""
    request.needs("write", "contents")
    given = request.json()
    kind, payload = given.get("event_type"), given.get("client_payload") or {}
    if not isinstance(kind, str) or not 0 < len(kind) <= 100:
        raise Refused(422, 'Invalid request.\n\n"event_type" wasn\'t supplied.')
    if not isinstance(payload, dict) or len(payload) > 10 or len(json.dumps(payload)) > 65_535:
        raise Refused(422, "Validation Failed: client_payload has more than 10 properties or 65,535 characters")
    request.github.send(request.repository, kind, payload)
    return Response(204)


def list_runs(request: Request) -> Response:
    """Runs, the newest first, of one workflow if the path names it."""
    request.needs("read", "actions")
    file, query = request.given.get("file"), request.query
    found = [
        run
        for run in reversed(_runs(request))
        if file in (None, run.file)
        and query.get("branch", run.event.branch) == run.event.branch
        and query.get("event", run.event.name) == run.event.name
        and query.get("head_sha", run.event.head_sha) == run.event.head_sha
        and query.get("status", run.status) in (run.status, run.conclusion)
    ]
    shown = request.page([shapes.run(request.github, run) for run in found])
    shown.body = {"total_count": len(found), "workflow_runs": shown.body}
    return shown


def get_run(request: Request) -> Response:
    """One run."""
    request.needs("read", "actions")
    for run in _runs(request):
        if run.id == int(request.given["run"]):
            return Response(200, shapes.run(request.github, run))
    raise Refused(404, "Not Found")


def list_jobs(request: Request) -> Response:
    """The jobs of a run and how they ended."""
    request.needs("read", "actions")
    for run in _runs(request):
        if run.id == int(request.given["run"]):
            jobs = [{"name": job.name, "conclusion": job.conclusion, "run_id": run.id} for job in run.jobs.values()]
            return Response(200, {"total_count": len(jobs), "jobs": jobs})
    raise Refused(404, "Not Found")


def list_artifacts(request: Request) -> Response:
    """Artifacts, of one run if the path names it."""
    request.needs("read", "actions")
    run, name = request.given.get("run"), request.query.get("name")
    found = [
        artifact
        for artifact in request.github.shelf(request.repository).artifacts
        if run in (None, str(artifact.run)) and name in (None, artifact.name)
    ]
    shown = request.page([shapes.artifact(request.github, request.repository, artifact) for artifact in found])
    shown.body = {"total_count": len(found), "artifacts": shown.body}
    return shown


def get_artifact(request: Request) -> Response:
    """One artifact."""
    request.needs("read", "actions")
    return Response(200, shapes.artifact(request.github, request.repository, _artifact(request)))


def download_artifact(request: Request) -> Response:
    """An artifact as a ZIP file, where GitHub says with 302 to fetch it without the token."""
    request.needs("read", "actions")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, content in _artifact(request).files.items():
            archive.writestr(path, content)
    url = request.github.lend(packed.getvalue())
    return Response(302, None, {"Location": url})


def lent(request: Request) -> Response:
    """What was lent at this address; a token here is refused, as by the storage behind GitHub."""
    if "authorization" in request.headers:
        raise Refused(400, "Authentication information is not given in the correct format.")
    content = request.github.loans.get(request.given["name"])
    if content is None:
        raise Refused(404, "Not Found")
    return Response(200, content, {"Content-Type": "application/zip"})


def list_caches(request: Request) -> Response:
    """The caches of a repository."""
    request.needs("read", "actions")
    found: list[dict[str, Any]] = [
        {"id": cache.id, "key": cache.key, "ref": cache.scope, "size_in_bytes": cache.path.stat().st_size}
        for cache in request.github.shelf(request.repository).caches
    ]
    shown = request.page(found)
    shown.body = {"total_count": len(found), "actions_caches": shown.body}
    return shown


def _runs(request: Request) -> list[Run]:
    return [run for run in request.github.runs if run.event.repository.name == request.repository.name]


def _artifact(request: Request) -> Artifact:
    for artifact in request.github.shelf(request.repository).artifacts:
        if artifact.id == int(request.given["id"]):
            return artifact
    raise Refused(404, "Not Found")


ROUTES = [
    Route("POST", REPO + r"/actions/workflows/(?P<file>[^/]+)/dispatches", dispatch),
    Route("POST", REPO + r"/dispatches", send),
    Route("GET", REPO + r"/actions/workflows/(?P<file>[^/]+)/runs", list_runs),
    Route("GET", REPO + r"/actions/runs", list_runs),
    Route("GET", REPO + r"/actions/runs/(?P<run>\d+)", get_run),
    Route("GET", REPO + r"/actions/runs/(?P<run>\d+)/jobs", list_jobs),
    Route("GET", REPO + r"/actions/runs/(?P<run>\d+)/artifacts", list_artifacts),
    Route("GET", REPO + r"/actions/artifacts", list_artifacts),
    Route("GET", REPO + r"/actions/artifacts/(?P<id>\d+)", get_artifact),
    Route("GET", REPO + r"/actions/artifacts/(?P<id>\d+)/zip", download_artifact),
    Route("GET", REPO + r"/actions/caches", list_caches),
    Route("GET", r"/_lent/(?P<name>\w+)", lent),
]
