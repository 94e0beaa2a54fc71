"""The tests that a project brings, in a project for regression: those that its task could change.

In one for classification all of them run, where ci.yml starts them (tests/workflows/test_main.py).
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from watching import MODULES

from conftest import Project, generate

pytestmark = pytest.mark.parametrize(
    "project", [pytest.param("regression", marks=pytest.mark.xdist_group("regression"))], indirect=True
)
# What the fixtures that the project's tests share begin with, as tests/conftest.py makes it for each of its targets
LAY_OUT = """
from pathlib import Path
from tests.conftest import ROOT, THIN, SampleSource, lay_out
assert ROOT == Path.cwd(), ROOT
table = SampleSource().read("")
for target in ("late", "delay"):
    lay_out(Path("laid-out", target, "flights"), table.take(list(range(0, table.num_rows, THIN))), target)
"""


def test_the_projects_own_tests_that_depend_on_its_task_pass(project: Project) -> None:
    printed = project.run("pytest", *MODULES, env={"CI": "true"})
    assert re.search(r"^=+ \d+ passed in ", printed, re.MULTILINE)  # and none was skipped


def test_what_the_other_tests_work_on_is_the_same_whatever_the_task(clone: Project, tmp_path: Path) -> None:
    other, _ = generate(tmp_path / "other", {"task": "classification"}, {"TRAINYARD_NO_LOCK": "1"})
    (other.root / ".venv").symlink_to(clone.root / ".venv")
    assert (other.root / "contract.yaml").read_bytes() != (clone.root / "contract.yaml").read_bytes()
    laid_out = []
    for project in (clone, other):
        project.run("python", "-c", LAY_OUT)
        made = project.root / "laid-out"
        files = {path.relative_to(made): path.read_bytes() for path in made.rglob("*") if path.is_file()}
        # how far to the right a comment begins depends on the value before it, which was there and is overwritten
        laid_out.append({path: re.sub(rb" +#", b" #", content) for path, content in files.items()})
    assert laid_out[0] == laid_out[1]
    assert sum(path.name == "policy.yaml" for path in laid_out[0]) == 2
