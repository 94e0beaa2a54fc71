"""A badge with the score, as an SVG picture that loads nothing."""

from __future__ import annotations

from pathlib import Path

TITLE = "ML Test Score"
# From which score on a colour is used
COLOURS = ((5.0, "#15803d"), (3.0, "#4d7c0f"), (1.0, "#a16207"), (0.0, "#b91c1c"))
LETTER = 6.6  # the width of a letter in pixels, about; the text is stretched to it
SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{title}: {value}">
<title>{title}: {value}</title>
<rect width="{width}" height="20" rx="3" fill="#374151"/>
<path d="M{left} 0h{inner}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{inner}z" fill="{colour}"/>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
<text x="6" y="14" textLength="{title_width}">{title}</text>
<text x="{value_at}" y="14" textLength="{value_width}">{value}</text>
</g>
</svg>
"""


def badge(score: float) -> str:
    """The picture of a score from 0 to 7."""
    value = f"{score:g} of 7"
    title_width, value_width = round(LETTER * len(TITLE)), round(LETTER * len(value))
    left = title_width + 12
    return SVG.format(
        title=TITLE,
        value=value,
        width=left + value_width + 12,
        left=left,
        inner=value_width + 9,
        colour=next(colour for least, colour in COLOURS if score >= least),
        title_width=title_width,
        value_at=left + 6,
        value_width=value_width,
    )


def write_badge(score: float, path: Path) -> None:
    """Write the picture, in place of one that is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(badge(score), encoding="utf-8")
