"""A report as one HTML file that contains its plots, loads nothing and runs no script."""

from __future__ import annotations

import html
from collections.abc import Sequence

from markdown_it import MarkdownIt

from .document import Section, Table
from .plots import svg

STYLE = """
:root { color-scheme: light dark; --ink: #1c2330; --paper: #fff; --line: #d0d7de; --head: #f3f5f8 }
@media (prefers-color-scheme: dark) { :root { --ink: #dfe5ee; --paper: #14181f; --line: #3a4350; --head: #232a35 } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; color: var(--ink);
  background: var(--paper) }
.table { overflow: auto; max-height: 40rem; margin: 1rem 0 }
table { border-collapse: collapse } th, td { border: 1px solid var(--line); padding: .25rem .7rem; text-align: left }
th { background: var(--head); position: sticky; top: 0 } code { overflow-wrap: anywhere }
h3 { border-bottom: 1px solid var(--line); margin-top: 2.5rem } svg { max-width: 100%; height: auto }
"""
NOTHING_LOADS = "default-src 'none'; style-src 'unsafe-inline'"


def page(sections: Sequence[Section], title: str) -> str:
    """The report as HTML, with every row of its tables and every chart as a plot."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    return whole_page("\n".join(_section(section, parser) for section in sections), title)


def whole_page(body: str, title: str, style: str = "") -> str:
    """A page with this HTML and the style that all pages have, which loads nothing and runs no script."""
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{NOTHING_LOADS}">'
        f'<meta name="viewport" content="width=device-width"><title>{html.escape(title)}</title>'
        f"<style>{STYLE}{style}</style>"
    )
    return f'<!doctype html><html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n'


def _section(section: Section, parser: MarkdownIt) -> str:
    parts = [f"<h{section.level}>{parser.renderInline(section.title)}</h{section.level}>"]
    for block in section.blocks:
        if isinstance(block, str):
            parts.append(parser.render(block))
        elif isinstance(block, Table):
            parts.append(f'<div class="table">{parser.render(block.markdown(whole=True))}</div>')
        else:
            parts.append(svg(block))
    return f"<section>{''.join(parts)}</section>"
