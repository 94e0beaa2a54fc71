"""A Docker engine, local or over ssh: runs commands on it, and gives advice if one fails.

`DOCKER_HOST` names it, as for docker itself. For ssh the key is in DEPLOY_SSH_KEY and the host's own keys are in
DEPLOY_KNOWN_HOSTS, both as text; if they are not set, ssh uses the user's own. A host with an unknown key is always
refused. One connection carries all commands; it ends with this process, however that ends.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ..failure import DeployError

TIMEOUT = 60.0  # seconds for a command that moves no image
PULL_TIMEOUT = 900.0
CONNECT_TIMEOUT = 15.0
SOCKET = "docker.sock"
SHOWN = 1500  # characters at the end of what a failed command printed
COMPOSE = Path("deploy/compose/compose.yaml")
ADVICE = {
    "Host key verification failed": "its key is not known; put the line of `ssh-keyscan HOST`, compared with what the "
    "host's owner says, into DEPLOY_KNOWN_HOSTS",
    "Permission denied": "it refuses the key; put the private key of a user there who may use docker into "
    "DEPLOY_SSH_KEY",
    "permission denied while trying to connect": "the user there may not use docker; put it into the group docker",
    "Could not resolve": "no such name; check DOCKER_HOST",
    "refused": "nothing listens there; check the host and its port in DOCKER_HOST, and that sshd and docker run",
    "timed out": "it does not answer; check the host and the network between",
    "no space left": "its disk is full; make room, for example with `docker image prune`, and deploy again",
    "pull access denied": "the registry refuses; log in with `docker login`, and check the name of the image",
    "manifest unknown": "the registry has no such image; check its digest",
}


@dataclass(frozen=True)
class Host:
    """A Docker engine. environment: what docker's own commands get."""

    address: str
    environment: Mapping[str, str] = field(repr=False)

    def docker(
        self,
        *arguments: str,
        timeout: float = TIMEOUT,
        variables: Mapping[str, str] | None = None,
        stdin: str = "",
    ) -> str:
        """What a docker command printed. stdin: its standard input. Raises DeployError."""
        command = ["docker", *arguments]
        try:
            process = subprocess.run(  # noqa: S603
                command,
                env={**self.environment, **(variables or {})},
                input=stdin,
                capture_output=True,
                text=True,
                check=False,
                timeout=timeout,
            )
        except FileNotFoundError:
            raise DeployError("docker was not found: its command line and the plugin compose are needed here") from None
        except subprocess.TimeoutExpired:
            raise DeployError(
                f"{_shown(command)} on {self.address} did not end within {timeout:g} seconds; see how the host is, and "
                "run this again"
            ) from None
        if process.returncode:
            raise DeployError(explain(f"{_shown(command)} on {self.address}", process.stderr or process.stdout))
        return process.stdout

    def compose(
        self,
        project: str,
        *arguments: str,
        timeout: float = TIMEOUT,
        variables: Mapping[str, str] | None = None,
        stdin: str = "",
    ) -> str:
        """What a compose command on a stage printed. Raises DeployError."""
        options = ["--project-name", project, "--file", str(COMPOSE), "--progress", "quiet"]
        return self.docker("compose", *options, *arguments, timeout=timeout, variables=variables, stdin=stdin)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A docker command with its standard streams open."""
        pipe = subprocess.PIPE
        command = ["docker", *arguments]
        return subprocess.Popen(  # noqa: S603
            command, env=self.environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True, bufsize=1
        )


def _shown(command: list[str]) -> str:
    """The command's first words; the rest may be long."""
    words = [word for word in command if not word.startswith("-")]
    return f"`{' '.join(words[:4])}`"


def explain(what: str, output: str) -> str:
    """What failed, the end of its output, and advice if there is any."""
    text = output.strip()[-SHOWN:] or "it printed nothing"
    advice = [hint for sign, hint in ADVICE.items() if sign.lower() in output.lower()]
    return f"{what} failed: {text}" + (f"\n{advice[0]}" if advice else "")


