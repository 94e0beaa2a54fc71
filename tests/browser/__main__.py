"""Draw a real comment as GitHub shows it: a demo project's model is made to forget, and the gate blocks it.

Chromium and a font with emoji must be there, as in `apt-get install chromium fonts-noto-color-emoji`.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from projects import Project, clone_of, run

from .chromium import picture
from .comment import comment_page, height

WIDTH = 950
CHANGE = ("window: null", "window: 3")  # in params.yaml: learn from the last three months only
OPENED = ("Calibration",)


def blocked(demo: Project, folder: Path) -> str:
    """The comment on the change, made and judged in a clone of the demo project."""
    clone = clone_of(demo, folder)
    params = clone.root / "params.yaml"
    old, new = CHANGE
    assert old in params.read_text()
    params.write_text(params.read_text().replace(old, new))
    clone.run("dvc", "repro")
    clone.run("python", "-m", "flight_delays", "champion", "--ref", "origin/main")
    clone.run("python", "-m", "flight_delays", "gate", ok=False)
    clone.run("python", "-m", "flight_delays", "report")
    return (clone.root / "reports/report.md").read_text(encoding="utf-8")


def main() -> None:
    """Write the picture of the comment on a project to a file: `python -m browser PROJECT FILE`."""
    project, path = map(Path, sys.argv[1:])
    assert run(["fc-list", ":charset=26d4"], Path()), "no font here has emoji; install fonts-noto-color-emoji"
    with tempfile.TemporaryDirectory() as made:
        page = comment_page(blocked(Project(project.absolute()), Path(made)), OPENED)
    path.parent.mkdir(exist_ok=True)
    picture(page, path, WIDTH, height(page, WIDTH))
    print(f"wrote {path}")


main()
