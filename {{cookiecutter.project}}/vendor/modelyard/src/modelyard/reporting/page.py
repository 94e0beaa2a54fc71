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
# A report's own: sections as cards, charts beside each other where there is room, tables that a phone scrolls
CARDS = """
:root { --card: #fff; --good: #15803d; --bad: #dc2626; --unsure: #b45309; --quiet: #5b6472; --accent: #3b82f6 }
@media (prefers-color-scheme: dark) { :root { --card: #1a2029; --good: #4ade80; --bad: #f87171; --unsure: #fbbf24;
  --quiet: #97a3b4 } }
@media (prefers-color-scheme: light) { :root { --paper: #f4f6f9 } }
body { max-width: 70rem; line-height: 1.45 }
section { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1.1rem 1.4rem;
  margin: 0 0 1rem }
section > :first-child { margin-top: 0 } section > :last-child { margin-bottom: 0 }
section.verdict { border-left: .4rem solid var(--accent) }
section.verdict h2 { font-size: 1.35rem; margin-bottom: .6rem }
section.good { border-left-color: var(--good) } section.bad { border-left-color: var(--bad) }
section.unsure { border-left-color: var(--unsure) }
h3 { border: 0; margin-bottom: .6rem; font-size: 1.1rem } h3 a { color: inherit; text-decoration: none }
nav { margin: 0 0 1rem; display: flex; flex-wrap: wrap; gap: .3rem .9rem; font-size: .88rem }
nav a { color: var(--quiet) }
i.sign { font-style: normal; font-weight: bold; color: var(--quiet) }
i.sign.good { color: var(--good) } i.sign.bad { color: var(--bad) } i.sign.unsure { color: var(--unsure) }
.charts { display: flex; flex-wrap: wrap; gap: .6rem 1.2rem; margin: .8rem 0 }
.charts svg { flex: 0 1 auto; min-width: 0; max-width: 100% }
table { font-size: .92rem }
th, td { border: 0; border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums }
tr:last-child td { border-bottom: 0 } .table { margin: .7rem 0 }
ul { padding-left: 1.2rem }
@media (max-width: 40rem) { body { margin: .6rem auto; padding: 0 .5rem; font-size: 15px }
  section { padding: .8rem .8rem } th, td { padding: .2rem .45rem }
  td code { overflow-wrap: normal; white-space: nowrap } td[style] { white-space: nowrap }
  td:not([style]):not(:first-child):not(:last-child) { min-width: 8rem }
  section.verdict h2 { font-size: 1.15rem } }
"""
# What a comment shows as emoji, whose look depends on the reader's fonts
SIGNS = {
    "✅": ("good", "✓"),
    "❌": ("bad", "✗"),
    "⛔": ("bad", "✗"),
    "⚠️": ("unsure", "!"),
    "🟢": ("good", "●"),
    "🔴": ("bad", "●"),
    "⚪": ("", "○"),
}
NOTHING_LOADS = "default-src 'none'; style-src 'unsafe-inline'"


def page(sections: Sequence[Section], title: str) -> str:
    """The report as HTML, with every row of its tables and every chart as a plot."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    linked = [(place, section) for place, section in enumerate(sections) if section.level > 2]
    links = [f'<a href="#s{place}">{parser.renderInline(_short(section.title))}</a>' for place, section in linked]
    drawn = [_section(section, f"s{place}", parser) for place, section in enumerate(sections)]
    first = sum(section.level <= 2 for section in sections[:1])
    body = [*drawn[:first], *([f"<nav>{' '.join(links)}</nav>"] if len(links) > 1 else []), *drawn[first:]]
    return whole_page("\n".join(body), title, CARDS)


def whole_page(body: str, title: str, style: str = "") -> str:
    """A page with this HTML and the style that all pages have, which loads nothing and runs no script."""
    head = (
        f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{NOTHING_LOADS}">'
        f'<meta name="viewport" content="width=device-width"><title>{html.escape(title)}</title>'
        f"<style>{STYLE}{style}</style>"
    )
    return f'<!doctype html><html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n'


def _section(section: Section, anchor: str, parser: MarkdownIt) -> str:
    title = _with_signs(parser.renderInline(section.title))
    parts = [f"<h{section.level}>{title}</h{section.level}>"]
    charts: list[str] = []
    for block in [*section.blocks, ""]:
        if not isinstance(block, str | Table):
            charts.append(svg(block))
            continue
        if charts:
            parts.append(f'<div class="charts">{"".join(charts)}</div>')
            charts = []
        if isinstance(block, Table):
            parts.append(f'<div class="table">{_with_signs(parser.render(block.markdown(whole=True)))}</div>')
        else:
            parts.append(_with_signs(parser.render(block)))
    kind = "" if section.level > 2 else f' class="verdict {_standing(section.title)}"'
    return f'<section id="{anchor}"{kind}>{"".join(parts)}</section>'


def _standing(title: str) -> str:
    return next((kind for sign, (kind, _) in SIGNS.items() if title.startswith(sign)), "")


def _short(title: str) -> str:
    return title.partition(":")[0]


def _with_signs(body: str) -> str:
    for sign, (kind, shown) in SIGNS.items():
        body = body.replace(sign, f'<i class="sign {kind}">{shown}</i>')
    return body
