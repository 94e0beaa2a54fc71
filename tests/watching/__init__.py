"""Which of a project's tests depend on its task.

Projects of different tasks differ in FILES alone (tests/test_rendering.py), and what most tests work on is the same in
all of them, though it is laid out from those files (tests/test_own_tests.py). A test that reads none of them itself
therefore ends alike whatever the task, and one project's run of it is enough. MODULES are those with a test that does:
they run in a project of each task. tests/workflows/test_main.py has the kernel watch a run of all tests, and fails
where a module is missing here.
"""

from __future__ import annotations

import json
from pathlib import Path

FILES = ("contract.yaml", "policy.yaml", "pyproject.toml")
LAID_OUT = ("made", "made_regression", "made_multiclass", "workspace")
MODULES = (
    "tests/ops/deploying/compose/test_deploy_verb.py",
    "tests/ops/github/test_github_policy.py",
    "tests/ops/github/test_scope.py",
    "tests/ops/judging/test_canary.py",
    "tests/ops/judging/test_policy.py",
    "tests/ops/test_docs.py",
    "tests/pipeline/test_draft.py",
    "tests/test_project.py",
    "tests/test_wheel.py",
)


def watched(out: Path) -> dict[str, str]:
    """The environment in which a project's pytest writes to `out` which of its modules read which of FILES."""
    asked = {"out": str(out), "files": FILES, "laid_out": LAID_OUT}
    plugin = {"PYTHONPATH": str(Path(__file__).parent), "PYTEST_ADDOPTS": "-p reads"}
    return {**plugin, "TRAINYARD_READS": json.dumps(asked)}
