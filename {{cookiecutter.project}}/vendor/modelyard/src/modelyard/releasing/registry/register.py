"""Register a released version, or assign one to a stage: an annotated tag in GTO's format, pushed to origin.

    register version --tag v1.2.0 --image ghcr.io/owner/model@sha256:...
    register stage production --version v1.2.0 --verdict "promoted after 500 requests"
    register stage production --back --verdict "the rollback of ..."

A repeated call changes nothing. Origin's registry is authoritative: tags are fetched first, and a new tag is kept here
only after origin has accepted it. Actor and run are taken from GitHub's environment, else from Git's settings.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ...git import try_git
from ...github.api import GitHubError
from ...github.patch import BOT, EMAIL
from ...github.this_run import BY_HAND, this_run
from ...versions import Version, read_version
from .candidate import admit, project_metadata
from .integrity import is_on_main, require_intact
from .registry import STAGES, Assignment, Registry, read_registry
from .release import IMAGE, VERDICT, find_token, read_verdict
from .tags import Tag, fetch_tags, make_tag, message_of, push_tag, read_tags

IMAGES = Path("dist/image.txt")
PROOF = Path("reports/prove.json")
ATTEMPTS = 5  # others may register at the same time


@dataclass(frozen=True)
class New:
    """A tag that is to be made."""

    name: str
    commit: str
    title: str
    trailers: dict[str, str | list[str]]


def register(root: Path, main: str, token: str | None, wanted: Callable[[Registry], New | str]) -> str:
    """Make a tag on top of origin's registry, and push it. Returns one line on what was done.

    wanted: returns the tag, or why none is needed. Raises GitHubError if the registry has faults, if the tag's commit
    is not on main, or if origin refuses it.
    """
    model = project_metadata(root)["name"]
    for _ in range(ATTEMPTS):
        fetch_tags(root, main, token)
        registry = read_registry(read_tags(root), model)
        require_intact(root, registry, main)
        new = wanted(registry)
        if isinstance(new, str):
            return new
        if not is_on_main(root, new.commit, main):
            raise GitHubError(f"{new.name} would name {new.commit[:7]}, which is not on {main}; nothing is registered")
        heads = registry.heads
        # a slow clock must not reverse the order of the tags
        moment = max([_now(), *(tag.time for tag in heads)])
        trailers = {
            **new.trailers,
            "Commit": new.commit,
            **_actor_and_run(root),
            "Previous": [tag.object for tag in heads],
        }
        tag_object = make_tag(root, new.name, new.commit, message_of(new.title, trailers), moment, _tagger(root))
        if push_tag(root, new.name, tag_object, token):
            return f"{new.title}: {new.name}"
    raise GitHubError(f"others registered at the same time, {ATTEMPTS} times in a row; run this again")


def version_tag(
    registry: Registry, tag: Tag, bundle: str, image: str, pipeline: str, verdict: str, proof: str = ""
) -> New | str:
    """The registration of a release. bundle: its SHA-256. image, pipeline: by their digests. Each may be empty.

    verdict: the gate's, with its reason. proof: that of `prove`, empty if none of this commit is here.
    """
    version = read_version(tag.name)
    name = f"{registry.model}@{version.tag}"
    registered = registry.versions.get(version)
    identity: dict[str, str | list[str]] = {"Tag": tag.object, "Bundle": bundle, "Image": image, "Pipeline": pipeline}
    if registered is None:
        title = f"Register {registry.model} {version.tag}"
        # the run's actor is the workflow that a tag started
        made = {"Tagger": tag.tagger, "Verdict": verdict, "Proof": proof}
        return New(name, tag.commit, title, {"Version": version.tag, **identity, **made})
    for key, value in {"Commit": tag.commit, **identity}.items():
        was_known = key != "Pipeline" or registered.tag.one(key)  # earlier versions of the library named no pipeline
        if value and was_known and registered.tag.one(key) != value:
            raise GitHubError(
                f"{name} is registered with {key} {registered.tag.one(key) or 'none'}, and this is {value}: a version "
                "stays what it was; release a new one"
            )
    return f"{name} is registered already"


def stage_tag(registry: Registry, stage: str, version: Version | None, verdict: str) -> New | str:
    """The assignment of a version to a stage. version: None for the one that was live there before."""
    live = registry.live(stage)
    wanted = _previous_version(registry, stage, live) if version is None else version
    if wanted not in registry.versions:
        versions = ", ".join(one.tag for one in sorted(registry.versions)) or "none"
        raise GitHubError(f"{wanted.tag} is not registered, so it cannot be put into {stage}; there are: {versions}")
    if live and live.version == wanted:
        return f"{wanted.tag} is in {stage} already: {live.tag.name}"
    base = registry.versions[wanted].tag
    number = 1 + max((one.number for one in registry.assignments), default=0)
    trailers = {"Version": wanted.tag, "Stage": stage, "Bundle": base.one("Bundle"), "Image": base.one("Image")}
    title = f"Assign {registry.model} {wanted.tag} to {stage}"
    return New(f"{registry.model}#{stage}#{number}", base.commit, title, {**trailers, "Verdict": verdict})


def proof_of(path: Path, commit: str) -> str:
    """The verdict of `prove` on a commit, with its reason; empty if the file has none. Raises GitHubError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        if content.get("commit") != commit:
            return ""
        return f"{content['verdict']}: {content['reason'].partition(chr(10))[0]}"
    except (OSError, ValueError, KeyError, AttributeError) as failure:
        raise GitHubError(f"{path} is not what `prove` writes ({failure!r}); run `make prove` again") from None


