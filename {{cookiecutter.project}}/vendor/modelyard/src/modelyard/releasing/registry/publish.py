"""Make the release on GitHub: a draft first, then its files, then public, so that one that fails leaves nothing public.

Once more it goes on where it stopped: what is uploaded whole stays, what is not is sent again. A release that is public
already is compared with the files here, and never changed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ...github.api import Client, GitHubError, checked_repository, client
from .release import DIST, files_in
from .versions import Version, read_version

LARGEST = 2_000_000_000  # bytes of a file; GitHub takes 2 GiB
MOST = 1000  # files of a release


@dataclass(frozen=True)
class File:
    """A file to be uploaded, with what GitHub is to answer about it."""

    path: Path
    size: int
    digest: str

    @classmethod
    def read(cls, path: Path) -> File:
        """A file here. Raises GitHubError where it cannot be uploaded."""
        size = path.stat().st_size
        if not 0 < size < LARGEST:
            raise GitHubError(f"{path} has {size} bytes; GitHub takes files of 1 to {LARGEST}")
        with path.open("rb") as opened:
            return cls(path, size, f"sha256:{hashlib.file_digest(opened, 'sha256').hexdigest()}")

    def is_at(self, asset: Mapping[str, Any]) -> bool:
        """Whether an asset is this file, whole; servers that tell no digest are believed the size."""
        same = asset.get("digest") in (None, self.digest) and asset.get("size") == self.size
        return asset.get("state") == "uploaded" and same


def publish(github: Client, repository: str, version: Version, notes: str, paths: list[Path]) -> str:
    """Make the release and its files public; its address. Raises GitHubError, and then it is not public."""
    files = {path.name: File.read(path) for path in paths}
    if not files or len(files) > MOST:
        raise GitHubError(f"there are {len(files)} files to release; 1 to {MOST} can be")
    release = _find(github, repository, version.tag)
    if release and not release["draft"]:
        return _unchanged(release, files, version)
    if not github.exists(f"/repos/{repository}/git/ref/tags/{quote(version.tag)}"):
        # GitHub would make a tag of that name, wherever main is by then
        raise GitHubError(f"the tag {version.tag} is not on GitHub any more; nothing is released")
    body = {
        "tag_name": version.tag,
        "name": version.tag,
        "body": notes,
        "draft": True,
        "prerelease": bool(version.pre),
    }
    path = f"/repos/{repository}/releases"
    if release:
        release = github.request("PATCH", f"{path}/{release['id']}", body)
    else:
        release = github.request("POST", path, body)
    _upload(github, path, release, files)
    last = "false" if version.pre else "true"
    done = github.request("PATCH", f"{path}/{release['id']}", {"draft": False, "make_latest": last})
    return f"released: {done['html_url']}"


def _find(github: Client, repository: str, tag: str) -> dict[str, Any] | None:
    """The release of a tag, public or a draft; drafts have no address of their own."""
    found = [one for one in github.pages(f"/repos/{repository}/releases") if one["tag_name"] == tag]
    public = [one for one in found if not one["draft"]]
    if len(found) > 1 and not public:
        raise GitHubError(
            f"there are {len(found)} drafts of a release {tag}; delete all but one on GitHub, and run this again"
        )
    return (public or found or [None])[0]


def _unchanged(release: Mapping[str, Any], files: Mapping[str, File], version: Version) -> str:
    there = {asset["name"]: asset for asset in release["assets"]}
    other = sorted(
        {*there, *files} - {name for name, file in files.items() if name in there and file.is_at(there[name])}
    )
    if other:
        raise GitHubError(
            f"{version.tag} is public with other files than these: {', '.join(other)}. What was released stays as it "
            "is; "
            "release a new version"
        )
    return f"released already: {release['html_url']}"


def _upload(github: Client, path: str, release: Mapping[str, Any], files: Mapping[str, File]) -> None:
    """Bring a draft's files to what is wanted."""
    kept = set()
    for asset in release["assets"]:
        file = files.get(asset["name"])
        if file and file.is_at(asset):
            kept.add(asset["name"])
        else:
            github.request("DELETE", f"{path}/assets/{asset['id']}")
    url = release["upload_url"].partition("{")[0]
    for name, file in files.items():
        if name in kept:
            continue
        asset = github.upload(f"{url}?name={quote(name)}", file.path.read_bytes())
        if not file.is_at(asset) or asset["name"] != name:
            said = f"{asset.get('name')}, {asset.get('state')}, {asset.get('digest')}"
            raise GitHubError(f"GitHub has {name} as {said}, and it is {file.digest} here; run this again")
        print(f"uploaded {name}: {file.size} bytes, {file.digest}")


def main(arguments: list[str] | None = None) -> None:
    """The verb `publish`."""
    parser = argparse.ArgumentParser(
        prog="publish", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tag", required=True, help="such as v1.2.0")
    parser.add_argument("--notes", type=Path, default=Path("reports/notes.md"), help="in Markdown (reports/notes.md)")
    parser.add_argument("--files", type=Path, default=DIST, help=f"the folder with its files ({DIST})")
    given = parser.parse_args(arguments)
    version = read_version(given.tag)
    repository = checked_repository(os.environ.get("GITHUB_REPOSITORY", ""))
    try:
        notes = given.notes.read_text(encoding="utf-8")
    except OSError as failure:
        raise GitHubError(f"{given.notes} cannot be read: {failure.strerror}; `ops release notes` writes it") from None
    print(publish(client(), repository, version, notes, files_in(given.files)))
