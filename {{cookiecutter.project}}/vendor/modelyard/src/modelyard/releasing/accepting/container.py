"""The service's image, run as in a deployment: unprivileged, on a read-only file system, with keys and a log."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import re
import secrets
import subprocess
import time
from collections.abc import Iterator

from ...errors import ContractError
from ..packaging.engine import Docker
from .service import RunningService

PORT = 8000
READY = 90.0  # seconds until it must answer
PAUSE = 0.1
LAST = 20  # lines of its log
CONFINED = (
    *("--read-only", "--tmpfs", "/tmp:size=64m,mode=1777"),  # noqa: S108
    *("--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
    *("--memory", "1g", "--pids-limit", "256", "--init"),
)
# As in deploy/compose: what configures it comes in its environment
SCRIPT = (
    'mkdir /tmp/log && printf %s "$KEYS" > /tmp/keys.json && printf %s "$SERVING" > /tmp/serving.json && '
    'exec "$PROGRAM" serve --config /tmp/serving.json'
)
LOG = {"folder": "/tmp/log", "file_mb": 8, "files": 2}  # noqa: S108


@contextlib.contextmanager
def running(docker: Docker, image: str, name: str) -> Iterator[RunningService]:
    """The service of an image, ready, with a key that may predict and read. The container is removed afterwards.

    Raises ContractError where the image runs as root, or does not become ready. A failure of the service, here or
    within the block, is reported with the end of its log.
    """
    check_user(docker, image)
    api_key = secrets.token_urlsafe(32)
    digest = hashlib.sha256(api_key.encode()).hexdigest()
    key_entry = {"name": "accept", "roles": ["predict", "read"], "sha256": digest}
    serving = {"models": {name: {}}, "access": {"keys": "/tmp/keys.json"}, "log": LOG}  # noqa: S108
    variables = {
        "PROGRAM": f"/opt/venv/bin/{name}",
        "KEYS": json.dumps({"keys": [key_entry]}),
        "SERVING": json.dumps(serving),
    }
    environment = [part for key, value in variables.items() for part in ("--env", f"{key}={value}")]
    command = ["run", "--detach", *CONFINED, "--publish", f"127.0.0.1::{PORT}", *environment]
    container = docker(*command, "--entrypoint", "sh", image, "-c", SCRIPT).strip()
    try:
        service = RunningService(*_address(docker, container), {"X-API-Key": api_key})
        _wait(docker, container, service)
        yield service
    except ContractError as error:
        raise ContractError(f"{error}\nthe container's log ends so:\n{_log(docker, container)}") from None
    finally:
        docker("rm", "--force", container)


def check_user(docker: Docker, image: str) -> None:
    """Raises ContractError where an image runs as root, or as a user by name, which a host cannot look up."""
    user = docker("image", "inspect", "--format", "{{.Config.User}}", image).strip()
    if not re.fullmatch(r"[1-9]\d*(:\d+)?", user):
        raise ContractError(f"it runs as {user or 'root'}: an image with its user by number, as 10001:10001, is needed")


def _address(docker: Docker, container: str) -> tuple[str, int]:
    """The address of its port on this machine. Raises ContractError if it has ended."""
    lines = docker("port", container, str(PORT)).splitlines()
    host, _, port = (lines[0] if lines else "").rpartition(":")
    if not port.isdecimal():
        raise ContractError(f"the container has no port {PORT}: it ended as soon as it was started")
    return host, int(port)


def _wait(docker: Docker, container: str, service: RunningService) -> None:
    """Wait until it answers. Raises ContractError where it does not, or has ended."""
    until = time.monotonic() + READY
    while time.monotonic() < until:
        client = service.connect()
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(client):
            if client.ask("/readyz")[0] == 200:
                return
        if docker("inspect", "--format", "{{.State.Running}}", container).strip() != "true":
            raise ContractError("the container ended before the service was ready")
        time.sleep(PAUSE)
    raise ContractError(f"the service was not ready within {READY:g} seconds")


def _log(docker: Docker, container: str) -> str:
    command = [docker.client, "logs", "--tail", str(LAST), container]
    process = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)  # noqa: S603
    return process.stdout.strip() or "it is empty"
