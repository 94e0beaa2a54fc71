"""What a pull request's run left in its artifact: read with care, and made harmless.

Whoever opened the pull request may have written these files. So sizes are limited, links are not followed, and the
report mentions nobody and has no watermark but ours.
"""

from __future__ import annotations

import json
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .api import GitHubError
from .cml import mark

ORIGIN = "pull-request.json"
REPORT = "report.md"
LARGEST_REPORT = 1_000_000  # bytes; the rest is not read
LARGEST_ORIGIN = 4_000
LIMIT = 65_536  # characters of a comment; GitHub refuses more
CUT = (
    "> [!NOTE]\n> This report is longer than a comment may be. The rest is in the artifact `report` of the run, and in "
    "its summary.\n\n"
)
SHA = re.compile(r"[0-9a-f]{40}")
# GitHub looks for mentions in the rendered text, so an @ that is written as an entity counts too
AT = re.compile(r"(?<![A-Za-z0-9_])@|&(?:#0*64(?!\d)|#[xX]0*40(?![0-9a-fA-F])|commat);?")
APART = "@\u200b"  # with a zero-width space: looks the same, and mentions nobody
WATERMARK = re.compile(r"CML(\s+)watermark", re.IGNORECASE)
FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")


@dataclass(frozen=True)
class ReportOrigin:
    """The pull request that a report claims to be of, and the head that it had."""

    number: int
    head: str


def read_origin(folder: Path) -> ReportOrigin:
    """What `pull-request.json` says. Raises GitHubError where it is not exactly a number and a commit."""
    path = folder / ORIGIN
    content = read_json(path, LARGEST_ORIGIN)
    if not isinstance(content, dict) or set(content) != {"number", "head"}:
        raise GitHubError(f'{path.name} is not {{"number": 1, "head": "commit"}}; nothing is posted')
    number, head = content["number"], content["head"]
    if type(number) is not int or not 0 < number < 2**31:
        raise GitHubError(f"{path.name}: number is not that of a pull request; nothing is posted")
    if not isinstance(head, str) or not SHA.fullmatch(head):
        raise GitHubError(f"{path.name}: head is not the hash of a commit; nothing is posted")
    return ReportOrigin(number, head)


def read_json(path: Path, most: int) -> Any:
    """The content of a JSON file of at most so many bytes; None where it is larger or no JSON."""
    text = _read(path, most + 1)
    try:
        return json.loads(text) if len(text) <= most else None
    except (ValueError, RecursionError):
        return None


def read_report(folder: Path, head: str, above: str) -> str:
    """The report under a text of ours, harmless and short enough for a comment together with its watermark."""
    text = _read(folder / REPORT, LARGEST_REPORT).decode("utf-8", errors="replace")
    text = harmless(text.replace("\r\n", "\n").replace("\0", "\ufffd")).strip()
    if not text:
        raise GitHubError(f"{REPORT} is empty; nothing is posted")
    room = LIMIT - length(f"{above}\n\n\n\n{mark(head)}")
    return f"{above}\n\n{text if length(text) <= room else CUT + cut(text, room - length(CUT))}"


def harmless(text: str) -> str:
    """Markdown that mentions nobody and holds no watermark."""
    return WATERMARK.sub(lambda match: f"CML{match[1]}\u200bwatermark", AT.sub(APART, text))


def cut(text: str, room: int) -> str:
    """The lines that fit into a number of characters, ending outside any fenced block."""
    lines, used, fence, end = [], 0, "", 0
    for line in text.split("\n"):
        used += length(line) + 1
        if used > room:
            break
        lines.append(line)
        if marker := FENCE.match(line):
            if not fence:
                fence = marker[1]
            elif marker[1].startswith(fence) and not line.strip(" `~"):
                fence = ""
        end = end if fence else len(lines)
    return "\n".join(lines[:end]).rstrip()


def length(text: str) -> int:
    """Characters as the strictest reader counts them: those outside the basic plane are two."""
    return len(text.encode("utf-16-le")) // 2


def _read(path: Path, most: int) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as failure:
        raise GitHubError(f"{path.name} cannot be read: {failure.strerror}; nothing is posted") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise GitHubError(f"{path.name} is no regular file; nothing is posted")
    with open(descriptor, "rb") as opened:
        return opened.read(most)
