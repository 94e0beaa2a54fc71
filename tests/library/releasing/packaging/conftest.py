"""A release, the bundle that it is made of, and what an image of it would hold."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path

import pytest
from modelyard.releasing.packaging.build import ReleaseBuild
from modelyard.runtime.bundle import Bundle, read_bundle

SITE = "opt/venv/lib/python3.11/site-packages"


@pytest.fixture
def release() -> ReleaseBuild:
    return ReleaseBuild("flight-delays", "1.2.0", "a" * 40, 1_700_000_000, "https://example.invalid/flight-delays")


@pytest.fixture
def bundle(made) -> Bundle:
    return read_bundle(made.root / "bundle")


class Image:
    """The files of an image, as `docker export` has them."""

    def __init__(self) -> None:
        self.texts = {
            "opt/venv/pyvenv.cfg": b"home = /usr/local/bin\nversion = 3.11.9\n",
            "usr/lib/os-release": b'ID=debian\nVERSION_ID="12"\n',
            "var/lib/dpkg/status": b"Package: libc6\nStatus: install ok installed\n"
            b"Version: 2.36-9\nArchitecture: amd64\n\n"
            b"Package: gone\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: all\n",
            "var/lib/dpkg/info/libc6:amd64.md5sums": b"0  lib/libc.so\n",
        }
        self.hashes: dict[str, str] = {}

    def install(self, name: str, version: str, tag: str = "py3-none-any", more: str = "") -> None:
        """Lay a distribution with one module into the environment."""
        info = f"{SITE}/{name}-{version}.dist-info"
        content = f"{name} {version}".encode()
        digest = hashlib.sha256(content)
        self.hashes[f"{SITE}/{name}.py"] = digest.hexdigest()
        written = base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
        record = f"{name}.py,sha256={written},9\n{name}-{version}.dist-info/RECORD,,\n__pycache__/x.pyc,,\n"
        self.texts[f"{info}/METADATA"] = f"Name: {name}\nVersion: {version}\n{more}\n".encode()
        self.texts[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nTag: {tag}\n".encode()
        self.texts[f"{info}/RECORD"] = record.encode()


@pytest.fixture
def image() -> Image:
    """An image with the release and two packages that it needs."""
    made = Image()
    needs = "Requires-Dist: numpy\nRequires-Dist: uvicorn ; extra == 'serve'\n"
    made.install("flight_delays", "1.2.0", more=needs)
    made.install("numpy", "2.4.6", "cp311-cp311-manylinux_2_28_x86_64", "License-Expression: BSD-3-Clause\n")
    made.install("uvicorn", "0.54.0", more="Classifier: License :: OSI Approved :: BSD License\n")
    return made


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A client on the PATH that notes what it is asked and answers as it was told to."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def client(*answers: tuple[str, str, int], where: Path = folder) -> Path:
        lines = [f"  *'{asked}'*) printf '%s' '{said}'; exit {status};;\n" for asked, said, status in answers]
        noted = tmp_path / "asked"
        script = f'#!/bin/sh\necho "$DOCKER_BUILDKIT $*" >> {noted}\ncase "$*" in\n{"".join(lines)}esac\n'
        where.mkdir(exist_ok=True)
        (where / "docker").write_text(script)
        (where / "docker").chmod(0o755)
        return noted

    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
    certificates = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
    indexes = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "UV_DEFAULT_INDEX", "UV_INDEX_URL")
    for name in ("DOCKER", "BASE_IMAGE", "PIP_CONFIG_FILE", *certificates, *indexes):
        monkeypatch.delenv(name, raising=False)
    return client
