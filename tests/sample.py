"""The default project, generated once for each process of the tests, so that `flight_delays` can be imported.

SAMPLE is its folder. It is on `sys.path`, and PYTHON_PATH brings it to programs that a test starts. The library that it
imports is the one in this repository. What both need is listed beside it as for installed packages: the environment of
a model is read there.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
import tomllib
from pathlib import Path

from cookiecutter.main import cookiecutter

ROOT = Path(__file__).parent.parent
LIBRARY = ROOT / "{{cookiecutter.project}}/vendor/modelyard/src/modelyard"


def generate(**answers: str) -> Path:
    """A project with these answers, in a folder that is removed when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="sample-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    config = folder / "cookiecutter.yaml"
    config.write_text(f"replay_dir: {folder / 'replay'}\ncookiecutters_dir: {folder / 'templates'}\n")
    before = os.environ.get("MODELYARD_NO_LOCK")
    os.environ["MODELYARD_NO_LOCK"] = "1"
    try:
        made = cookiecutter(
            str(ROOT), no_input=True, extra_context=answers, output_dir=str(folder), config_file=str(config)
        )
    finally:
        if before is None:
            del os.environ["MODELYARD_NO_LOCK"]
    return Path(made)


def list_requirements(pyproject: Path, folder: Path) -> None:
    """Write into `folder` what an installed package says of its name, its version and what it needs."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    lines = [f"Name: {project['name']}", f"Version: {project.get('version', '0.0.0')}"]
    lines += [f"Requires-Dist: {needed}" for needed in project["dependencies"]]
    for extra, requirements in project.get("optional-dependencies", {}).items():
        lines += [
            f"Provides-Extra: {extra}",
            *(f"Requires-Dist: {of_extra(needed, extra)}" for needed in requirements),
        ]
    made = folder / f"{project['name'].replace('-', '_')}-0.0.0.dist-info"
    made.mkdir(parents=True)
    (made / "METADATA").write_text("\n".join(lines) + "\n", encoding="utf-8")


def of_extra(needed: str, extra: str) -> str:
    """A requirement that holds where this extra is wanted, and where its own marker does."""
    package, _, marker = needed.partition(";")
    own = f"({marker.strip()}) and " if marker else ""
    return f'{package.strip()}; {own}extra == "{extra}"'


SAMPLE = generate()
INSTALLED = SAMPLE.parent / "installed"
for described in (SAMPLE, LIBRARY.parents[1]):
    list_requirements(described / "pyproject.toml", INSTALLED)
sys.path[:0] = [str(SAMPLE), str(INSTALLED)]
PYTHON_PATH = os.pathsep.join([str(SAMPLE), str(INSTALLED), str(LIBRARY.parent)])
