"""What proves that release.yml on main made the image of a version, where the project has signatures or attestations.

Both are made of files of the release: `image.txt` names the image by its digest, `SHA256SUMS` has the hash of that
file. A key of `deploy/allowed_signers` on main must have signed the sums, and an attestation of `image.txt` must name
release.yml at main, so that neither a tag nor a file that somebody uploads is enough.
"""

from __future__ import annotations

import fnmatch
import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ...errors import ContractError
from ...git import read_blob
from ...github.api import Client, GitHubError
from ...runtime.hashing import sha256
from ...versions import Version
from ..packaging.run import run
from ..packaging.signature import NAMESPACE, SIGNERS, signer
from ..packaging.sums import SIGNATURE, SUMS, read_sums
from .integrity import trunk_of

IMAGES = "image.txt"
NAMESPACES = re.compile(r'\bnamespaces="([^"]*)"')
LARGEST = 1_000_000  # bytes of each of these files


def require_evidence(
    root: Path, github: Client, repository: str, main: str, version: Version, images: Sequence[str], attested: bool
) -> list[str]:
    """What proves the images of a version, a line each.

    images: the service's and, where it is registered, the pipeline's, by their digests. attested: whether releases of
    this repository are attested. Raises GitHubError if something that the project has is missing, or is of another
    image.
    """
    image = " and ".join(images)
    signers = (read_blob(root, trunk_of(root, main), str(SIGNERS)) or b"").decode(errors="replace")
    signed = signs_releases(signers)
    if not (signed or attested):
        return [f"no signature or attestation proves who made {image}: docs/releases.md says how to have one"]
    proofs = []
    with tempfile.TemporaryDirectory() as scratch:
        folder, keys = Path(scratch) / "release", Path(scratch) / "signers"
        folder.mkdir()
        keys.write_text(signers, encoding="utf-8")
        _download(github, repository, version, folder)
        _names(folder, version, images)
        try:
            if signed:
                proofs.append(f"{image} is in sums that {_signed_by(folder, keys)} signed")
            if attested:
                _attested(folder / IMAGES, repository, main)
                proofs.append(f"{image} is attested by release.yml of {main}")
        except ContractError as error:
            raise GitHubError(
                f"{version.tag} is not deployed, because nothing proves that release.yml of {main} made {image}: "
                f"{error}\nRelease a new version, and find out who made this one, unless it was released before tags "
                "started main's release.yml"
            ) from None
    return proofs


def signs_releases(signers: str) -> bool:
    """Whether a file of allowed signers lists a key that may sign releases."""
    for line in filter(None, map(str.strip, signers.splitlines())):
        limits = NAMESPACES.search(line)
        spaces = limits[1].split(",") if limits else ["*"]
        if not line.startswith("#") and any(fnmatch.fnmatchcase(NAMESPACE, one.strip()) for one in spaces):
            return True
    return False


def _download(github: Client, repository: str, version: Version, folder: Path) -> None:
    """Get the files that name the image, and their signature if there is one, from the release on GitHub."""
    release = github.find(f"/repos/{repository}/releases/tags/{version.tag}")
    if release is None:
        raise GitHubError(
            f"{version.tag} is not deployed: there is no public release of it on GitHub, so nothing proves that "
            "release.yml made its image. Run release.yml on main with its tag, or release a new version"
        )
    assets = {one["name"]: one["id"] for one in release["assets"]}
    for name in (IMAGES, SUMS, SIGNATURE):
        if name in assets:
            path = f"/repos/{repository}/releases/assets/{assets[name]}"
            (folder / name).write_bytes(github.download(path, LARGEST))
        elif name != SIGNATURE:
            raise GitHubError(f"{version.tag} is not deployed: its release on GitHub has no {name}")


def _names(folder: Path, version: Version, images: Sequence[str]) -> None:
    """Raise GitHubError unless the files are those of this version's images."""
    lines = (folder / IMAGES).read_text(encoding="utf-8", errors="replace").splitlines()
    for place, image in enumerate(images):
        wanted, named = image.replace("@", f":{version}@"), lines[place] if place < len(lines) else "nothing"
        if named != wanted:
            raise GitHubError(
                f"{version.tag} is not deployed: it is registered with {wanted}, and {IMAGES} of its release names "
                f"{named}"
            )
    if read_sums(folder).get(IMAGES) != sha256(folder / IMAGES):
        raise GitHubError(f"{version.tag} is not deployed: {IMAGES} of its release is not the file that {SUMS} names")


def _signed_by(folder: Path, keys: Path) -> str:
    name = signer(folder, keys)
    if name is None:
        raise ContractError(f"its release has no {SIGNATURE}, and {SIGNERS} on main lists who signs releases")
    return name


def _attested(path: Path, repository: str, main: str) -> None:
    """Have GitHub's command line verify the attestation of a file. Raises ContractError if it does not."""
    server = (os.environ.get("GITHUB_SERVER_URL") or "https://github.com").rstrip("/")
    identity = f"{server}/{repository}/.github/workflows/release.yml@refs/heads/{main}"
    maker = ("--repo", repository, "--cert-identity", identity, "--deny-self-hosted-runners")
    run(["gh", "attestation", "verify", str(path), *maker])
