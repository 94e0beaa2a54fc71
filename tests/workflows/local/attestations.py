"""Attestations: kept for who may write them, in public repositories and on the plans that have them."""

from __future__ import annotations

import re

from .allowed import enterprise
from .http import REPO, Refused, Request, Response, Route
from .state import Attestation

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def attest(request: Request) -> Response:
    """Keep who made what: subjects with their digests, and the run that says so."""
    request.needs("write", "attestations")
    token = request.token
    if not token or request.github.permissions(token).get("id-token") != "write":
        # the real action fails before it asks: without this permission it gets no identity to sign with
        raise Refused(403, "Unable to get ACTIONS_ID_TOKEN_REQUEST_URL env variable")
    if not enterprise(request):
        raise Refused(403, "Feature not available for the owner's plan: this repository is private")
    subjects = request.json().get("subjects")
    if not subjects or not all(DIGEST.fullmatch(digest) for digest in subjects.values()):
        raise Refused(422, "Invalid request.\n\nsubjects with a digest each are needed.")
    made = Attestation(request.github.next_id(), dict(subjects), token.run)
    request.github.shelf(request.repository).attestations.append(made)
    return Response(201, {"id": made.id})


def find(request: Request) -> Response:
    """The attestations of a digest."""
    request.needs("read", "attestations")
    kept = request.github.shelf(request.repository).attestations
    found = [
        {"id": one.id, "identity": _identity(request, one)}
        for one in kept
        if request.given["digest"] in one.subjects.values()
    ]
    if not found:
        raise Refused(404, "Not Found")
    return Response(200, {"attestations": found})


def _identity(request: Request, one: Attestation) -> str:
    """The workflow, at its ref, that the certificate of an attestation names; empty for a token of no run."""
    runs = [run for run in request.github.runs if run.id == one.run]
    where = f"{request.github.url}/{request.repository.name}/.github/workflows"
    return f"{where}/{runs[0].file}@{runs[0].event.ref}" if runs else ""


ROUTES = [
    Route("POST", REPO + r"/attestations", attest),
    Route("GET", REPO + r"/attestations/(?P<digest>sha256:[0-9a-f]{64})", find),
]
