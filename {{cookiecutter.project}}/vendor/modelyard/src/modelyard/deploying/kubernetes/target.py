"""What `ops deploy` does in a Kubernetes namespace."""

from __future__ import annotations

from collections.abc import Mapping

from ..acts import act
from ..asked import Asked
from ..record import Record
from .cluster import enter
from .kubectl import connect_cluster


def deploy(asked: Asked, record: Record, environ: Mapping[str, str]) -> None:
    """Do what was asked in the namespace that the kubeconfig names, and say in the record what came of it.

    Raises DeployError where it could not be done.
    """
    with connect_cluster(environ) as kubectl:
        held = enter(kubectl, record.stage, asked.wait, asked.headers, asked.probe, asked.holder, record.say)
        with held as stage:
            act(stage, record)
