"""A fresh project, changed as its team would change it, and its own tests run there.

They run with the environment of these tests and the library from its source, so that a project is ready at once.
"""

from __future__ import annotations

import atexit
import functools
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from projects import ROOT, generate

LIBRARY = ROOT / "{{cookiecutter.project}}/vendor/modelyard/src"
NAME, PACKAGE = "churn-model", "churn_model"

Edit = Callable[[Path], None]


@functools.cache
def fresh(task: str) -> Path:
    """A project of a task as it is generated, without a lock; not to be changed."""
    folder = Path(tempfile.mkdtemp(prefix="fresh-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    project, _ = generate(folder, {"project": NAME, "task": task}, {"MODELYARD_NO_LOCK": "1"})
    return project.root


def copy_of(task: str, folder: Path) -> Path:
    """A copy of it in a folder, to be changed."""
    return Path(shutil.copytree(fresh(task), folder / NAME, ignore=shutil.ignore_patterns(".git")))


def python(root: Path, *arguments: str) -> tuple[int, str]:
    """The exit status of Python in a project, and what it printed."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "COV_", "GITHUB_"))}
    environment = kept | {
        "PYTHONPATH": os.pathsep.join([str(root), str(LIBRARY)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # importing those that are not used takes longer than the tests
    }
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    return done.returncode, done.stdout


def own_tests(root: Path, *arguments: str) -> tuple[int, str]:
    """The exit status of the project's own tests, and what they printed."""
    return python(root, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments)


def assert_green(root: Path, *arguments: str) -> str:
    """All of the project's own tests pass with enough of its code covered, and none is skipped; what they printed."""
    status, printed = own_tests(root, "-p", "pytest_cov", "--cov", "--cov-report=term", *arguments)
    assert status == 0, printed[-6000:]
    assert not re.search(r"\d (skipped|xfailed)", printed), printed
    return printed


def processor_seconds() -> float:
    """The time that child processes have had a processor: unlike the time on the wall, no other process prolongs it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def replaced(name: str, old: str, new: str) -> Edit:
    """A change of one text in a file."""

    def edit(root: Path) -> None:
        path = root / name
        text = path.read_text()
        assert old in text, f"{name} has no {old!r}"
        path.write_text(text.replace(old, new))

    return edit


def with_feature(line: str) -> Edit:
    """One more line before `features` returns, with numpy where the line needs it."""
    path, imports = f"{PACKAGE}/features.py", "from modelyard import Columns"

    def edit(root: Path) -> None:
        replaced(path, "    return made\n", f"    {line}\n    return made\n")(root)
        if "np." in line and "import numpy as np\n" not in (root / path).read_text():
            replaced(path, imports, f"import numpy as np\n{imports}")(root)

    return edit


def with_estimator(code: str) -> Edit:
    """One more builder, called `mine`."""
    path = f"{PACKAGE}/model.py"

    def edit(root: Path) -> None:
        replaced(path, "ESTIMATORS: dict", f"{code}\n\n\nESTIMATORS: dict")(root)
        replaced(path, '    "linear": linear,\n', '    "linear": linear,\n    "mine": mine,\n')(root)

    return edit
