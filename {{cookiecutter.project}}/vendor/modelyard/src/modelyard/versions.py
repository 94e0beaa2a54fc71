"""Versions such as `1.2.0` and the tags that release them, such as `v1.2.0`; ordered by semver.org, rule 11.

This module needs the standard library only.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from .errors import YardError

_PART = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
VERSION = re.compile(rf"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(?:-({_PART}(?:\.{_PART})*))?")
PACKAGED = re.compile(r"(?:alpha|beta|rc)\.?[0-9]+")
LONGEST = 100  # characters of a tag; the tag of an image has at most 128


class VersionError(YardError, ValueError):
    """A text is not a version, or not one that can be released."""


@functools.total_ordering
@dataclass(frozen=True)
class Version:
    """A version. pre: the parts after the hyphen of a pre-release, which comes before the version without them."""

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

    @property
    def can_be_packaged(self) -> bool:
        """Whether a Python package can have this version: a pre-release must be alpha, beta or rc with a number."""
        return not self.pre or bool(PACKAGED.fullmatch(".".join(self.pre)))

    def _order(self) -> tuple[object, ...]:
        parts = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in self.pre)
        return self.major, self.minor, self.patch, not self.pre, parts


def parse_version(text: str) -> Version | None:
    """Parse a text such as `1.2.0`; None if it is not a version."""
    match = VERSION.fullmatch(text) if len(text) < LONGEST else None
    if match is None:
        return None
    pre = tuple(match[4].split(".")) if match[4] else ()
    return Version(int(match[1]), int(match[2]), int(match[3]), pre)


def find_version(tag: str) -> Version | None:
    """The version that a tag such as `v1.2.0` names; None if it names none."""
    return parse_version(tag[1:]) if tag.startswith("v") else None


def read_version(tag: str) -> Version:
    """The version that a tag names. Raises VersionError with the reason if it names none."""
    version = find_version(tag)
    if version is not None:
        return version
    if "!" in tag:
        problem = "withdraws a version in the registry, it releases none"
    elif "+" in tag and find_version(tag.partition("+")[0]):
        problem = "carries build metadata, which the tag of an image cannot; leave out what comes after the +"
    elif parse_version(tag):
        problem = f"lacks the v; tag v{tag} instead"
    else:
        problem = "is no version; a tag such as v1.2.0 or v1.2.0-rc.1 releases one (semver.org)"
    raise VersionError(f"the tag {tag!r} {problem}")
