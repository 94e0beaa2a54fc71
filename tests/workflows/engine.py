"""The Docker engine of this machine, and a registry of images of our own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from base64 import b64encode
from pathlib import Path

USER, PASSWORD = "octo", "a-password-of-tests"
# `htpasswd -nbB`, of that password
ENTRY = "octo:$2b$05$YcyriZwjWU0H4vngdVEjZ.XRZKCbpW7QbT2/WpjzSlrgzOOefIrAy\n"
CONFIG = """version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}/images}}}}
http: {{addr: "127.0.0.1:{port}"}}
auth: {{htpasswd: {{realm: tests, path: {folder}/users}}}}
"""


class Registry:
    """A registry that takes images from who knows the password, from its making until `stop`."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        port = self.address.partition(":")[2]
        (folder / "users").write_text(ENTRY)
        (folder / "config.yml").write_text(CONFIG.format(folder=folder, port=port))
        self._log = (folder / "log").open("w")
        command = ["docker-registry", "serve", str(folder / "config.yml")]
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log)
        for _ in range(100):
            with contextlib.suppress(OSError):
                if self._ask("/v2/")[0] == 200:
                    return
            time.sleep(0.1)
        self.stop()
        raise AssertionError(f"docker-registry did not answer within 10 s: {(folder / 'log').read_text()[-2000:]}")

    def digest(self, name: str, tag: str) -> str | None:
        """The digest of an image, None where it is not there."""
        return self._ask(f"/v2/{name}/manifests/{tag}")[1].get("Docker-Content-Digest")

    def images(self) -> list[str]:
        """The names of all images."""
        return json.loads(self._ask("/v2/_catalog")[2])["repositories"]

    def stop(self) -> None:
        """End it."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _ask(self, path: str) -> tuple[int, dict[str, str], bytes]:
        known = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        kinds = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.v2+json"
        headers = {"Authorization": f"Basic {known}", "Accept": kinds}
        asked = urllib.request.Request(f"http://{self.address}{path}", headers=headers)
        try:
            with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310 - made above
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, {}, b""


def docker(*arguments: str) -> str:
    """What docker printed; it must succeed."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


def forget(part: str) -> None:
    """Remove the names of images in which a text stands, those by digest too, and what has no other name."""
    form = "{{.Repository}}:{{.Tag}} {{.Repository}}@{{.Digest}}"
    for name in docker("images", "--digests", "--format", form).split():
        if part in name and "<none>" not in name:
            with contextlib.suppress(AssertionError):
                docker("rmi", name)


def base_image() -> str:
    """The image that tests build on; it is there, for no registry can be relied on."""
    return os.environ.get("TEST_BASE_IMAGE", "base:raw")
