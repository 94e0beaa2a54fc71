"""A tag that is to release a model: what it must be, each refusal with what to do.

The rules are those of main as it is now, so that a tag on an older commit does not bring older rules along.
"""

from __future__ import annotations

import re
import tempfile
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...github.api import GitHubError
from ...git import git, try_git
from .policy import ReleasePolicy, read_release_policy
from .registry import Registered, Registry, read_registry
from .tags import PREFIX, Tag, read_tags
from .versions import Version, read_version

SIGNERS = "deploy/allowed_signers"
BUNDLE = re.compile(r"^\s*- path: bundle\n(?:\s+(?:hash|size|nfiles): .*\n)*?\s+md5: [0-9a-f]{32}\.dir$", re.MULTILINE)
PRE = re.compile(r"(alpha|beta|rc)\.?[0-9]+")
SIGNED_BY = re.compile(r'Good "git" signature for (\S+) with')
# A registry, and where it keeps our images; it is lower case all over
REGISTRY = re.compile(r"[a-z0-9.-]+(?::[0-9]{1,5})?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*")


@dataclass(frozen=True)
class Candidate:
    """A tag that may be released. before: the last release; again: this one is released already; by: who signed."""

    tag: Tag
    version: Version
    model: str
    before: Registered | None
    again: bool
    by: str | None


def admit(root: Path, name: str, main: str) -> Candidate:
    """The candidate that a tag of the repository at `root` makes. Raises GitHubError that says what is wrong with "
    "it."""
    version = read_version(name)
    if version.pre and not PRE.fullmatch(".".join(version.pre)):
        raise GitHubError(
            f"{name}: no package of Python can be of that version; what comes before a release is alpha, beta or rc, "
            "such as v1.2.0-rc.1"
        )
    tags = read_tags(root)
    if name not in tags:
        raise GitHubError(
            f"there is no tag {name} here; make it with `git tag -a {name}`, or get it with `git fetch --tags`"
        )
    tag, trunk = tags[name], f"refs/remotes/origin/{main}"
    if try_git(root, "rev-parse", "--verify", "--quiet", f"{trunk}^{{commit}}").returncode:
        raise GitHubError(f"origin/{main} is not known here; get it with `git fetch origin {main}`")
    model = project(root)["name"]
    registry = read_registry(tags, model)
    before = _order(registry, version, tag)
    if try_git(root, "merge-base", "--is-ancestor", tag.commit, trunk).returncode:
        raise GitHubError(
            f"{name} is on {tag.commit[:7]}, which is not on {main}: only what was reviewed and proven there is "
            "released. "
            f"Merge it, then tag the commit that {main} has"
        )
    policy = read_release_policy(_show(root, trunk, "policy.yaml") or "", f"policy.yaml of {main}")
    by = _form(root, tag, policy, trunk)
    if not BUNDLE.search(_show(root, tag.commit, "dvc.lock") or ""):
        raise GitHubError(
            f"{name} is on {tag.commit[:7]}, which has no model: its dvc.lock lists no bundle. Run `make pipeline`, "
            "commit "
            f"dvc.lock on {main}, and tag that commit"
        )
    return Candidate(tag, version, model, before, version in registry.versions, by)


def project(root: Path) -> dict[str, Any]:
    """`project` of pyproject.toml. Raises GitHubError where it cannot be read."""
    path = root / "pyproject.toml"
    try:
        found: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    except (OSError, ValueError, KeyError) as failure:
        raise GitHubError(f"{path} cannot be read: {failure!r}; run this in the project's root folder") from None
    return found


def image_of(registry: str, owner: str, model: str) -> tuple[str, str]:
    """The host of a registry and the image's name in it. registry: as `ghcr.io/owner`; empty for GitHub's own."""
    wanted = (registry or f"ghcr.io/{owner}").lower().strip().rstrip("/")
    host = wanted.partition("/")[0]
    if not REGISTRY.fullmatch(wanted) or not (set(host) & set(".:") or host == "localhost"):
        raise GitHubError(
            f"IMAGE_REGISTRY is {registry!r}: a host, and where in it, are needed, such as ghcr.io/owner or "
            "registry.example.com:5000/models"
        )
    return host, f"{wanted}/{model.lower()}"


