"""What `ops deploy` does on a Docker host."""

from __future__ import annotations

from collections.abc import Mapping

from ..acts import act
from ..asked import Asked
from ..failure import DeployError
from ..record import Record, describe
from ..state import State, read_state
from .agent import attach
from .host import Host, connect
from .stage import Stage, await_router, bring_config, containers, open_router, pull


def deploy(asked: Asked, record: Record, environ: Mapping[str, str]) -> None:
    """Do what was asked on the host that DOCKER_HOST names, and say in the record what came of it.

    Raises DeployError where it could not be done.
    """
    with connect(environ) as host:
        _deploy(asked, record, host)


def _deploy(asked: Asked, record: Record, host: Host) -> None:
    project = f"{asked.project}-{record.stage}"
    there = read_state(containers(host, project), "")
    if asked.action == "status" and not there.router:
        record.result, record.reason = "unchanged", describe(there)[0]
        return
    image = _image(asked, there, project)
    pull(host, image)
    if not there.router:
        open_router(host, project)
    with attach(host, project, image, asked.holder, asked.wait, record.say) as agent:
        await_router(agent)
        stage = Stage(host, project, agent, asked.headers, asked.probe, asked.keys, record.say)
        if asked.holder and stage.read().canary is None:
            bring_config(host, project, record.say)
        act(stage, record)


def _image(asked: Asked, there: State, project: str) -> str:
    """An image with Python in it, to ask from inside: one that runs there, or the one to deploy."""
    known = [one.release.image for one in (there.stable, there.canary) if one]
    if image := next(iter(known), asked.image):
        return image
    raise DeployError(f"nothing runs in {project}, so there is nothing to {asked.action}; give --image and --version")
