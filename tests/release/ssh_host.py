"""A Docker host that is reached over ssh: this machine's engine behind an sshd of our own, with keys made for it."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
Subsystem sftp internal-sftp
"""


@dataclass
class SshHost:
    """An sshd, and the texts that a workflow would have in its secrets and variables."""

    folder: Path
    port: int
    key: str
    known_hosts: str
    server: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where it is, as docker takes it."""
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What `make deploy` reads."""
        return {"DOCKER_HOST": self.address, "DEPLOY_SSH_KEY": self.key, "DEPLOY_KNOWN_HOSTS": self.known_hosts}

    def start(self) -> None:
        """Let it be there."""
        command = [SSHD, "-D", "-e", "-f", str(self.folder / "sshd_config")]
        with (self.folder / "sshd.log").open("a") as log:
            self.server = subprocess.Popen(command, stdout=log, stderr=log)
        _wait(self.port, self.folder)

    def stop(self) -> None:
        """Let it go away: it takes no connection, and those that it has end. The engine behind it goes on."""
        if self.server is None:
            return
        sessions = list(_below(self.server.pid))
        self.server.terminate()
        self.server.wait(10)
        self.server = None
        for session in sessions:  # which outlive an sshd that ends
            with suppress(ProcessLookupError):
                os.kill(session, signal.SIGKILL)


def _below(process: int) -> Iterator[int]:
    """The processes that one has started, and those that they have."""
    with suppress(FileNotFoundError):
        for child in Path(f"/proc/{process}/task/{process}/children").read_text().split():
            yield int(child)
            yield from _below(int(child))


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
    public = (folder / "host.pub").read_text().split()
    known = f"[127.0.0.1]:{port} {public[0]} {public[1]}\n"
    host = SshHost(folder, port, (folder / "user").read_text(), known)
    try:
        host.start()
        yield host
    finally:
        host.stop()


def _wait(port: int, folder: Path) -> None:
    for _ in range(100):
        with socket.socket() as opened:
            if opened.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError((folder / "sshd.log").read_text())