def _order(registry: Registry, version: Version, tag: Tag) -> Registered | None:
    """The release before this one, which must be a lower version on another commit."""
    again = registry.versions.get(version)
    if again and (again.tag.commit, again.tag.one("Tag")) != (tag.commit, tag.object):
        raise GitHubError(
            f"{version.tag} was released already, from {again.tag.commit[:7]}, and its tag was moved since. A version "
            "stays "
            f"what it was: put the tag back, and tag {tag.commit[:7]} with a new version"
        )
    others = [one for known, one in registry.versions.items() if known != version]
    last = max(others, key=lambda one: one.version, default=None)
    if not again and last and last.version > version:
        raise GitHubError(
            f"{version.tag} goes back: {last.version.tag} is released, so the next one must be higher. To bring an "
            "older "
            "model back into production, roll back with deploy.yml instead"
        )
    if same := [one for one in others if one.tag.commit == tag.commit]:
        raise GitHubError(
            f"{tag.commit[:7]} is released as {same[0].version.tag} already, and a commit has one version. There is "
            "nothing "
            "new to release; tag a later commit"
        )
    return _below(others, version)


def _below(others: Iterable[Registered], version: Version) -> Registered | None:
    return max((one for one in others if one.version < version), key=lambda one: one.version, default=None)


def _form(root: Path, tag: Tag, policy: ReleasePolicy, trunk: str) -> str | None:
    """Who signed the tag, where the policy asks for that; refused where the tag is not what it asks for."""
    if tag.annotated and tag.says != tag.name:
        raise GitHubError(
            f"{tag.name} holds the object of the tag {tag.says}; make it anew with `git tag -a {tag.name}`"
        )
    if (policy.annotated_tags or policy.signed_tags) and not tag.annotated:
        how = "-s" if policy.signed_tags else "-a"
        key = "signed" if policy.signed_tags else "annotated"
        raise GitHubError(
            f"{tag.name} is a lightweight tag, and policy.yaml asks for {key} ones (release.{key}_tags); no version "
            "was "
            f"released, so delete it and make it with `git tag {how} {tag.name} {tag.commit[:7]}`"
        )
    return _signer(root, tag, trunk) if policy.signed_tags else None


def _signer(root: Path, tag: Tag, trunk: str) -> str:
    """Who signed a tag, of those whom main's list allows to."""
    signers = _show(root, trunk, SIGNERS)
    if not signers:
        raise GitHubError(
            f"policy.yaml asks for signed tags (release.signed_tags), and {SIGNERS} on main lists nobody who may "
            "sign; add "
            'lines such as: me@example.org namespaces="git" ssh-ed25519 AAAA...'
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "signers"
        path.write_text(signers, encoding="utf-8")
        # no key but those of the list counts, so a signature by OpenPGP, which would ask this machine's keys, is none
        only = ["-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={path}", "-c", "gpg.openpgp.program=false"]
        done = try_git(root, *only, "-c", "gpg.x509.program=false", "verify-tag", f"{PREFIX}{tag.name}")
    found = SIGNED_BY.search(done.stdout + done.stderr)
    if done.returncode or not found:
        said = " ".join(f"{done.stdout} {done.stderr}".split())[-200:]
        raise GitHubError(
            f"{tag.name} has no signature by one of those in {SIGNERS} on main ({said or 'it has none'}), and "
            "policy.yaml asks "
            "for one (release.signed_tags); no version was released, so delete it and make it with `git tag -s "
            f"{tag.name}`"
        )
    return found[1]


def _show(root: Path, commit: str, path: str) -> str | None:
    """A file's text at a commit, None where it has none."""
    if not git(root, "ls-tree", "--name-only", commit, path).strip():
        return None
    return git(root, "show", f"{commit}:{path}")
