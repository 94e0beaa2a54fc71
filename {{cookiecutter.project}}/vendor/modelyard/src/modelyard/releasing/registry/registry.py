"""The registry of models: which versions there are, and which one was live in which stage when, from tags alone.

The tags are named as GTO names them, so its commands read them too: `flight-delays@v1.2.0` registers a version, and
`flight-delays#production#3` assigns it to a stage, numbered over all stages. Each tag names the objects of those that
were the last ones when it was made (`Previous`), as a commit names its parents. So the next tag reveals that one was
moved, replaced or deleted; only a change of the very last tag cannot be detected from the tags themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ...versions import Version, find_version
from .tags import Tag

STAGES = ("staging", "production")
NUMBERED = re.compile(r"([a-zA-Z0-9-]+)#([1-9][0-9]{0,8})")


@dataclass(frozen=True)
class Registered:
    """A version and the tag that registers it."""

    version: Version
    tag: Tag


@dataclass(frozen=True)
class Assignment:
    """A version that was put into a stage; number: of all assignments of the model, from 1 on."""

    stage: str
    number: int
    tag: Tag

    @property
    def version(self) -> Version | None:
        """The version that its message names."""
        return find_version(self.tag.one("Version"))


@dataclass(frozen=True)
class Registry:
    """What the tags say of one model. strange: other tags under its name. tags: all tags of the repository."""

    model: str
    versions: Mapping[Version, Registered]
    assignments: tuple[Assignment, ...]
    strange: tuple[Tag, ...]
    tags: Mapping[str, Tag]

    @property
    def last(self) -> Registered | None:
        """The highest version that was released."""
        return self.versions[max(self.versions)] if self.versions else None

    @property
    def all_tags(self) -> list[Tag]:
        """All tags of the registry."""
        return [*(one.tag for one in self.versions.values()), *(one.tag for one in self.assignments), *self.strange]

    @property
    def heads(self) -> list[Tag]:
        """The tags that no other tag names; the next tag names them."""
        named = {name for tag in self.all_tags for name in tag.trailers.get("Previous", ())}
        return sorted((tag for tag in self.all_tags if tag.object not in named), key=lambda tag: tag.name)

    def of(self, stage: str, at: int | None = None) -> list[Assignment]:
        """The assignments to a stage up to a time, in their order."""
        return [one for one in self.assignments if one.stage == stage and (at is None or one.tag.time <= at)]

    def live(self, stage: str, at: int | None = None) -> Assignment | None:
        """What was live in a stage at a time, in seconds since 1970; now, where that is None."""
        return next(reversed(self.of(stage, at)), None)


def read_registry(tags: Mapping[str, Tag], model: str) -> Registry:
    """The registry of a model among all tags of a repository."""
    versions, assignments, strange = {}, [], []
    for name, tag in tags.items():
        if name.startswith(f"{model}@"):
            version = find_version(name.removeprefix(f"{model}@"))
            if version:
                versions[version] = Registered(version, tag)
            else:
                strange.append(tag)
        elif name.startswith(f"{model}#"):
            match = NUMBERED.fullmatch(name.removeprefix(f"{model}#"))
            if match:
                assignments.append(Assignment(match[1], int(match[2]), tag))
            else:
                strange.append(tag)
    ordered = sorted(assignments, key=lambda one: (one.number, one.tag.time, one.stage))
    return Registry(model, versions, tuple(ordered), tuple(strange), tags)


def faults(registry: Registry) -> list[str]:
    """What is wrong with the tags, a sentence each; empty if the history is intact."""
    messages = [f"{tag.name} is no tag that `register` makes; who made it?" for tag in registry.strange]
    messages += [fault for one in registry.versions.values() for fault in _version(registry, one)]
    numbers = {one.number for one in registry.assignments}
    messages += [
        f"the assignment number {number} of {registry.model} is missing: its tag was deleted"
        for number in range(1, max(numbers, default=0) + 1)
        if number not in numbers
    ]
    messages += [fault for one in registry.assignments for fault in _assignment(registry, one)]
    return [*messages, *_chain(registry)]


def unreleased(registry: Registry) -> list[str]:
    """The tags of versions that no release went through for, which is no fault: a release may have stopped."""
    names = {find_version(name): name for name in registry.tags}
    return [name for version, name in sorted((one for one in names.items() if one[0]), key=lambda one: one[1])
            if version not in registry.versions]  # fmt: skip


def _version(registry: Registry, one: Registered) -> Iterator[str]:
    tag, release = one.tag, one.version.tag
    if not tag.annotated:
        yield f"{tag.name} is a lightweight tag, so nobody can tell who made it and on which verdict"
        return
    yield from _itself(tag)
    if tag.one("Version") != release:
        yield f"{tag.name} registers {tag.one('Version') or 'no version'} by its message"
    current = registry.tags.get(release)
    if current is None:
        yield f"{release} was released, and its tag was deleted since"
    elif current.object != tag.one("Tag"):
        yield f"{release} was moved: it is {current.object[:12]}, and {tag.one('Tag')[:12] or 'nothing'} was released"
    elif current.commit != tag.commit:
        yield f"{tag.name} points to {tag.commit[:12]}, and {release} to {current.commit[:12]}"


def _assignment(registry: Registry, one: Assignment) -> Iterator[str]:
    tag = one.tag
    if not tag.annotated:
        yield f"{tag.name} is a lightweight tag, so nobody can tell who made it and on which verdict"
        return
    yield from _itself(tag)
    if tag.one("Stage") != one.stage:
        yield f"{tag.name} assigns to {tag.one('Stage') or 'no stage'} by its message"
    version = one.version
    if version is None:
        yield f"{tag.name} names no version in its message"
    elif version not in registry.versions:
        yield (
            f"{tag.name} assigns {version.tag}, which was never registered, or whose {registry.model}@{version.tag} "
            "was deleted"
        )
    else:
        base = registry.versions[version].tag
        if base.commit != tag.commit:
            yield f"{tag.name} points to {tag.commit[:12]}, and {version.tag} is registered at {base.commit[:12]}"
        for key in ("Bundle", "Image"):
            if base.annotated and base.one(key) != tag.one(key):
                yield f"{tag.name} says that the {key.lower()} of {version.tag} is another than {base.name} does"


def _itself(tag: Tag) -> Iterator[str]:
    """The differences between a tag's object and the ref that names it."""
    if tag.says != tag.name:
        yield f"{tag.name} holds the object of the tag {tag.says}"
    if tag.one("Commit") != tag.commit:
        yield f"{tag.name} points to {tag.commit[:12]}, and its message says {tag.one('Commit')[:12] or 'nothing'}"


def _chain(registry: Registry) -> Iterator[str]:
    """Tags that a later tag names as previous, and that are missing or out of order."""
    objects = {tag.object: tag for tag in registry.all_tags}
    annotated = [tag for tag in registry.all_tags if tag.annotated and tag not in registry.strange]
    missed: dict[str, str] = {}
    for tag in annotated:
        previous = tag.trailers.get("Previous", ())
        for name in previous:
            if name not in objects:
                missed.setdefault(name, tag.name)
            elif objects[name].time > tag.time:
                yield f"{tag.name} is dated before {objects[name].name}, which it comes after"
    for name, successor in missed.items():
        yield f"{successor} comes after the tag object {name[:12]}, which is gone: a tag was moved, replaced or deleted"
    first = [tag.name for tag in annotated if not tag.trailers.get("Previous")]
    for name in sorted(first, key=lambda name: registry.tags[name].time)[1:]:
        yield f"{name} names no tag before it, and it is not the first one: it was not made by `register`"
