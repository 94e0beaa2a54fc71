"""The service's image, run as a deployment runs it: as nobody, on a read-only file system, with keys and a log."""

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

from ..packaging.engine import Docker
from ...runtime.contract import ContractError
from .service import Service

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
def running(docker: Docker, image: str, project: str) -> Iterator[Service]:
    """The service of an image, ready, with a key that may predict and read; it is removed afterwards.

    Raises ContractError where the image runs as root, or does not become ready. What goes wrong with the service, here
    or within the block, is told with the end of its log.
    """
    check_user(docker, image)
    key = secrets.token_urlsafe(32)
    known = {"name": "accept", "roles": ["predict", "read"], "sha256": hashlib.sha256(key.encode()).hexdigest()}
    serving = {"models": {project: {}}, "access": {"keys": "/tmp/keys.json"}, "log": LOG}  # noqa: S108
    told = {
        "PROGRAM": f"/opt/venv/bin/{project}",
        "KEYS": json.dumps({"keys": [known]}),
        "SERVING": json.dumps(serving),
    }
    environment = [part for name, value in told.items() for part in ("--env", f"{name}={value}")]
    started = ["run", "--detach", *CONFINED, "--publish", f"127.0.0.1::{PORT}", *environment]
    container = docker(*started, "--entrypoint", "sh", image, "-c", SCRIPT).strip()
    try:
        service = Service(*_address(docker, container), {"X-API-Key": key})
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
    """Where its port is on this machine. Raises ContractError where it has ended already."""
    lines = docker("port", container, str(PORT)).splitlines()
    host, _, port = (lines[0] if lines else "").rpartition(":")
    if not port.isdecimal():
        raise ContractError(f"the container has no port {PORT}: it ended as soon as it was started")
    return host, int(port)


def _wait(docker: Docker, container: str, service: Service) -> None:
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
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)  # noqa: S603
    return done.stdout.strip() or "it is empty"
