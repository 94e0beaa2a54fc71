"""Check whether a tag may be released (`check`), name the images that were made (`images`), or write its notes
(`notes`).

`check` and `notes` require all tags and the main branch as they are at origin: --fetch gets them, with GITHUB_TOKEN if
it is set. Values for later jobs are written to GITHUB_OUTPUT.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from pathlib import Path
from typing import Any

from ...github.api import GitHubError
from ...github.outputs import write_outputs
from ...runtime.hashing import bundle_sha256
from .candidate import Candidate, admit, image_of
from .notes import release_notes
from .tags import fetch_tags

VERDICT = Path("reports/verdict.json")
DIST = Path("dist")
BUNDLE = Path("bundle")
IMAGES = "image.txt"
IMAGE = re.compile(r"(\S+?)(?::[^:/@\s]+)?@(sha256:[0-9a-f]{64})")


def outputs(candidate: Candidate, registry: str, owner: str) -> dict[str, str]:
    """The values that later jobs of a release need. registry: of images; owner: of the repository."""
    host, image = image_of(registry, owner, candidate.model)
    return {
        "tag": candidate.tag.name,
        "version": str(candidate.version),
        "commit": candidate.tag.commit,
        "before": candidate.previous.tag.commit if candidate.previous else "",
        "final": "false" if candidate.version.pre else "true",
        "registry": host,
        "image": image,
    }


def read_verdict(path: Path) -> dict[str, Any]:
    """The gate's verdict. Raises GitHubError if there is none, or if the model may not ship."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        ruled = content["verdict"]
    except (OSError, ValueError, KeyError, TypeError) as failure:
        raise GitHubError(f"{path} holds no verdict ({failure!r}); run `make gate` first") from None
    if ruled != "ships":
        raise GitHubError(f"{path} says that the model is {ruled}: {content.get('reason')}; it is not released")
    return content


def images(folder: Path, bundle: Path) -> dict[str, str]:
    """The two images that `package --push` wrote, and their bundle, as outputs.

    Raises GitHubError if the file names anything else.
    """
    path = folder / IMAGES
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    matches = [IMAGE.fullmatch(line) for line in text.splitlines()]
    if len(matches) != 2 or not (matches[0] and matches[1]):
        raise GitHubError(f"{path} does not name the service and the pipeline, each by its digest; push them first")
    (name, digest), (pipeline, pipeline_digest) = matches[0].groups(), matches[1].groups()
    service = {"service": f"{name}@{digest}", "service_name": name, "service_digest": digest}
    manifest = bundle / "manifest.json"
    if not manifest.is_file():
        raise GitHubError(f"{manifest} is not there, which says which bundle is in the images")
    return service | {"pipeline_name": pipeline, "pipeline_digest": pipeline_digest, "bundle": bundle_sha256(bundle)}


def files_in(folder: Path) -> list[Path]:
    """The files of a release, by their names; links and folders are none."""
    return sorted(path for path in folder.glob("*") if path.is_file() and not path.is_symlink())


def find_token() -> str | None:
    """The token for Git, if there is one in the environment."""
    return os.environ.get("GH_TOKEN") or os.environ.get("GITHUB_TOKEN")


def _write_and_print(values: dict[str, str]) -> None:
    print(write_outputs(values), end="")


def _candidate(options: argparse.Namespace) -> Candidate:
    if options.fetch:
        fetch_tags(Path(), options.main, find_token())
    return admit(Path(), options.tag, options.main)


def _check(options: argparse.Namespace) -> None:
    candidate = _candidate(options)
    owner = os.environ.get("GITHUB_REPOSITORY_OWNER") or "owner"
    _write_and_print(outputs(candidate, os.environ.get("IMAGE_REGISTRY", ""), owner))
    last = f"after {candidate.previous.version.tag}" if candidate.previous else "the first one"
    signed = f", signed by {candidate.signed_by}" if candidate.signed_by else ""
    print(f"{options.tag} may be released: {last}{signed}{', once more' if candidate.already_released else ''}")
    if candidate.version.pre:
        print("it is published as a pre-release, and not deployed: deploy.yml can do that by hand")


def _notes(options: argparse.Namespace) -> None:
    root, candidate = Path(), _candidate(options)
    verdict = read_verdict(options.verdict)
    text = release_notes(root, candidate, verdict, options.image, files_in(options.files))
    options.output.parent.mkdir(exist_ok=True)
    options.output.write_text(text, encoding="utf-8")
    print(f"wrote {options.output}")


def main(arguments: list[str] | None = None) -> None:
    """The verb `release`."""
    parser = argparse.ArgumentParser(
        prog="release", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = parser.add_subparsers(dest="part", required=True, metavar="check|images|notes")
    check_parser = parts.add_parser("check", help="check whether the tag may be released")
    images_parser = parts.add_parser("images", help="output the images that were pushed")
    images_parser.add_argument(
        "--files", type=Path, default=DIST, help=f"the folder with the files of the release ({DIST})"
    )
    notes_parser = parts.add_parser("notes", help="write the release notes")
    notes_parser.add_argument("--verdict", type=Path, default=VERDICT, help=f"what the gate wrote ({VERDICT})")
    notes_parser.add_argument("--image", default="", help="the image, by its digest")
    notes_parser.add_argument(
        "--files", type=Path, default=DIST, help=f"the folder with the files of the release ({DIST})"
    )
    notes_parser.add_argument(
        "--output", type=Path, default=Path("reports/notes.md"), help="where to (reports/notes.md)"
    )
    for one in (check_parser, notes_parser):
        one.add_argument("--fetch", action="store_true", help="fetch tags and main from origin first")
        one.add_argument("--tag", required=True, help="such as v1.2.0")
        one.add_argument("--main", default="main", help="the branch that releases are made from (main)")
    check_parser.set_defaults(act=_check)
    images_parser.set_defaults(act=lambda options: _write_and_print(images(options.files, BUNDLE)))
    notes_parser.set_defaults(act=_notes)
    options = parser.parse_args(arguments)
    options.act(options)
