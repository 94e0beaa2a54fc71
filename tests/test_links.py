"""Each relative link of the documents leads to a file that is there and, where it names one, to a heading in it."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from sample import SAMPLE

from projects import ROOT

FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
NOT_OURS = {".git", ".venv", "demo", "node_modules", "vendor"}


def documents(root: Path) -> list[Path]:
    """The Markdown files of a folder."""
    return [path for path in sorted(root.rglob("*.md")) if not NOT_OURS & set(path.relative_to(root).parts)]


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives the headings of a document."""
    made: dict[str, int] = {}
    for title in HEADING.findall(FENCED.sub("", text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).replace("`", "").lower()
        anchor = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        made[anchor] = made.get(anchor, -1) + 1
    return {
        anchor if number == 0 else f"{anchor}-{number}" for anchor, most in made.items() for number in range(most + 1)
    }


def broken(document: Path) -> list[str]:
    """The links of a document that lead nowhere."""
    text = document.read_text(encoding="utf-8")
    lost = []
    for link in LINK.findall(CODE.sub("", FENCED.sub("", text))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = document.parent / path if path else document
        if not target.exists():
            lost.append(f"{link}: there is no {path}")
        elif anchor and anchor not in anchors(target.read_text(encoding="utf-8")):
            lost.append(f"{link}: {target.name} has no such heading")
    return lost


@pytest.mark.parametrize("path", documents(ROOT), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_links_of_a_document_of_the_template_lead_somewhere(path: Path) -> None:
    assert broken(path) == []


@pytest.mark.parametrize("path", documents(SAMPLE), ids=lambda path: path.relative_to(SAMPLE).as_posix())
def test_the_links_of_a_document_of_a_project_lead_somewhere(path: Path) -> None:
    assert broken(path) == []


def test_a_link_to_nowhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("# A title, with `code`\n\n## Twice\n\n## Twice\n")
    document = tmp_path / "a.md"
    good = (
        "[a](there.md) [b](there.md#a-title-with-code) [c](there.md#twice-1) [d](#one) `[e](not.md)` [f](https://x/y)"
    )
    document.write_text(f"# One\n\n{good}\n\n```\n[g](not.md)\n```\n")
    assert broken(document) == []
    document.write_text("[a](not.md) [b](there.md#thrice)\n")
    assert broken(document) == ["not.md: there is no not.md", "there.md#thrice: there.md has no such heading"]
