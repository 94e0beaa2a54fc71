"""The rules for a tag that releases a model; each refusal says what to do.

The rules are those of main's current commit, so that a tag on an older commit does not bring back older rules.
"""

from __future__ import annotations

import re
import tempfile
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...git import read_blob, try_git
from ...github.api import GitHubError
from ...versions import Version, read_version
from .integrity import is_on_main, release_policy, require_intact, trunk_of
from .policy import TABLE, ReleasePolicy
from .registry import Registered, Registry, read_registry
from .tags import PREFIX, Tag, read_tags

SIGNERS = "deploy/allowed_signers"
BUNDLE = re.compile(r"^\s*- path: bundle\n(?:\s+(?:hash|size|nfiles): .*\n)*?\s+md5: [0-9a-f]{32}\.dir$", re.MULTILINE)
SIGNED_BY = re.compile(r'Good "git" signature for (\S+) with')
# A registry and the path of our images in it, in lower case
REGISTRY = re.compile(r"[a-z0-9.-]+(?::[0-9]{1,5})?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*")


@dataclass(frozen=True)
class Candidate:
    """A tag that may be released.

    previous: the last release before it. already_released: this is a repetition. signed_by: None where no signature is
    required.
    """

    tag: Tag
    version: Version
    model: str
    previous: Registered | None
    already_released: bool
    signed_by: str | None


def admit(root: Path, name: str, main: str) -> Candidate:
    """The candidate that a tag of the repository at `root` makes.

    Raises GitHubError that says why the tag may not be released, VersionError where it names no version.
    """
    version = read_version(name)
    if not version.can_be_packaged:
        raise GitHubError(
            f"{name}: no Python package can have that version; a pre-release is alpha, beta or rc with a number, "
            "such as v1.2.0-rc.1"
        )
    tags = read_tags(root)
    if name not in tags:
        raise GitHubError(
            f"there is no tag {name} here; make it with `git tag -a {name}`, or get it with `git fetch --tags`"
        )
    tag, trunk = tags[name], trunk_of(root, main)
    model = project_metadata(root)["name"]
    registry = read_registry(tags, model)
    previous = _order(registry, version, tag)
    require_intact(root, registry, main)
    if not is_on_main(root, tag.commit, main):
        raise GitHubError(
            f"{name} is on {tag.commit[:7]}, which is not on {main}: only what was reviewed and proven there is "
            f"released. Merge it, then tag the commit that {main} has"
        )
    signed_by = _form(root, tag, release_policy(root, main), trunk)
    if not BUNDLE.search(_show(root, tag.commit, "dvc.lock") or ""):
        raise GitHubError(
            f"{name} is on {tag.commit[:7]}, which has no model: its dvc.lock lists no bundle. Run `make pipeline`, "
            f"commit dvc.lock on {main}, and tag that commit"
        )
    return Candidate(tag, version, model, previous, version in registry.versions, signed_by)


def project_metadata(root: Path) -> dict[str, Any]:
    """The table `project` of pyproject.toml. Raises GitHubError where it cannot be read."""
    path = root / "pyproject.toml"
    try:
        table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    except (OSError, ValueError, KeyError) as failure:
        raise GitHubError(f"{path} cannot be read: {failure!r}; run this in the project's root folder") from None
    return table


def image_of(registry: str, owner: str, model: str) -> tuple[str, str]:
    """The host of a registry and the image's name in it. registry: as `ghcr.io/owner`; empty for GitHub's own."""
    address = (registry or f"ghcr.io/{owner}").lower().strip().rstrip("/")
    host = address.partition("/")[0]
    if not REGISTRY.fullmatch(address) or not (set(host) & set(".:") or host == "localhost"):
        raise GitHubError(
            f"IMAGE_REGISTRY is {registry!r}: a host, and where in it, are needed, such as ghcr.io/owner or "
            "registry.example.com:5000/models"
        )
    return host, f"{address}/{model.lower()}"


def _order(registry: Registry, version: Version, tag: Tag) -> Registered | None:
    """The release before this one, which must be a lower version on another commit."""
    registered = registry.versions.get(version)
    if registered and (registered.tag.commit, registered.tag.one("Tag")) != (tag.commit, tag.object):
        raise GitHubError(
            f"{version.tag} was released already, from {registered.tag.commit[:7]}, and its tag was moved since. A "
            f"version stays what it was: put the tag back, and tag {tag.commit[:7]} with a new version"
        )
    others = [one for other, one in registry.versions.items() if other != version]
    last = max(others, key=lambda one: one.version, default=None)
    if not registered and last and last.version > version:
        raise GitHubError(
            f"{version.tag} goes back: {last.version.tag} is released, so the next one must be higher. To bring an "
            "older model back into production, roll back with deploy.yml instead"
        )
    if same := [one for one in others if one.tag.commit == tag.commit]:
        raise GitHubError(
            f"{tag.commit[:7]} is released as {same[0].version.tag} already, and a commit has one version. There is "
            "nothing new to release; tag a later commit"
        )
    return _below(others, version)


def _below(others: Iterable[Registered], version: Version) -> Registered | None:
    return max((one for one in others if one.version < version), key=lambda one: one.version, default=None)


def _form(root: Path, tag: Tag, policy: ReleasePolicy, trunk: str) -> str | None:
    """Who signed the tag, if the policy requires a signature. Raises GitHubError if the tag is not as required."""
    if tag.annotated and tag.says != tag.name:
        raise GitHubError(
            f"{tag.name} holds the object of the tag {tag.says}; make it anew with `git tag -a {tag.name}`"
        )
    if (policy.annotated_tags or policy.signed_tags) and not tag.annotated:
        how = "-s" if policy.signed_tags else "-a"
        key = "signed" if policy.signed_tags else "annotated"
        raise GitHubError(
            f"{tag.name} is a lightweight tag, and pyproject.toml requires {key} ones ({TABLE}.{key}_tags); no version "
            f"was released, so delete it and make it with `git tag {how} {tag.name} {tag.commit[:7]}`"
        )
    return _signer(root, tag, trunk) if policy.signed_tags else None


def _signer(root: Path, tag: Tag, trunk: str) -> str:
    """Who signed a tag, among the allowed signers on main."""
    signers = _show(root, trunk, SIGNERS)
    if not signers:
        raise GitHubError(
            f"pyproject.toml requires signed tags ({TABLE}.signed_tags), and {SIGNERS} on main lists nobody who may "
            'sign; add lines such as: me@example.org namespaces="git" ssh-ed25519 AAAA...'
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "signers"
        path.write_text(signers, encoding="utf-8")
        # only keys on the list count, so OpenPGP, which would use this machine's keys, is disabled
        config = ["-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={path}", "-c", "gpg.openpgp.program=false"]
        process = try_git(root, *config, "-c", "gpg.x509.program=false", "verify-tag", f"{PREFIX}{tag.name}")
    signature = SIGNED_BY.search(process.stdout + process.stderr)
    if process.returncode or not signature:
        reason = " ".join(f"{process.stdout} {process.stderr}".split())[-200:] or "it has none"
        raise GitHubError(
            f"{tag.name} has no signature by one of those in {SIGNERS} on main ({reason}), and pyproject.toml requires "
            f"one ({TABLE}.signed_tags); no version was released, so delete it and make it with `git tag -s {tag.name}`"
        )
    return signature[1]


def _show(root: Path, commit: str, path: str) -> str | None:
    """The text of a file of a commit; None where the commit has no such file."""
    content = read_blob(root, commit, path)
    return None if content is None else content.decode(errors="replace")
