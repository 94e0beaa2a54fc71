"""Git's tags: reading their objects, and making new ones, which are pushed before they are kept.

A tag object is read as Git stores it, because a ref can be made to name the object of another tag: the object's own
name says which it is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...git import git, read_objects, try_git
from ...github.api import GitHubError

PREFIX = "refs/tags/"
TRAILER = re.compile(r"([A-Z][A-Za-z-]*): (.*)")
TAGGER = re.compile(r"(.*) <(.*)> ([0-9]+) [+-][0-9]{4}")
LONGEST = 300  # characters of a trailer's value


@dataclass(frozen=True)
class Tag:
    """A tag: the object that its ref names, the commit that this leads to, and what an annotated one says.

    says: the name in the tag object, None for a lightweight tag. time: seconds since 1970, of the tagger's clock.
    trailers: the values of each key of the last paragraph of the message.
    """

    name: str
    object: str
    commit: str
    says: str | None = None
    tagger: str = ""
    time: int = 0
    message: str = ""
    trailers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def annotated(self) -> bool:
        """Whether it has an object of its own."""
        return self.says is not None

    def one(self, key: str) -> str:
        """The value of a trailer, empty where it has none."""
        return self.trailers.get(key, ("",))[0]


def fetch_tags(root: Path, branch: str, token: str | None, replace: bool | None = None) -> None:
    """Fetch all tags, and a branch, from origin.

    replace: whether origin's tags replace different ones here; by default in a workflow only, whose checkout of a tag
    leaves it as a lightweight one. In a person's clone a difference is evidence, and raises GitError.
    """
    replace = bool(os.environ.get("GITHUB_ACTIONS")) if replace is None else replace
    specs = [f"{'+' if replace else ''}{PREFIX}*:{PREFIX}*", f"+refs/heads/{branch}:refs/remotes/origin/{branch}"]
    git(root, "fetch", "--no-tags", "origin", *specs, token=token)


def read_tags(root: Path) -> dict[str, Tag]:
    """All tags that lead to a commit, by their names."""
    form = "--format=%(refname) %(objecttype) %(objectname) %(*objecttype) %(*objectname)"
    listed = [line.split(" ") for line in git(root, "for-each-ref", form, PREFIX).splitlines()]
    contents = read_objects(root, [one[2] for one in listed if one[1] == "tag"])
    tags = {}
    for ref, kind, digest, target_kind, commit in listed:
        name = ref.removeprefix(PREFIX)
        if kind == "commit":
            tags[name] = Tag(name, digest, digest)
        elif kind == "tag" and target_kind == "commit":
            tags[name] = parse_tag(name, digest, commit, contents[digest])
    return tags


def parse_tag(name: str, digest: str, commit: str, raw: str) -> Tag:
    """An annotated tag from its object's content."""
    head, _, message = raw.partition("\n\n")
    lines = dict(line.split(" ", 1) for line in head.splitlines() if " " in line)
    tagger = TAGGER.fullmatch(lines.get("tagger", ""))
    text = message.partition("-----BEGIN ")[0]  # the signature follows
    trailers: dict[str, tuple[str, ...]] = {}
    for line in text.rstrip().rpartition("\n\n")[2].splitlines():
        if match := TRAILER.fullmatch(line):
            trailers[match[1]] = (*trailers.get(match[1], ()), match[2].strip())
    who, when = (tagger[1], int(tagger[3])) if tagger else ("", 0)
    return Tag(name, digest, commit, lines.get("tag", ""), who, when, text, trailers)


def make_tag(root: Path, name: str, commit: str, message: str, time: int, tagger: tuple[str, str]) -> str:
    """The name of a new tag object; no ref names it yet. tagger: name and email."""
    who, email = (re.sub(r"[<>\n\0]", "", part).strip() for part in tagger)
    head = f"object {commit}\ntype commit\ntag {name}\ntagger {who} <{email}> {time} +0000\n"
    return git(root, "mktag", text=f"{head}\n{message.rstrip()}\n").strip()


def push_tag(root: Path, name: str, digest: str, token: str | None) -> bool:
    """Push a tag object, and create the tag here too. Returns False if origin already has a tag of that name.

    Raises GitHubError if origin refuses it for another reason; then no tag is created.
    """
    process = try_git(root, "push", "--porcelain", "origin", f"{digest}:{PREFIX}{name}", token=token)
    if process.returncode:
        if "already exists" in process.stdout + process.stderr:
            return False
        output = " ".join(f"{process.stdout} {process.stderr}".split())[-400:]
        raise GitHubError(f"the tag {name} was refused by origin: {output or 'it printed nothing'}")
    git(root, "update-ref", f"{PREFIX}{name}", digest)
    return True


def message_of(title: str, trailers: Mapping[str, str | list[str]]) -> str:
    """A message with trailers, each on one line; those without a value are left out."""
    lines = []
    for key, values in trailers.items():
        for value in [values] if isinstance(values, str) else values:
            shown = " ".join("".join(one if one.isprintable() else " " for one in value).split())
            if shown:
                lines.append(f"{key}: {shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + '…'}")
    return f"{title}\n\n" + "\n".join(lines) + "\n"
