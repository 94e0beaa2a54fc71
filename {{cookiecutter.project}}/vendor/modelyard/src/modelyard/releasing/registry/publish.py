"""Make the release on GitHub: a draft first, then its files, then public, so that a failure leaves nothing public.

A second run resumes: files that were uploaded completely stay, the others are sent again. A release that is already
public is compared with the files here, and never changed.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ...github.api import Client, GitHubError, checked_repository, client
from ...runtime.hashing import sha256
from ...versions import Version, read_version
from .release import DIST, files_in

LARGEST = 2_000_000_000  # bytes of a file; GitHub accepts 2 GiB
MOST = 1000  # files of a release


@dataclass(frozen=True)
class File:
    """A file to upload, with the size and digest that GitHub must report."""

    path: Path
    size: int
    digest: str

    @classmethod
    def read(cls, path: Path) -> File:
        """A file here. Raises GitHubError where it cannot be uploaded."""
        size = path.stat().st_size
        if not 0 < size < LARGEST:
            raise GitHubError(f"{path} has {size} bytes; GitHub takes files of 1 to {LARGEST}")
        return cls(path, size, f"sha256:{sha256(path)}")

    def is_at(self, asset: Mapping[str, Any]) -> bool:
        """Whether an asset is this file, uploaded completely. If the server reports no digest, the size decides."""
        same = asset.get("digest") in (None, self.digest) and asset.get("size") == self.size
        return asset.get("state") == "uploaded" and same


def publish(github: Client, repository: str, version: Version, notes: str, paths: list[Path]) -> str:
    """Make the release and its files public; returns its address. If it raises GitHubError, nothing is public."""
    files = {path.name: File.read(path) for path in paths}
    if not files or len(files) > MOST:
        raise GitHubError(f"there are {len(files)} files to release; 1 to {MOST} can be")
    release = _find(github, repository, version.tag)
    if release and not release["draft"]:
        return _unchanged(release, files, version)
    if not github.exists(f"/repos/{repository}/git/ref/tags/{quote(version.tag)}"):
        # GitHub would create the missing tag at the head of main
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
    published = github.request("PATCH", f"{path}/{release['id']}", {"draft": False, "make_latest": last})
    return f"released: {published['html_url']}"


def _find(github: Client, repository: str, tag: str) -> dict[str, Any] | None:
    """The release of a tag, public or a draft; drafts have no address of their own."""
    releases = [one for one in github.pages(f"/repos/{repository}/releases") if one["tag_name"] == tag]
    public = [one for one in releases if not one["draft"]]
    if len(releases) > 1 and not public:
        raise GitHubError(
            f"there are {len(releases)} drafts of a release {tag}; delete all but one on GitHub, and run this again"
        )
    return (public or releases or [None])[0]


def _unchanged(release: Mapping[str, Any], files: Mapping[str, File], version: Version) -> str:
    public = {asset["name"]: asset for asset in release["assets"]}
    different = sorted(
        {*public, *files} - {name for name, file in files.items() if name in public and file.is_at(public[name])}
    )
    if different:
        raise GitHubError(
            f"{version.tag} is public with other files than these: {', '.join(different)}. What was released stays as "
            "it is; release a new version"
        )
    return f"released already: {release['html_url']}"


def _upload(github: Client, path: str, release: Mapping[str, Any], files: Mapping[str, File]) -> None:
    """Make a draft's files these: upload missing ones, delete others."""
    uploaded = set()
    for asset in release["assets"]:
        file = files.get(asset["name"])
        if file and file.is_at(asset):
            uploaded.add(asset["name"])
        else:
            github.request("DELETE", f"{path}/assets/{asset['id']}")
    url = release["upload_url"].partition("{")[0]
    for name, file in files.items():
        if name in uploaded:
            continue
        asset = github.upload(f"{url}?name={quote(name)}", file.path.read_bytes())
        if not file.is_at(asset) or asset["name"] != name:
            state = f"{asset.get('name')}, {asset.get('state')}, {asset.get('digest')}"
            raise GitHubError(f"GitHub has {name} as {state}, and it is {file.digest} here; run this again")
        print(f"uploaded {name}: {file.size} bytes, {file.digest}")


def main(arguments: list[str] | None = None) -> None:
    """The verb `publish`."""
    parser = argparse.ArgumentParser(
        prog="publish", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tag", required=True, help="such as v1.2.0")
    parser.add_argument("--notes", type=Path, default=Path("reports/notes.md"), help="in Markdown (reports/notes.md)")
    parser.add_argument("--files", type=Path, default=DIST, help=f"the folder with its files ({DIST})")
    options = parser.parse_args(arguments)
    version = read_version(options.tag)
    repository = checked_repository(os.environ.get("GITHUB_REPOSITORY", ""))
    try:
        notes = options.notes.read_text(encoding="utf-8")
    except OSError as failure:
        raise GitHubError(
            f"{options.notes} cannot be read: {failure.strerror}; `python3 vendor/yard release notes` writes it"
        ) from None
    print(publish(client(), repository, version, notes, files_in(options.files)))
