"""A Docker host that is reached over ssh: this machine's engine behind an sshd of our own, with keys made for it."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"
CONFIG = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxSessions 20
"""


@dataclass(frozen=True)
class SshHost:
    """A running sshd, and the texts that a workflow would have in its secrets and variables."""

    port: int
    key: str
    known_hosts: str

    @property
    def environment(self) -> dict[str, str]:
        """What `ops deploy` reads."""
        return {
            "DOCKER_HOST": f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}",
            "DEPLOY_SSH_KEY": self.key,
            "DEPLOY_KNOWN_HOSTS": self.known_hosts,
        }


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        port: int = opened.getsockname()[1]
        return port


@contextmanager
def ssh_host(folder: Path) -> Iterator[SshHost]:
    """An sshd for as long as it is needed."""
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    port = free_port()
    (folder / "sshd_config").write_text(CONFIG.format(port=port, folder=folder))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # which sshd asks for when root starts it
    command = [SSHD, "-D", "-e", "-f", str(folder / "sshd_config")]
    with (folder / "sshd.log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _wait(port, folder)
            public = (folder / "host.pub").read_text().split()
            yield SshHost(port, (folder / "user").read_text(), f"[127.0.0.1]:{port} {public[0]} {public[1]}\n")
        finally:
            server.terminate()
            server.wait(10)


def _wait(port: int, folder: Path) -> None:
    for _ in range(100):
        with socket.socket() as opened:
            if opened.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError((folder / "sshd.log").read_text())
