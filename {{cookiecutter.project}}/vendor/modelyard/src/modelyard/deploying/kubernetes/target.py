"""The verb `deploy` in a Kubernetes namespace."""

from __future__ import annotations

from collections.abc import Mapping

from ..acts import act
from ..record import Record
from ..request import DeployRequest
from .cluster import enter
from .kubectl import connect_cluster


def deploy(request: DeployRequest, record: Record, environ: Mapping[str, str]) -> None:
    """Do what is requested in the namespace that the kubeconfig names, and note the result in the record.

    Raises DeployError where it could not be done.
    """
    with connect_cluster(environ) as kubectl:
        held = enter(kubectl, record.stage, request.wait, request.headers, request.probe, request.holder, record.say)
        with held as stage:
            act(stage, record)
