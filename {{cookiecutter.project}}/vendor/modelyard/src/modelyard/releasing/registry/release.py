"""Say whether a tag may be released (`check`) and which images were made (`images`), or write its notes (`notes`).

`check` and `notes` need all tags and the main branch as they are at origin: --fetch brings them, with GITHUB_TOKEN
where there is one. What later jobs need goes to GITHUB_OUTPUT.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

from ...github.api import GitHubError
from .candidate import Candidate, admit, image_of
from .notes import release_notes
from .tags import fetch_tags

VERDICT = Path("reports/verdict.json")
DIST = Path("dist")
BUNDLE = Path("bundle")
IMAGES = "image.txt"
IMAGE = re.compile(r"(\S+?)(?::[^:/@\s]+)?@(sha256:[0-9a-f]{64})")


def outputs(candidate: Candidate, registry: str, owner: str) -> dict[str, str]:
    """What the jobs of a release need to know. registry: of images; owner: of the repository."""
    host, image = image_of(registry, owner, candidate.model)
    return {
        "tag": candidate.tag.name,
        "version": str(candidate.version),
        "commit": candidate.tag.commit,
        "before": candidate.before.tag.commit if candidate.before else "",
        "final": "false" if candidate.version.pre else "true",
        "registry": host,
        "image": image,
    }


def read_verdict(path: Path) -> dict[str, Any]:
    """What `ops gate` wrote. Raises GitHubError where it did not, or where the model may not ship."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        ruled = found["verdict"]
    except (OSError, ValueError, KeyError, TypeError) as failure:
        raise GitHubError(f"{path} holds no verdict ({failure!r}); run `make gate` first") from None
    if ruled != "ships":
        raise GitHubError(f"{path} says that the model is {ruled}: {found.get('reason')}; it is not released")
    return found


def images(folder: Path, bundle: Path) -> dict[str, str]:
    """What `ops package --push` wrote of its two images, and the bundle in them, as outputs.

    Raises GitHubError where it is something else.
    """
    path = folder / IMAGES
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    found = [IMAGE.fullmatch(line) for line in text.splitlines()]
    if len(found) != 2 or not (found[0] and found[1]):
        raise GitHubError(f"{path} does not name the service and the pipeline, each by its digest; push them first")
    (name, digest), (other, its) = found[0].groups(), found[1].groups()
    told = {"service": f"{name}@{digest}", "service_name": name, "service_digest": digest}
    manifest = bundle / "manifest.json"
    if not manifest.is_file():
        raise GitHubError(f"{manifest} is not there, which says which bundle is in the images")
    sha256 = hashlib.sha256(manifest.read_bytes()).hexdigest()
    return told | {"pipeline_name": other, "pipeline_digest": its, "bundle": sha256}


def files_in(folder: Path) -> list[Path]:
    """The files of a release, by their names; links and folders are none."""
    return sorted(path for path in folder.glob("*") if path.is_file() and not path.is_symlink())


def find_token() -> str | None:
    """The token for Git, if there is one in the environment."""
    return os.environ.get("GH_TOKEN") or os.environ.get("GITHUB_TOKEN")


def write_outputs(found: dict[str, str]) -> None:
    """Give values to later jobs, and show them."""
    lines = "".join(f"{name}={value}\n" for name, value in found.items())
    if target := os.environ.get("GITHUB_OUTPUT"):
        with open(target, "a", encoding="utf-8") as opened:
            opened.write(lines)
    print(lines, end="")


def _candidate(given: argparse.Namespace) -> Candidate:
    if given.fetch:
        fetch_tags(Path(), given.main, find_token())
    return admit(Path(), given.tag, given.main)


def _check(given: argparse.Namespace) -> None:
    candidate = _candidate(given)
    owner = os.environ.get("GITHUB_REPOSITORY_OWNER") or "owner"
    write_outputs(outputs(candidate, os.environ.get("IMAGE_REGISTRY", ""), owner))
    last = f"after {candidate.before.version.tag}" if candidate.before else "the first one"
    signed = f", signed by {candidate.by}" if candidate.by else ""
    print(f"{given.tag} may be released: {last}{signed}{', once more' if candidate.again else ''}")
    if candidate.version.pre:
        print("it is published as a pre-release, and not deployed: deploy.yml can do that by hand")


def _notes(given: argparse.Namespace) -> None:
    root, candidate = Path(), _candidate(given)
    verdict = read_verdict(given.verdict)
    text = release_notes(root, candidate, verdict, given.image, files_in(given.files))
    given.output.parent.mkdir(exist_ok=True)
    given.output.write_text(text, encoding="utf-8")
    print(f"wrote {given.output}")


def main(arguments: list[str] | None = None) -> None:
    """The verb `release`."""
    parser = argparse.ArgumentParser(
        prog="release", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = parser.add_subparsers(dest="part", required=True, metavar="check|images|notes")
    check = parts.add_parser("check", help="say whether the tag may be released")
    made = parts.add_parser("images", help="say which images were made and pushed")
    made.add_argument("--files", type=Path, default=DIST, help=f"the folder with the files of the release ({DIST})")
    notes = parts.add_parser("notes", help="write the release notes")
    notes.add_argument("--verdict", type=Path, default=VERDICT, help=f"what the gate wrote ({VERDICT})")
    notes.add_argument("--image", default="", help="the image, by its digest")
    notes.add_argument("--files", type=Path, default=DIST, help=f"the folder with the files of the release ({DIST})")
    notes.add_argument("--output", type=Path, default=Path("reports/notes.md"), help="where to (reports/notes.md)")
    for one in (check, notes):
        one.add_argument("--fetch", action="store_true", help="take tags and main from origin first")
        one.add_argument("--tag", required=True, help="such as v1.2.0")
        one.add_argument("--main", default="main", help="the branch that releases are made from (main)")
    check.set_defaults(act=_check)
    made.set_defaults(act=lambda given: write_outputs(images(given.files, BUNDLE)))
    notes.set_defaults(act=_notes)
    given = parser.parse_args(arguments)
    given.act(given)
