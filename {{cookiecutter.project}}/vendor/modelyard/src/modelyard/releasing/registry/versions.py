"""Versions as tags name them: `v1.2.0`, ordered as semantic versioning says (semver.org, rule 11)."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from ...github.api import GitHubError

_PART = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
VERSION = re.compile(rf"v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(?:-({_PART}(?:\.{_PART})*))?")
LONGEST = 100  # characters; the tag of an image has at most 128


@functools.total_ordering
@dataclass(frozen=True)
class Version:
    """A version; pre: what comes after the hyphen, in its parts, of a version that comes before the one without."""

    major: int
    minor: int
    patch: int
    pre: tuple[str, ...] = ()

    def __str__(self) -> str:
        pre = f"-{'.'.join(self.pre)}" if self.pre else ""
        return f"{self.major}.{self.minor}.{self.patch}{pre}"

    def __lt__(self, other: Version) -> bool:
        return self._order() < other._order()

    @property
    def tag(self) -> str:
        """The tag that releases it."""
        return f"v{self}"

    def _order(self) -> tuple[object, ...]:
        parts = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in self.pre)
        return self.major, self.minor, self.patch, not self.pre, parts


def find_version(tag: str) -> Version | None:
    """The version that a tag names, None where it names none."""
    found = VERSION.fullmatch(tag) if len(tag) <= LONGEST else None
    if found is None:
        return None
    return Version(int(found[1]), int(found[2]), int(found[3]), tuple(found[4].split(".")) if found[4] else ())


def read_version(tag: str) -> Version:
    """The version that a tag names. Raises GitHubError that says what is wrong with a tag that names none."""
    version = find_version(tag)
    if version is not None:
        return version
    if "!" in tag:
        what = "withdraws a version in the registry, it releases none"
    elif "+" in tag and find_version(tag.partition("+")[0]):
        what = "carries build metadata, which the tag of an image cannot; leave out what comes after the +"
    elif find_version(f"v{tag}"):
        what = f"lacks the v; tag v{tag} instead"
    else:
        what = "is no version; a tag such as v1.2.0 or v1.2.0-rc.1 releases one (semver.org)"
    raise GitHubError(f"the tag {tag!r} {what}")