@contextmanager
def connect(environ: Mapping[str, str]) -> Iterator[Host]:
    """The engine that DOCKER_HOST names. Raises DeployError where it is not named or cannot be reached."""
    address = environ.get("DOCKER_HOST", "")
    if not address:
        raise DeployError(
            "DOCKER_HOST is not set: name the engine, such as ssh://deploy@host, or unix:///var/run/docker.sock"
        )
    environment = {key: value for key, value in environ.items() if not key.startswith("DEPLOY_SSH")}
    if not address.startswith("ssh://"):
        yield Host(address, environment)
        return
    with tempfile.TemporaryDirectory(prefix="deploy-") as folder:
        place = Path(folder)
        program = _configure(place, environ)
        with _connection(program, address, place):
            environment["PATH"] = f"{place / 'bin'}{os.pathsep}{environ.get('PATH', os.defpath)}"
            if _answers(place / SOCKET):
                environment["DOCKER_HOST"] = f"unix://{place / SOCKET}"
            yield Host(address, environment)


def _answers(path: Path) -> bool:
    """Whether an engine answers at a socket."""
    try:
        with socket.socket(socket.AF_UNIX) as opened:
            opened.settimeout(CONNECT_TIMEOUT)
            opened.connect(str(path))
            opened.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in opened.recv(100)
    except OSError:
        return False


def _configure(place: Path, environ: Mapping[str, str]) -> Path:
    """An ssh that uses the key and the known hosts of the environment, for docker to find first on its PATH."""
    lines = [
        "BatchMode yes",
        "StrictHostKeyChecking yes",
        f"ConnectTimeout {CONNECT_TIMEOUT:.0f}",
        "ServerAliveInterval 5",
        "ServerAliveCountMax 3",
        f"ControlPath {place / 'control'}",
    ]
    if key := environ.get("DEPLOY_SSH_KEY"):
        _write(place / "key", key.replace("\r", "").rstrip("\n") + "\n", 0o600)
        lines += [f"IdentityFile {place / 'key'}", "IdentitiesOnly yes"]
    if known_hosts := environ.get("DEPLOY_KNOWN_HOSTS"):
        _write(place / "known_hosts", known_hosts.rstrip("\n") + "\n", 0o600)
        lines += [f"UserKnownHostsFile {place / 'known_hosts'}", "GlobalKnownHostsFile /dev/null"]
    _write(place / "config", "\n".join([*lines, "Include ~/.ssh/config", ""]), 0o600)
    ssh = shutil.which("ssh", path=environ.get("PATH"))
    if ssh is None:
        raise DeployError("ssh was not found: it is needed for a host named by ssh://")
    (place / "bin").mkdir()
    _write(place / "bin/ssh", f"#!/bin/sh\nexec '{ssh}' -F '{place / 'config'}' \"$@\"\n", 0o700)
    return place / "bin/ssh"


def _write(path: Path, text: str, mode: int) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, mode), "w", encoding="utf-8") as opened:
        opened.write(text)


@contextmanager
def _connection(program: Path, address: str, place: Path) -> Iterator[None]:
    """The connection that all commands share. It ends when its input closes, so also when this process is killed."""
    parts = urlsplit(address)
    # Forwarding the engine's socket saves each command a remote process; if that is forbidden, ssh:// is used
    forward = ["-L", f"{place / SOCKET}:{parts.path.rstrip('/') or '/var/run/docker.sock'}"]
    target = [*(["-l", parts.username] if parts.username else []), *(["-p", str(parts.port)] if parts.port else [])]
    with (place / "errors").open("w+", encoding="utf-8") as errors:
        command = [str(program), "-M", "-T", *forward, *target, "--", parts.hostname or "", "echo connected; cat"]
        master = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)  # noqa: S603
        assert master.stdin  # noqa: S101 - asked for above
        assert master.stdout  # noqa: S101
        try:
            if not master.stdout.readline():
                master.wait()
                errors.seek(0)
                raise DeployError(explain(f"a connection to {address}", errors.read()))
            yield
        finally:
            master.stdin.close()
            try:
                master.wait(5)
            except subprocess.TimeoutExpired:
                master.kill()
                master.wait()
            master.stdout.close()
