from __future__ import annotations

import subprocess
import sys

import pytest
from modelyard.releasing.packaging.build import read_release, uv
from modelyard.releasing.packaging.run import run
from modelyard.runtime.contract import ContractError


@pytest.fixture(autouse=True)
def repository(tmp_path, monkeypatch):
    for name in ("GITHUB_REPOSITORY", "GITHUB_SERVER_URL", "SOURCE_DATE_EPOCH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    settings = '[project]\nname = "tide-heights"\n[tool.modelyard]\ngithub_owner = "harbour"\n'
    (tmp_path / "pyproject.toml").write_text(settings)
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.invalid"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "x", "--date", "2020-01-01T00:00:00Z"]):
        subprocess.run(
            ["git", *command], check=True, env={"GIT_COMMITTER_DATE": "2020-01-01T00:00:00Z", "PATH": "/usr/bin"}
        )
    return tmp_path


def test_a_release_is_of_the_commit_and_its_time():
    release = read_release("1.2.0")
    assert (release.name, release.version, release.source) == (
        "tide-heights",
        "1.2.0",
        "https://github.com/harbour/tide-heights",
    )
    assert release.created.isoformat() == "2020-01-01T00:00:00+00:00"
    assert release.environment["RELEASE_VERSION"] == "1.2.0"
    assert release.environment["SOURCE_DATE_EPOCH"] == "1577836800"
    assert release.executable == "tide-heights-1.2.0.pyz"


def test_in_a_workflow_the_source_is_the_repository_that_runs_it(monkeypatch):
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://git.example.invalid")
    monkeypatch.setenv("GITHUB_REPOSITORY", "a/b")
    assert read_release("1.2.0").source == "https://git.example.invalid/a/b"


@pytest.mark.parametrize("version", ["v1.2.0", "1.2", "1.2.0-final", "", "1.2.0 "])
def test_what_is_no_version_is_refused(version):
    with pytest.raises(ContractError, match=r"one such as 1\.2\.0 is expected"):
        read_release(version)


def test_a_candidate_is_a_version():
    assert read_release("1.2.0-rc.1").version == "1.2.0-rc.1"


def test_without_uv_what_brings_it_is_said(monkeypatch, tmp_path):
    monkeypatch.delenv("UV", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ContractError, match="uv was not found; `make setup` installs it"):
        uv()


def test_a_program_that_fails_is_quoted():
    with pytest.raises(ContractError, match=r"ended with status 3:\nout\nerr"):
        run([sys.executable, "-c", "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"])


def test_a_program_that_is_not_there_is_named():
    with pytest.raises(ContractError, match="no-such-program was not found; install it"):
        run(["no-such-program"])
