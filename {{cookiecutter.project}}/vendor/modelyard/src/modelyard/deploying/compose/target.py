"""The verb `deploy` on a Docker host."""

from __future__ import annotations

from collections.abc import Mapping

from ..acts import act
from ..failure import DeployError
from ..record import Record, describe
from ..request import DeployRequest
from ..state import State
from .agent import attach
from .containers import containers, pull
from .host import Host, connect
from .reading import read_state
from .stage import ComposeStage, await_router, bring_config, open_router


def deploy(request: DeployRequest, record: Record, environ: Mapping[str, str]) -> None:
    """Do what is requested on the host that DOCKER_HOST names, and note the result in the record.

    Raises DeployError where it could not be done.
    """
    with connect(environ) as host:
        _deploy(request, record, host)


def _deploy(request: DeployRequest, record: Record, host: Host) -> None:
    project = f"{request.project}-{record.stage}"
    state = read_state(containers(host, project), "")
    if request.action == "status" and not state.router:
        record.result, record.reason = "unchanged", describe(state)[0]
        return
    image = _image(request, state, project)
    pull(host, image)
    if not state.router:
        open_router(host, project)
    with attach(host, project, image, request.holder, request.wait, record.say) as agent:
        await_router(agent)
        stage = ComposeStage(host, project, agent, request.headers, request.probe, request.keys, record.say)
        if request.holder and stage.read().canary is None:
            bring_config(host, project, record.say)
        act(stage, record)


def _image(request: DeployRequest, state: State, project: str) -> str:
    """An image with Python, for the agent: one that runs in the stage, or the one to deploy."""
    running = [one.release.image for one in (state.stable, state.canary) if one]
    if image := next(iter(running), request.image):
        return image
    raise DeployError(f"nothing runs in {project}, so there is nothing to {request.action}; give --image and --version")
