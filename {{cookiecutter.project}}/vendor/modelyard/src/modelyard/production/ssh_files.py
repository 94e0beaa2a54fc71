"""Files on an ssh server, whose key must be known: fsspec's own file system takes any."""

from __future__ import annotations

import io
import os
from typing import Any

import paramiko
from fsspec.implementations.sftp import SFTPFileSystem
from paramiko.hostkeys import HostKeyEntry

from ..errors import YardError

TIMEOUT = 30.0  # seconds for a connection, and for an answer
KEYS = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


class SshFiles(SFTPFileSystem):
    """Connects when it is first used, and again after a connection was lost.

    The variable STORE_SSH_KEY is a private key as text, and STORE_KNOWN_HOSTS the lines of `known_hosts`. Without them,
    the user's own files and agent are used. A server with an unknown key is refused.
    """

    cachable = False

    def _connect(self) -> None:
        """Done by `ftp`."""
        self._sftp: Any = None
        self.client: Any = None

    @property
    def ftp(self) -> Any:
        """The open connection. Raises SSHException and OSError if there is none, YardError if the key is no key."""
        transport = self.client and self.client.get_transport()
        if self._sftp is None or transport is None or not transport.is_active():
            self.client = paramiko.SSHClient()
            self.client.load_system_host_keys()
            for line in os.environ.get("STORE_KNOWN_HOSTS", "").splitlines():
                if entry := HostKeyEntry.from_line(line):
                    for name in entry.hostnames:
                        self.client.get_host_keys().add(name, entry.key.get_name(), entry.key)
            self.client.set_missing_host_key_policy(paramiko.RejectPolicy())
            own = {"pkey": key, "allow_agent": False, "look_for_keys": False} if (key := _private_key()) else {}
            limits = dict.fromkeys(("timeout", "banner_timeout", "auth_timeout", "channel_timeout"), TIMEOUT)
            self.client.connect(self.host, **limits, **own, **self.ssh_kwargs)
            self._sftp = self.client.open_sftp()
            self._sftp.get_channel().settimeout(TIMEOUT)
        return self._sftp


def _private_key() -> paramiko.PKey | None:
    text = os.environ.get("STORE_SSH_KEY")
    if not text:
        return None
    for kind in KEYS:
        try:
            return kind.from_private_key(io.StringIO(text.rstrip() + "\n"))
        except paramiko.SSHException:
            continue
    raise YardError("STORE_SSH_KEY holds no private key without a passphrase (Ed25519, ECDSA or RSA)")
