"""Register a released version, or assign one to a stage: an annotated tag in GTO's format, pushed to origin.

    register version --tag v1.2.0 --image ghcr.io/owner/model@sha256:...
    register stage production --version v1.2.0 --verdict "promoted after 500 requests"
    register stage production --back --verdict "the rollback of ..."

Once more with the same is no change. The registry of origin counts, so tags are fetched first and a tag is kept here
only when origin has taken it. Who did it and in which run is known from GitHub's environment, else from Git's settings.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...github.api import GitHubError
from .candidate import admit, project
from ...git import try_git
from .registry import STAGES, Assignment, Registry, read_registry
from .release import IMAGE, VERDICT, find_token, read_verdict
from ...github.relock import BOT, EMAIL
from .tags import Tag, fetch_tags, make_tag, message_of, push_tag, read_tags
from .versions import Version, read_version

ATTEMPTS = 5  # others may register at the same time


@dataclass(frozen=True)
class New:
    """A tag that is to be made."""

    name: str
    commit: str
    title: str
    trailers: dict[str, str | list[str]]


def register(root: Path, main: str, token: str | None, wanted: Callable[[Registry], New | str]) -> str:
    """Make the tag that is wanted on top of origin's registry, and push it; what was done, in one line.

    wanted: the tag, or in words why there is nothing to do. Raises GitHubError where origin refuses.
    """
    model = project(root)["name"]
    for _ in range(ATTEMPTS):
        fetch_tags(root, main, token)
        registry = read_registry(read_tags(root), model)
        new = wanted(registry)
        if isinstance(new, str):
            return new
        heads = registry.heads
        # a clock that is behind that of the last one must not turn the order round
        moment = max([_now(), *(tag.time for tag in heads)])
        trailers = {**new.trailers, "Commit": new.commit, **_who(root), "Previous": [tag.object for tag in heads]}
        made = make_tag(root, new.name, new.commit, message_of(new.title, trailers), moment, _tagger(root))
        if push_tag(root, new.name, made, token):
            return f"{new.title}: {new.name}"
    raise GitHubError(f"others registered at the same time, {ATTEMPTS} times in a row; run this again")


def version_tag(registry: Registry, tag: Tag, bundle: str, image: str, verdict: str) -> New | str:
    """The registration of a release. bundle: its SHA-256; image: by its digest; either may be empty."""
    version = read_version(tag.name)
    name = f"{registry.model}@{version.tag}"
    there = registry.versions.get(version)
    known: dict[str, str | list[str]] = {"Tag": tag.object, "Bundle": bundle, "Image": image}
    if there is None:
        title = f"Register {registry.model} {version.tag}"
        return New(name, tag.commit, title, {"Version": version.tag, **known, "Verdict": verdict})
    for key, value in {"Commit": tag.commit, **known}.items():
        if value and there.tag.one(key) != value:
            raise GitHubError(
                f"{name} is registered with {key} {there.tag.one(key) or 'none'}, and this is {value}: a version stays "
                "what it was; release a new one"
            )
    return f"{name} is registered already"


def stage_tag(registry: Registry, stage: str, version: Version | None, verdict: str) -> New | str:
    """The assignment of a version to a stage; of the one that was live there before, where version is None."""
    live = registry.live(stage)
    wanted = _before(registry, stage, live) if version is None else version
    if wanted not in registry.versions:
        there = ", ".join(one.tag for one in sorted(registry.versions)) or "none"
        raise GitHubError(f"{wanted.tag} is not registered, so it cannot be put into {stage}; there are: {there}")
    if live and live.version == wanted:
        return f"{wanted.tag} is in {stage} already: {live.tag.name}"
    base = registry.versions[wanted].tag
    number = 1 + max((one.number for one in registry.assignments), default=0)
    what = {"Version": wanted.tag, "Stage": stage, "Bundle": base.one("Bundle"), "Image": base.one("Image")}
    title = f"Assign {registry.model} {wanted.tag} to {stage}"
    return New(f"{registry.model}#{stage}#{number}", base.commit, title, {**what, "Verdict": verdict})


def _before(registry: Registry, stage: str, live: Assignment | None) -> Version:
    """What was in a stage before what is there now, and is another version."""
    for one in reversed(registry.of(stage)):
        if live and one.version and one.version != live.version:
            return one.version
    raise GitHubError(
        f"{stage} had no other version before {live.tag.name if live else 'now'}; there is nothing to go back to"
    )


def _now() -> int:
    """Seconds since 1970; Git's own variable comes first, with which a history can be made again."""
    given = os.environ.get("GIT_COMMITTER_DATE", "").removeprefix("@").partition(" ")[0]
    return int(given) if given.isdigit() else int(time.time())


def _who(root: Path) -> dict[str, str]:
    """Who acts, and in which run."""
    server, run = os.environ.get("GITHUB_SERVER_URL"), os.environ.get("GITHUB_RUN_ID")
    if not run:
        return {"Actor": _tagger(root)[0], "Run": "by hand"}
    actor = os.environ.get("GITHUB_TRIGGERING_ACTOR") or os.environ.get("GITHUB_ACTOR") or ""
    attempt = os.environ.get("GITHUB_RUN_ATTEMPT") or "1"
    more = f"/attempts/{attempt}" if attempt != "1" else ""
    return {"Actor": actor, "Run": f"{server}/{os.environ.get('GITHUB_REPOSITORY')}/actions/runs/{run}{more}"}


def _tagger(root: Path) -> tuple[str, str]:
    if os.environ.get("GITHUB_ACTIONS"):
        return BOT, EMAIL
    name, email = (try_git(root, "config", key).stdout.strip() for key in ("user.name", "user.email"))
    if not name or not email:
        raise GitHubError(
            "git does not know who you are; run `git config user.name ...` and `git config user.email ...`"
        )
    return name, email


def main(arguments: list[str] | None = None) -> None:
    """The verb `register`."""
    parser = argparse.ArgumentParser(
        prog="register", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = parser.add_subparsers(dest="part", required=True, metavar="version|stage")
    one = parts.add_parser("version", help="register the version of a release")
    one.add_argument("--tag", required=True, help="such as v1.2.0")
    one.add_argument("--image", default="", help="its image, by its digest")
    one.add_argument("--verdict", type=Path, default=VERDICT, help=f"what the gate wrote ({VERDICT})")
    two = parts.add_parser("stage", help="assign a registered version to a stage")
    two.add_argument("stage", choices=STAGES)
    which = two.add_mutually_exclusive_group(required=True)
    which.add_argument("--version", help="such as v1.2.0")
    which.add_argument("--back", action="store_true", help="the version that was live there before")
    two.add_argument("--verdict", required=True, help="why, in a sentence")
    for part in (one, two):
        part.add_argument("--main", default="main", help="the branch that releases are made from (main)")
    given = parser.parse_args(arguments)
    root, token = Path(), find_token()
    if given.part == "stage":
        wanted = None if given.back else read_version(f"v{given.version.removeprefix('v')}")
        said = register(root, given.main, token, lambda there: stage_tag(there, given.stage, wanted, given.verdict))
    else:
        if given.image and not IMAGE.fullmatch(given.image):
            raise GitHubError(f"--image is {given.image!r}: an image by its digest is needed, name@sha256:...")
        found = read_verdict(given.verdict)
        bundle, why = str((found.get("challenger") or {}).get("bundle", "")), f"{found['verdict']}: {found['reason']}"
        fetch_tags(root, given.main, token)
        tag = admit(root, given.tag, given.main).tag
        said = register(root, given.main, token, lambda there: version_tag(there, tag, bundle, given.image, why))
    print(said)
