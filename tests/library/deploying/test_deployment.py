from __future__ import annotations

from pathlib import Path

import pytest
from modelyard.deploying import deployment as tested
from modelyard.deploying.deployment import Deployment, deployment
from modelyard.github.api import GitHubError

IMAGE = f"ghcr.io/owner/model@sha256:{'1' * 64}"
BUNDLE = "b" * 64
WHAT = f"--version 1.2.0 --image {IMAGE} --bundle-sha256 {BUNDLE}"


@pytest.fixture
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that later jobs read, in a project that deploys to a Docker host."""
    text = '[project]\nname = "model"\n[tool.modelyard]\ndeploy_target = "compose"\n'
    (tmp_path / "pyproject.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    monkeypatch.setenv("DEPLOY_HOST", "ssh://deploy@host")
    return tmp_path / "output"


def test_a_version_goes_through_every_stage() -> None:
    assert deployment("deploy", "v1.2.0", IMAGE, BUNDLE) == Deployment(
        "v1.2.0", "ghcr.io", f"staging {WHAT}", f"smoke --stage staging {WHAT}", f"canary {WHAT}"
    )


def test_the_pipelines_image_goes_with_it() -> None:
    pipeline = IMAGE.replace("model@", "model-pipeline@")
    found = deployment("deploy", "v1.2.0", IMAGE, BUNDLE, pipeline)
    assert found.production == f"canary {WHAT} --pipeline-image {pipeline}"
    with pytest.raises(GitHubError, match="one by its digest is needed"):
        deployment("deploy", "v1.2.0", IMAGE, BUNDLE, "ghcr.io/owner/model-pipeline:1.2.0")


def test_by_hand_it_is_promoted_or_rolled_back() -> None:
    assert deployment("promote", "v1.2.0", IMAGE, BUNDLE).production == f"promote {WHAT}"
    assert deployment("promote", "", "", "") == Deployment(production="promote")
    assert deployment("rollback", "", "", "") == Deployment(production="rollback")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("deploy", "", "", ""), "deploy needs a version"),
        (("rollback", "v1.2.0", "", ""), "to deploy v1.2.0, promote it"),
        (("deploy", "v1.2.0", "ghcr.io/owner/model:1.2.0", ""), "one by its digest is needed"),
        (("deploy", "v1.2.0", f"{IMAGE}; id", ""), "one by its digest is needed"),
        (("deploy", "v1.2.0", IMAGE, "$(id)"), "its SHA-256 is needed"),
    ],
)
def test_what_is_missing_or_would_be_no_argument_is_refused(given: tuple[str, str, str, str], said: str) -> None:
    with pytest.raises(GitHubError) as caught:
        deployment(*given)
    assert said in str(caught.value)


def test_without_a_host_nothing_is_done_and_what_to_set_is_said(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOY_HOST", "")
    tested.main(["--action", "deploy", "--version", "v1.2.0"])
    assert output.read_text() == "version=\nregistry=\nstaging=\nsmoke=\nproduction=\n"
    assert "`DEPLOY_HOST` is not set. Set it to a Docker host" in (output.parent / "summary").read_text()


def test_a_project_that_deploys_nowhere_is_left_alone(output: Path) -> None:
    path = output.parent / "pyproject.toml"
    path.write_text(path.read_text().replace("compose", "none"))
    tested.main(["--action", "deploy", "--version", "v1.2.0"])
    assert "production=\n" in output.read_text()