def pipeline_beside(path: Path, image: str, version: Version) -> str:
    """The pipeline's image, by its digest, in the file of a release that names both; empty if there is no such file.

    Raises GitHubError if the file names another image of the service, or anything else.
    """
    if not image or not path.is_file():
        return ""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    plain = [line.replace(f":{version}@", "@", 1) for line in lines]
    if len(plain) != 2 or plain[0] != image or not IMAGE.fullmatch(plain[1]):
        raise GitHubError(
            f"{path} does not name {image} and its pipeline's image: it is of another release, so nothing is registered"
        )
    return plain[1]


def _previous_version(registry: Registry, stage: str, live: Assignment | None) -> Version:
    """The last version in a stage before the live one that differs from it."""
    for one in reversed(registry.of(stage)):
        if live and one.version and one.version != live.version:
            return one.version
    raise GitHubError(
        f"{stage} had no other version before {live.tag.name if live else 'now'}; there is nothing to go back to"
    )


def _now() -> int:
    """Seconds since 1970; GIT_COMMITTER_DATE takes precedence, so that a history can be reproduced."""
    seconds = os.environ.get("GIT_COMMITTER_DATE", "").removeprefix("@").partition(" ")[0]
    return int(seconds) if seconds.isdigit() else int(time.time())


def _actor_and_run(root: Path) -> dict[str, str]:
    """Who acts, and in which run."""
    run = this_run()
    actor = os.environ.get("GITHUB_TRIGGERING_ACTOR") or os.environ.get("GITHUB_ACTOR") or ""
    return {"Actor": _tagger(root)[0] if run == BY_HAND else actor, "Run": run}


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
    version = parts.add_parser("version", help="register the version of a release")
    version.add_argument("--tag", required=True, help="such as v1.2.0")
    version.add_argument("--image", default="", help="its image, by its digest")
    version.add_argument("--images", type=Path, default=IMAGES, help=f"both images, as `package` names them ({IMAGES})")
    version.add_argument("--verdict", type=Path, default=VERDICT, help=f"what the gate wrote ({VERDICT})")
    version.add_argument("--proof", type=Path, default=PROOF, help=f"what `prove` wrote, if it did ({PROOF})")
    stage = parts.add_parser("stage", help="assign a registered version to a stage")
    stage.add_argument("stage", choices=STAGES)
    choice = stage.add_mutually_exclusive_group(required=True)
    choice.add_argument("--version", help="such as v1.2.0")
    choice.add_argument("--back", action="store_true", help="the version that was live there before")
    stage.add_argument("--verdict", required=True, help="why, in a sentence")
    for part in (version, stage):
        part.add_argument("--main", default="main", help="the branch that releases are made from (main)")
    options = parser.parse_args(arguments)
    root, token = Path(), find_token()
    if options.part == "stage":
        wanted = None if options.back else read_version(f"v{options.version.removeprefix('v')}")
        message = register(
            root, options.main, token, lambda registry: stage_tag(registry, options.stage, wanted, options.verdict)
        )
    else:
        if options.image and not IMAGE.fullmatch(options.image):
            raise GitHubError(f"--image is {options.image!r}: an image by its digest is needed, name@sha256:...")
        verdict = read_verdict(options.verdict)
        bundle = str((verdict.get("challenger") or {}).get("bundle", ""))
        why = f"{verdict['verdict']}: {verdict['reason']}"
        fetch_tags(root, options.main, token)
        tag = admit(root, options.tag, options.main).tag
        image, pipeline = options.image, pipeline_beside(options.images, options.image, read_version(options.tag))
        proof = proof_of(options.proof, tag.commit)
        message = register(
            root, options.main, token, lambda registry: version_tag(registry, tag, bundle, image, pipeline, why, proof)
        )
    print(message)
