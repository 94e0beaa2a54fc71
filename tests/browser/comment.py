"""A comment as GitHub shows it: its Markdown as HTML in GitHub's manner, its charts drawn by Mermaid."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from pathlib import Path

from markdown_it import MarkdownIt

from .chromium import content
from .mermaid import scripts

HERE = Path(__file__).parent
BLOCK = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def charts(markdown: str) -> list[str]:
    """The Mermaid blocks of a comment."""
    return BLOCK.findall(markdown)


def diagrams(blocks: Sequence[str]) -> dict[str, list[str]]:
    """For each version of Mermaid what kind of diagram it takes each block for, or what it has against it."""
    # within a script no `</` may stand
    given = json.dumps(list(blocks)).replace("<", "\\u003c")
    found = {}
    for version, script in scripts().items():
        data = f'<script id="blocks" type="application/json">{given}</script>'
        dumped = content(_page(f"{data}<script>{script}</script><script>{_file('parse.js')}</script>"))
        answer = re.search("<pre>(.*)</pre>", dumped, re.DOTALL)
        assert answer, f"Mermaid {version} did not come to an end:\n{dumped[-2000:]}"
        found[version] = json.loads(html.unescape(answer[1]))
    return found


def comment_page(markdown: str, opened: Sequence[str] = ()) -> str:
    """The comment as a page; of what is folded, what has one of the words in its title is open."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = parser.parse(markdown)
    for token in tokens:
        if token.type == "fence" and token.info == "mermaid":
            token.type, token.content = "html_block", f'<pre class="mermaid">{html.escape(token.content)}</pre>'
    body = parser.renderer.render(tokens, parser.options, {})
    for word in opened:
        body = re.sub(rf"<details>(?=\s*<summary><b>[^<]*{word})", "<details open>", body)
    author = "<div class=author><b>github-actions</b><span>bot</span>commented</div>"
    latest = next(iter(scripts().values()))
    return _page(
        f"<style>{_file('comment.css')}</style><div class=comment>{author}<div class=body>{body}</div></div>"
        f"<script>{latest}</script><script>{_file('draw.js')}</script>"
    )


def height(page: str, width: int) -> int:
    """How high the page is when it is so wide."""
    found = re.search(r'data-height="(\d+)"', content(page, width))
    assert found, "the charts could not be drawn"
    return int(found[1])


def _page(body: str) -> str:
    return f'<!doctype html><html lang="en"><meta charset="utf-8"><body>{body}</body></html>'


def _file(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
