import pytest
from modelyard.github.outputs import write_outputs, write_summary

VARIABLES = ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")


@pytest.fixture
def files(tmp_path, monkeypatch):
    for name in VARIABLES:
        (tmp_path / name).write_text("before\n")
        monkeypatch.setenv(name, str(tmp_path / name))
    return [tmp_path / name for name in VARIABLES]


def test_outputs_are_appended_and_returned(files):
    assert write_outputs({"stale": "true", "reason": "ä = b"}) == "stale=true\nreason=ä = b\n"
    assert [path.read_text(encoding="utf-8") for path in files] == [
        "before\nstale=true\nreason=ä = b\n",
        "before\n",
    ]


def test_a_summary_is_appended(files):
    write_summary("**Tests:** 3 passed\n")
    assert [path.read_text() for path in files] == ["before\n", "before\n**Tests:** 3 passed\n"]


def test_outside_a_workflow_nothing_is_written(files, monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name)
    assert write_outputs({"stale": "true"}) == "stale=true\n"
    write_summary("text\n")
    assert [path.read_text() for path in files] == ["before\n", "before\n"]
