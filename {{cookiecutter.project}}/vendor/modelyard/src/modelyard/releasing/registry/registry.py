"""The registry of models: which versions there are, and which one was live in which stage when, from tags alone.

The tags are named as GTO names them, so its commands read them too: `flight-delays@v1.2.0` registers a version, and
`flight-delays#production#3` assigns it to a stage, numbered over all stages. Each tag names the objects of those that
were the last ones when it was made (`Previous`), as a commit names its parents. So a tag that is moved, replaced or
deleted is missed by the next one; only what happens to the very last tag cannot be seen from the tags themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .tags import Tag
from .versions import Version, find_version

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
    """What the tags say of one model. strange: tags under its name that are none of these. released: all tags."""

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
    def own(self) -> list[Tag]:
        """All tags of the registry."""
        return [*(one.tag for one in self.versions.values()), *(one.tag for one in self.assignments), *self.strange]

    @property
    def heads(self) -> list[Tag]:
        """The tags that no other one names: what the next one is to name."""
        named = {name for tag in self.own for name in tag.trailers.get("Previous", ())}
        return sorted((tag for tag in self.own if tag.object not in named), key=lambda tag: tag.name)

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
            found = NUMBERED.fullmatch(name.removeprefix(f"{model}#"))
            if found:
                assignments.append(Assignment(found[1], int(found[2]), tag))
            else:
                strange.append(tag)
    ordered = sorted(assignments, key=lambda one: (one.number, one.tag.time, one.stage))
    return Registry(model, versions, tuple(ordered), tuple(strange), tags)


def faults(registry: Registry) -> list[str]:
    """What is wrong with the tags, a sentence each: none where the history is whole."""
    found = [f"{tag.name} is no tag that `ops register` makes; who made it?" for tag in registry.strange]
    found += [fault for one in registry.versions.values() for fault in _version(registry, one)]
    numbers = {one.number for one in registry.assignments}
    found += [
        f"the assignment number {number} of {registry.model} is missing: its tag was deleted"
        for number in range(1, max(numbers, default=0) + 1)
        if number not in numbers
    ]
    found += [fault for one in registry.assignments for fault in _assignment(registry, one)]
    return [*found, *_chain(registry)]


def unreleased(registry: Registry) -> list[str]:
    """The tags of versions that no release went through for, which is no fault: a release may have stopped."""
    known = {find_version(name): name for name in registry.tags}
    return [name for version, name in sorted((one for one in known.items() if one[0]), key=lambda one: one[1])
            if version not in registry.versions]  # fmt: skip


def _version(registry: Registry, one: Registered) -> Iterator[str]:
    tag, release = one.tag, one.version.tag
    if not tag.annotated:
        yield f"{tag.name} is a lightweight tag, so nobody can tell who made it and on which verdict"
        return
    yield from _itself(tag)
    if tag.one("Version") != release:
        yield f"{tag.name} registers {tag.one('Version') or 'no version'} by its message"
    there = registry.tags.get(release)
    if there is None:
        yield f"{release} was released, and its tag was deleted since"
    elif there.object != tag.one("Tag"):
        yield f"{release} was moved: it is {there.object[:12]}, and {tag.one('Tag')[:12] or 'nothing'} was released"


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
    """What a tag's object says of itself, against where it is found."""
    if tag.says != tag.name:
        yield f"{tag.name} holds the object of the tag {tag.says}"
    if tag.one("Commit") != tag.commit:
        yield f"{tag.name} points to {tag.commit[:12]}, and its message says {tag.one('Commit')[:12] or 'nothing'}"


def _chain(registry: Registry) -> Iterator[str]:
    """What one tag says of those before it and is no longer so."""
    objects = {tag.object: tag for tag in registry.own}
    annotated = [tag for tag in registry.own if tag.annotated and tag not in registry.strange]
    missed: dict[str, str] = {}
    for tag in annotated:
        before = tag.trailers.get("Previous", ())
        for name in before:
            if name not in objects:
                missed.setdefault(name, tag.name)
            elif objects[name].time > tag.time:
                yield f"{tag.name} is dated before {objects[name].name}, which it comes after"
    for name, by in missed.items():
        yield f"{by} comes after the tag object {name[:12]}, which is gone: a tag was moved, replaced or deleted"
    first = [tag.name for tag in annotated if not tag.trailers.get("Previous")]
    for name in sorted(first, key=lambda name: registry.tags[name].time)[1:]:
        yield f"{name} names no tag before it, and it is not the first one: it was not made by `ops register`"
