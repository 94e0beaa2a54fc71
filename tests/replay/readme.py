"""The replay's part of README.md: the year of the sample, by policy and by month."""

from __future__ import annotations

from pathlib import Path

from .figures import Figures, findings, monthly, yearly

START, END = "<!-- the year, as `make replay` writes it -->\n", "<!-- the end of the year -->\n"

PAGES = (
    "[The replay](docs/replay.md) has all months, and the same years of a regression and of city temperatures;\n"
    "[the replay on real parts](docs/replay-real.md) says what happened there month by month."
)


def part(name: str, years: Figures) -> str:
    """All years, how the judged loop does in them, the picture, and the honest year by month, in Markdown."""
    return "\n\n".join(
        text
        for text in [
            yearly(years),
            "\n".join(findings(years)),
            f"![By how much each policy is better than a model that is never retrained](docs/replay-{name}.svg)",
            "By month, in the year as it was:",
            monthly(years["as-it-was"]),
            f"{PAGES}\n",
        ]
        if text
    )


def rewritten(text: str, name: str, years: Figures) -> str:
    """README.md with the part as these figures make it. Raises ValueError where its marks are missing."""
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not (start and end):
        raise ValueError(f"README.md has no place for the year: {START.strip()} and {END.strip()}")
    return f"{before}{start}\n{part(name, years)}\n{end}{after}"


def write(path: Path, name: str, years: Figures) -> None:
    """Replace the part in README.md."""
    path.write_text(rewritten(path.read_text(encoding="utf-8"), name, years), encoding="utf-8")
