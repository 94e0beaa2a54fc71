"""Git's tags as they are: the objects, what they say of themselves, and new ones that are pushed before they are kept.

A tag object is read as Git stores it, because a ref can be made to name the object of another tag: the object's own
name says which it is.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...github.api import GitHubError
from ...git import QUIET, TIMEOUT, git, try_git

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
    """Take all tags, and a branch, from origin.

    replace: whether tags that are others here than there give way; in a workflow, where it is None. Its clone needs
    that, for a checkout of a tag leaves it behind as a lightweight one, whatever it is. A person's clone is a witness.
    """
    replace = bool(os.environ.get("GITHUB_ACTIONS")) if replace is None else replace
    specs = [f"{'+' if replace else ''}{PREFIX}*:{PREFIX}*", f"+refs/heads/{branch}:refs/remotes/origin/{branch}"]
    git(root, "fetch", "--no-tags", "origin", *specs, token=token)


def read_tags(root: Path) -> dict[str, Tag]:
    """All tags that lead to a commit, by their names."""
    form = "--format=%(refname) %(objecttype) %(objectname) %(*objecttype) %(*objectname)"
    listed = [line.split(" ") for line in git(root, "for-each-ref", form, PREFIX).splitlines()]
    said = _read_objects(root, [one[2] for one in listed if one[1] == "tag"])
    found = {}
    for ref, kind, own, inner_kind, inner in listed:
        name = ref.removeprefix(PREFIX)
        if kind == "commit":
            found[name] = Tag(name, own, own)
        elif kind == "tag" and inner_kind == "commit":
            found[name] = parse_tag(name, own, inner, said[own])
    return found


def parse_tag(name: str, own: str, commit: str, raw: str) -> Tag:
    """An annotated tag from its object's content."""
    head, _, message = raw.partition("\n\n")
    lines = dict(line.split(" ", 1) for line in head.splitlines() if " " in line)
    tagger = TAGGER.fullmatch(lines.get("tagger", ""))
    text = message.partition("-----BEGIN ")[0]  # what comes then is the signature
    trailers: dict[str, tuple[str, ...]] = {}
    for line in text.rstrip().rpartition("\n\n")[2].splitlines():
        if known := TRAILER.fullmatch(line):
            trailers[known[1]] = (*trailers.get(known[1], ()), known[2].strip())
    who, when = (tagger[1], int(tagger[3])) if tagger else ("", 0)
    return Tag(name, own, commit, lines.get("tag", ""), who, when, text, trailers)


def make_tag(root: Path, name: str, commit: str, message: str, time: int, tagger: tuple[str, str]) -> str:
    """The name of a new tag object; no ref names it yet. tagger: name and email."""
    who, email = (re.sub(r"[<>\n\0]", "", part).strip() for part in tagger)
    head = f"object {commit}\ntype commit\ntag {name}\ntagger {who} <{email}> {time} +0000\n"
    return git(root, "mktag", text=f"{head}\n{message.rstrip()}\n").strip()


def push_tag(root: Path, name: str, made: str, token: str | None) -> bool:
    """Push a tag object under its name, and keep it here too; False where another one had that name before.

    Raises GitHubError where it is refused for another reason; then nothing is left behind.
    """
    done = try_git(root, "push", "--porcelain", "origin", f"{made}:{PREFIX}{name}", token=token)
    if done.returncode:
        if "already exists" in done.stdout + done.stderr:
            return False
        said = " ".join(f"{done.stdout} {done.stderr}".split())[-400:]
        raise GitHubError(f"the tag {name} was not taken by origin: {said or 'it said nothing'}")
    git(root, "update-ref", f"{PREFIX}{name}", made)
    return True


def message_of(title: str, trailers: Mapping[str, str | list[str]]) -> str:
    """A message with trailers, each on one line; those without a value are left out."""
    lines = []
    for key, given in trailers.items():
        for value in [given] if isinstance(given, str) else given:
            shown = " ".join("".join(one if one.isprintable() else " " for one in value).split())
            if shown:
                lines.append(f"{key}: {shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + '…'}")
    return f"{title}\n\n" + "\n".join(lines) + "\n"


def _read_objects(root: Path, names: list[str]) -> dict[str, str]:
    """The content of each object, in one go; in bytes, because sizes count them."""
    if not names:
        return {}
    done = subprocess.run(  # noqa: S603 - a list; the names are Git's own
        ["git", "-C", str(root), *QUIET, "cat-file", "--batch"],  # noqa: S607 - the git of the PATH
        input="".join(f"{name}\n" for name in names).encode(),
        env={**os.environ, "LC_ALL": "C"},
        capture_output=True,
        check=False,
        timeout=TIMEOUT,
    )
    found, left = {}, done.stdout
    for name in names:
        head, _, left = left.partition(b"\n")
        size = head.rpartition(b" ")[2]
        if done.returncode or not size.isdigit():
            raise GitHubError(f"git cat-file does not give the object {name}: {done.stderr.decode(errors='replace')}")
        found[name] = left[: int(size)].decode(errors="replace")
        left = left[int(size) + 1 :]
    return found
