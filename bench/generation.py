"""How long it takes to generate a project: against cookiecutter itself, rendering next to nothing."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from .measure import interleaved
from .options import Options
from .table import Line, seconds
from .workspace import TEMPLATE, Workspace

TITLE = "Generating a project"
LIMIT = 1.5  # seconds


def bench(workspace: Workspace, options: Options) -> list[Line]:
    """Our template, but for the lock that uv makes, against a template of one empty file."""
    empty = _empty_template(workspace.folder / "empty")
    ours, floor = interleaved(
        options.repeats, lambda: _generate(workspace, TEMPLATE), lambda: _generate(workspace, empty)
    )
    what = "this template, without `uv lock`"
    return [
        Line("an empty template", seconds(floor)),
        Line(what, seconds(ours), f"{ours / floor:.2f}", f"{LIMIT:g} s", ours <= LIMIT),
    ]


def _generate(workspace: Workspace, template: Path) -> float:
    with TemporaryDirectory(dir=workspace.folder) as target:
        return workspace.generate(template, Path(target)).seconds


def _empty_template(folder: Path) -> Path:
    inside = folder / "{{cookiecutter.project}}"
    inside.mkdir(parents=True)
    (inside / "empty").touch()
    (folder / "cookiecutter.json").write_text('{"project": "x"}')
    return folder
