"""Each planted fault turns ci.yml red in the step that is there for it, and in no other."""

from __future__ import annotations

import pytest

from .hosted import Hosted, why

FAULTS = {
    "Style": (
        "flight_delays/features.py",
        "from modelyard import Columns",
        "import ast\n\nfrom modelyard import Columns",
    ),
    "Types": ("flight_delays/features.py", "made: dict[str, NDArray] = {}", "made: int = {}"),
    "Set up": ("pyproject.toml", '  "modelyard[dev]",\n', '  "modelyard[dev]",\n  "six>=1.16",\n'),
    "Workflows": (
        ".github/workflows/report.yml",
        "run: python3 vendor/yard comment --report report",
        "run: echo ${{ github.event.workflow_run.head_branch }}",
    ),
}
SAID = {
    "Style": "F401",
    "Types": "Incompatible types in assignment",
    "Set up": "needs to be updated",
    "Workflows": "template-injection",
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_red_for_its_own_reason(hosted: Hosted, name: str) -> None:
    pull = hosted.propose("fault", hosted.edit(*FAULTS[name]))
    # mypy takes 20 s where it knows nothing; what it knows of a file goes by the file's content
    known = {"MYPY_CACHE_DIR": str(hosted.project.root.parent / "mypy")}
    (run,) = hosted.github.deliver(only={"ci.yml"}, jobs={"lint"}, env=known)
    assert run.conclusion == "failure"
    failed = [step for step, outcome in run.jobs["lint"].steps.items() if outcome == "failure"]
    assert [step for step in failed if " / " not in step] == [name], why(run)
    assert SAID[name] in run.jobs["lint"].log
    assert not pull.mergeable_by_checks(["lint"])


def test_a_failing_test_is_red_and_named_in_the_summary(hosted: Hosted) -> None:
    hosted.propose("fault", hosted.edit("flight_delays/features.py", "{name: values}", "{name: values[::-1]}"))
    # the first failure is enough; where tests fail their coverage says nothing
    stop = {"PYTEST_ADDOPTS": "-x --no-cov-on-fail"}
    (run,) = hosted.github.deliver(only={"ci.yml"}, jobs={"test"}, env=stop)
    job = next(job for name, job in run.jobs.items() if name.startswith("test"))
    assert [step for step, outcome in job.steps.items() if outcome == "failure"] == ["Test"]
    assert "1 failed" in run.summary
    assert "- `tests.test_features" in run.summary
    assert "coverage of 90.0%" not in job.log


def test_missing_tests_are_red_for_the_coverage(hosted: Hosted) -> None:
    gone = [path for path in hosted.repository.files("refs/heads/main", "tests") if "/test_" in path]
    hosted.propose("fault", {path: None for path in gone if path != "tests/test_settings.py"})
    (run,) = hosted.github.deliver(only={"ci.yml"}, jobs={"test"})
    job = next(job for name, job in run.jobs.items() if name.startswith("test"))
    assert [step for step, outcome in job.steps.items() if outcome == "failure"] == ["Test"]
    assert "is less than fail-under=90" in job.log, why(run)
    assert " 0 failed" in run.summary
