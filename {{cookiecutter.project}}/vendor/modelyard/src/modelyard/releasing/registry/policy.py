"""The section `release` of policy.yaml, read where nothing is installed that reads YAML.

It is read from two forms only, the block and the one on a line, and anything else is refused: what decides whether a
signature is needed must not be guessed. `ops gate` reads the same section with a real parser, and is as strict.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...github.api import GitHubError

KEYS = ("annotated_tags", "signed_tags")
FORM = "release:\n  annotated_tags: false\n  signed_tags: false"
TABLE = re.compile(r"\{(.*)\}")
ENTRY = re.compile(r"\s*([a-z_]+):\s+(true|false)\s*")


@dataclass(frozen=True)
class ReleasePolicy:
    """What the tag of a release must be; a signed one is annotated."""

    annotated_tags: bool = False
    signed_tags: bool = False


def read_release_policy(text: str, where: str) -> ReleasePolicy:
    """The section `release` of a policy's text; what it leaves out is false.

    Raises GitHubError where it is written in another way than the two that are known.
    """
    lines = [re.sub(r"(^|\s)#.*", "", line).rstrip() for line in text.splitlines()]
    starts = [number for number, line in enumerate(lines) if re.match(r"release\s*:", line)]
    entries: list[str] = []
    if len(starts) == 1:
        given = lines[starts[0]].partition(":")[2].strip()
        inside = TABLE.fullmatch(given)
        if inside:
            entries = inside[1].split(",") if inside[1].strip() else []
        elif given:
            raise _unclear(where, lines[starts[0]])
        else:
            for line in lines[starts[0] + 1 :]:
                if line and not line.startswith(" "):
                    break
                entries += [line] if line else []
    found: dict[str, bool] = {}
    for entry in entries:
        known = ENTRY.fullmatch(entry)
        if not known or known[1] not in KEYS or known[1] in found:
            raise _unclear(where, entry.strip())
        found[known[1]] = known[2] == "true"
    if sum(key in line for line in lines for key in KEYS) != len(found) or len(starts) > 1:
        raise _unclear(where, "release, or a key of it, in another place")
    return ReleasePolicy(**found)


def _unclear(where: str, found: str) -> GitHubError:
    return GitHubError(f"{where}: {found!r} is not understood; write the section so, with true or false:\n{FORM}")
