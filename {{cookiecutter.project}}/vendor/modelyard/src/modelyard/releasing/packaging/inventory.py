"""What is installed in an image, read from its files; nothing in the image is run."""

from __future__ import annotations

import base64
import csv
import hashlib
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from email.parser import HeaderParser
from pathlib import PurePosixPath
from typing import IO

from ...errors import ContractError
from .engine import Docker

PACKAGES = "opt/venv/lib/"
DPKG = "var/lib/dpkg/"
KEPT = ("usr/lib/os-release", "opt/venv/pyvenv.cfg", f"{DPKG}status")


@dataclass(frozen=True)
class InstalledDistribution:
    """An installed Python distribution: its metadata, its wheel's tags, and the hash of the list of its files."""

    metadata: Message
    tags: frozenset[str]
    record: str

    @property
    def name(self) -> str:
        """Its name, as its metadata spells it."""
        return str(self.metadata["Name"])

    @property
    def version(self) -> str:
        """Its version."""
        return str(self.metadata["Version"])


@dataclass(frozen=True)
class DebianPackage:
    """An installed package of Debian, and the hash of the list of its files' sums (None: it has no files)."""

    name: str
    version: str
    architecture: str
    sums: str | None


@dataclass(frozen=True)
class Inventory:
    """All that is installed in an image; `system` is what its /usr/lib/os-release says."""

    python: str
    system: Mapping[str, str]
    distributions: list[InstalledDistribution]
    debian: list[DebianPackage]


@dataclass
class _Files:
    """The image's files that say what is installed, and the hash of each file of the environment."""

    texts: dict[str, bytes] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)


def read_inventory(docker: Docker, image: str) -> Inventory:
    """What is installed in an image.

    Raises ContractError where a file of a distribution is not the one that it was installed with.
    """
    container = docker("create", image).strip()
    try:
        # run() would hold the whole image in memory
        with subprocess.Popen([docker.client, "export", container], stdout=subprocess.PIPE) as exported:  # noqa: S603
            assert exported.stdout  # noqa: S101
            files = _read(exported.stdout)
        if exported.returncode:
            raise ContractError(f"`docker export` of {image} ended with status {exported.returncode}")
    finally:
        docker("rm", "--force", container)
    return take_stock(files.texts, files.hashes)


def _read(stream: IO[bytes]) -> _Files:
    files = _Files()
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            inside = name.startswith(PACKAGES)
            if not member.isfile() or not (inside or name in KEPT or name.endswith(".md5sums")):
                continue
            opened = archive.extractfile(member)
            assert opened  # noqa: S101
            content = opened.read()
            if inside:
                files.hashes[name] = hashlib.sha256(content).hexdigest()
            if not inside or ".dist-info/" in name:
                files.texts[name] = content
    return files


def take_stock(texts: Mapping[str, bytes], hashes: Mapping[str, str]) -> Inventory:
    """The inventory by the image's files, each under its path, and the SHA-256 of each file of the environment.

    Raises ContractError as `read_inventory` does.
    """
    distributions = [
        _distribution(PurePosixPath(name).parent, texts, hashes)
        for name in texts
        if name.endswith(".dist-info/METADATA")
    ]
    return Inventory(
        python=_assignments(texts["opt/venv/pyvenv.cfg"]).get("version", "unknown"),
        system=_assignments(texts["usr/lib/os-release"]),
        distributions=sorted(distributions, key=lambda one: one.name.lower()),
        debian=sorted(_debian(texts), key=lambda one: (one.name, one.architecture)),
    )


def _distribution(info: PurePosixPath, texts: Mapping[str, bytes], hashes: Mapping[str, str]) -> InstalledDistribution:
    metadata = HeaderParser().parsestr(texts[f"{info}/METADATA"].decode())
    wheel = HeaderParser().parsestr(texts[f"{info}/WHEEL"].decode())
    record = texts[f"{info}/RECORD"].decode()
    lines = []
    for path, written, _ in csv.reader(record.splitlines()):
        where = f"{info.parent}/{path}"
        if not written or where not in hashes:
            continue  # bytecode, which is made in the image, and programs outside of lib/, which name their Python
        if not path.startswith(f"{info.name}/"):
            lines.append(f"{written} {path}")
        digest = base64.urlsafe_b64encode(bytes.fromhex(hashes[where])).rstrip(b"=").decode()
        if written != f"sha256={digest}":
            raise ContractError(
                f"{where} in the image is not the file that {metadata['Name']} was installed with; build it again"
            )
    content = hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
    return InstalledDistribution(metadata, frozenset(wheel.get_all("Tag") or []), content)


def _debian(texts: Mapping[str, bytes]) -> Iterator[DebianPackage]:
    for paragraph in texts.get(f"{DPKG}status", b"").decode(errors="replace").split("\n\n"):
        fields = HeaderParser().parsestr(paragraph)
        if fields["Package"] is None or not str(fields["Status"]).endswith(" installed"):
            continue
        name, architecture = str(fields["Package"]), str(fields["Architecture"])
        sums = [texts.get(f"{DPKG}info/{one}.md5sums") for one in (name, f"{name}:{architecture}")]
        sums_text = next((one for one in sums if one is not None), None)
        digest = None if sums_text is None else hashlib.sha256(sums_text).hexdigest()
        yield DebianPackage(name, str(fields["Version"]), architecture, digest)


def _assignments(text: bytes) -> dict[str, str]:
    pairs = (line.partition("=") for line in text.decode().splitlines() if "=" in line)
    return {key.strip(): value.strip().strip('"') for key, _, value in pairs}
