"""A report as one HTML file with its plots inside: nothing is loaded from anywhere."""

from __future__ import annotations

import csv
import html
import io
from pathlib import Path

import matplotlib as mpl
from markdown_it import MarkdownIt
from matplotlib.figure import Figure

from .project import Contract, layout

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c2330 }
table { border-collapse: collapse; margin: 1rem 0 } th, td { border: 1px solid #d0d7de; padding: .3rem .7rem;
  text-align: left }
th { background: #f3f5f8 } svg { max-width: 100%; height: auto } @media (prefers-color-scheme: dark) {
body { background: #14181f; color: #dfe5ee } th { background: #232a35 } svg { background: #fff } }
"""


def page(markdown: str, root: Path, contract: Contract) -> str:
    """The report in Markdown as HTML, with the plots of the bundle under `root` at its end."""
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(markdown)
    bundle = root / layout.BUNDLE
    plots = [_svg(_calibration(bundle / layout.CALIBRATION.name)), _svg(_importance(bundle / layout.IMPORTANCE.name))]
    title = html.escape(contract.name)
    head = f'<meta charset="utf-8"><title>{title}</title><style>{STYLE}</style>'
    return (
        f'<!doctype html><html lang="en"><head>{head}</head><body>{body}<h2>Plots</h2>{"".join(plots)}</body></html>\n'
    )


def _calibration(path: Path) -> Figure:
    lines = _lines(path)
    predicted, observed = ([float(line[name]) for line in lines] for name in ("predicted", "observed"))
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    ends = [min(predicted + observed), max(predicted + observed)]
    axes.plot(ends, ends, color="0.7", label="perfect")
    axes.plot(predicted, observed, marker="o", label="model")
    axes.set(title="Calibration", xlabel="predicted (mean of a tenth of the rows)", ylabel="observed")
    axes.legend()
    return figure


def _importance(path: Path) -> Figure:
    lines = _lines(path)[::-1]
    figure = Figure(figsize=(6, 0.3 * len(lines) + 1), layout="constrained")
    axes = figure.subplots()
    losses, errors = ([float(line[name]) for line in lines] for name in ("loss", "std"))
    axes.barh([line["input"] for line in lines], losses, xerr=errors)
    axes.set(title="Permutation importance", xlabel="loss when the input is shuffled")
    return figure


def _svg(figure: Figure) -> str:
    written = io.StringIO()
    # a fixed salt and no date or maker: the same model gives the same page
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with mpl.rc_context({"svg.hashsalt": "report", "svg.fonttype": "none"}):
        figure.savefig(written, format="svg", metadata=nothing)
    return "<svg" + written.getvalue().partition("<svg")[2]


def _lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))
