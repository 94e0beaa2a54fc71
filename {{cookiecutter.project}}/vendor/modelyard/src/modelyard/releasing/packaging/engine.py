"""Docker: the client that can build images on this machine."""

from __future__ import annotations

import configparser
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ...errors import ContractError
from .run import run

LAST_WITHOUT_BUILDX = 22  # from 23 on, the client needs the plugin for what the Dockerfile asks
NO_BASE = "failed to do request"  # BuildKit's message where a registry does not answer


@dataclass(frozen=True)
class Docker:
    """A client, and whether it has the plugin buildx."""

    client: str
    buildx: bool

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """The standard output of the client. Raises ContractError with its message where it failed."""
        return run([self.client, *arguments], stdin=stdin)

    def build(self, target: str, tag: str, arguments: Mapping[str, str], output: Sequence[str] = ()) -> None:
        """Build a target of the Dockerfile here, for this machine unless `output` says where it goes."""
        start = ["buildx", "build", *(output or ["--load"])] if self.buildx else ["build"]
        build_args = [part for name, value in arguments.items() for part in ("--build-arg", f"{name}={value}")]
        with secrets() as options:
            command = [self.client, *start, "--quiet", "--target", target, "--tag", tag, *build_args, *options, "."]
            try:
                run(command, {**os.environ, "DOCKER_BUILDKIT": "1"})
            except ContractError as error:
                if NO_BASE not in str(error):
                    raise
                raise ContractError(
                    f"{error}\nthe base image could not be pulled; where its registry is out of reach, "
                    "BASE_IMAGE=name uses another image of Debian 12 with Python, such as a mirror's"
                ) from None

    def image_id(self, image: str) -> str:
        """The id of an image on this machine: the hash of what it is."""
        return self("image", "inspect", "--format", "{{.Id}}", image).strip()


def find_docker() -> Docker:
    """The first client on the PATH, or the one that DOCKER names, that builds with BuildKit and whose engine answers.

    Raises ContractError where there is none.
    """
    named = os.environ.get("DOCKER")
    clients = [named] if named else [f"{folder}/docker" for folder in os.get_exec_path()]
    clients = [client for client in dict.fromkeys(clients) if os.access(client, os.X_OK)]
    if not clients:
        raise ContractError("docker was not found on the PATH; it builds the images: install Docker")
    for client in clients:
        buildx = bool(_output(client, "buildx", "version"))
        version = _output(client, "version", "--format", "{{.Client.Version}}").partition(".")[0]
        if buildx or (version.isdecimal() and int(version) <= LAST_WITHOUT_BUILDX):
            run([client, "info"])
            return Docker(client, buildx)
    raise ContractError(f"{clients[0]} has no plugin buildx, which builds the images; install docker-buildx")


def _output(*command: str) -> str:
    process = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return process.stdout.strip()


@contextmanager
def secrets() -> Iterator[list[str]]:
    """The options that give a build this machine's pip settings and certificates as secrets, which no image keeps."""
    config = configparser.ConfigParser(interpolation=None)
    config.read(os.environ.get("PIP_CONFIG_FILE", os.devnull), encoding="utf-8")
    if not config.has_section("global"):
        config.add_section("global")
    for key, names in {
        "index-url": ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"),
        "extra-index-url": ("PIP_EXTRA_INDEX_URL",),
        "trusted-host": ("PIP_TRUSTED_HOST",),
    }.items():
        if value := next(filter(None, map(os.environ.get, names)), None):
            config["global"][key] = value
    certificates = next(filter(None, map(os.environ.get, ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"))), None)
    options = []
    if certificates and Path(certificates).is_file():
        config["global"]["cert"] = "/run/secrets/ca.pem"
        options += ["--secret", f"id=ca.pem,src={certificates}"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pip.conf"
        with path.open("w", encoding="utf-8") as written:
            config.write(written)
        yield [*options, "--secret", f"id=pip.conf,src={path}"]
