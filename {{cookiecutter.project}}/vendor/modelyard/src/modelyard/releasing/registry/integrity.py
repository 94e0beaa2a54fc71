"""What must hold before a tag of the registry is followed: whoever may push can make such a tag by hand.

So nothing is released, deployed or promoted while the registry has faults, from a commit that is not on main, or with
an image that is not the project's.
"""

from __future__ import annotations

from pathlib import Path

from ...errors import counted
from ...git import find_commit, read_blob, try_git
from ...github.api import GitHubError
from .policy import ReleasePolicy, read_release_policy
from .registry import Registry, faults
from .tags import Tag


def trunk_of(root: Path, main: str) -> str:
    """The ref of origin's main branch in this clone. Raises GitHubError if it is not known here."""
    trunk = f"refs/remotes/origin/{main}"
    if find_commit(root, trunk) is None:
        raise GitHubError(f"origin/{main} is not known here; get it with `git fetch origin {main}`")
    return trunk


def is_on_main(root: Path, commit: str, main: str) -> bool:
    """Whether a commit is an ancestor of origin's main branch, or its head."""
    return try_git(root, "merge-base", "--is-ancestor", commit, trunk_of(root, main)).returncode == 0


def is_own_image(image: str, own: str) -> bool:
    """Whether an image by its digest is in a repository of images, such as ghcr.io/owner/model."""
    return image.partition("@")[0] == own


def release_policy(root: Path, main: str) -> ReleasePolicy:
    """The release policy of main's current commit, so that no older commit brings back older rules."""
    text = read_blob(root, trunk_of(root, main), "pyproject.toml") or b""
    return read_release_policy(text.decode(errors="replace"), f"pyproject.toml of {main}")


def require_intact(root: Path, registry: Registry, main: str) -> None:
    """Raise GitHubError that lists the faults of the registry, if it has any that main does not accept."""
    found = faults(registry)
    accepted = release_policy(root, main).accepted_faults if found else ()
    if found := [one for one in found if one not in accepted]:
        raise GitHubError(
            f"the tags of the registry have {counted(len(found), 'fault')}, so nothing is released, registered or "
            f"deployed on their word:\n{''.join(f'  {one}{chr(10)}' for one in found)}"
            "Put back a tag that was moved or deleted, with `git push origin OBJECT:refs/tags/NAME`; delete one that "
            "`register` did not make, with `git push origin :refs/tags/NAME`, for which an administrator disables the "
            "ruleset `tags`. If a tag object is lost, name its line in accepted_faults of [tool.modelyard.release] in "
            f"pyproject.toml on {main}. Until then what serves stays, and a rollback works"
        )


def require_on_main(root: Path, tag: Tag, main: str) -> None:
    """Raise GitHubError if a tag of the registry names a commit that is not on main."""
    if not is_on_main(root, tag.commit, main):
        raise GitHubError(
            f"{tag.name} names {tag.commit[:7]}, which is not on {main}: only what was reviewed and proven there is "
            "deployed. Nobody's release made this tag; find out who did, and delete it"
        )


def require_own_image(tag: Tag, key: str, own: str) -> None:
    """Raise GitHubError if a tag registers an image that is not in the project's repository of images.

    key: the line of the tag that names it. own: that repository, such as ghcr.io/owner/model.
    """
    image = tag.one(key)
    if not is_own_image(image, own):
        raise GitHubError(
            f"{tag.name} registers the image {image or 'none'}, and the images of this project are in {own}: it is not "
            "deployed. If the variable IMAGE_REGISTRY was changed since, release a new version; otherwise find out "
            "who made this tag"
        )
