"""What a tag starts: a release that goes all the way, or stops for a stated reason with nothing public."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from projects import Project, run

from .hosted import Hosted, tagged, tags, why

RELEASE = {"release.yml"}
SIGNED = ("signed_tags = false", "signed_tags = true")


@pytest.fixture
def clone(hosted: Hosted, tmp_path: Path) -> Project:
    """A clone of what main is, to commit and tag in."""
    root = tmp_path / "flight-delays"
    run(["git", "clone", "--quiet", hosted.project.root, root], tmp_path)
    return Project(root)


def push(hosted: Hosted, clone: Project, branch: str = "main") -> None:
    """Push what a clone has committed, and forget what that would start."""
    hosted.github.push(hosted.repository, branch, clone.root)
    hosted.github.deliver(only=())


def refused(hosted: Hosted, said: str, before: set[str]) -> None:
    """The tag that was pushed ends its release in the first job, says why, and leaves nothing."""
    started, only = hosted.github.deliver(only=RELEASE)
    assert {name: job.conclusion for name, job in started.jobs.items() if job.conclusion != "skipped"} == {
        "start": "success"
    }
    assert (only.event.name, only.event.ref) == ("workflow_dispatch", "refs/heads/main")
    assert only.conclusion == "failure"
    assert only.jobs["check"].steps["Check the tag"] == "failure"
    assert said in only.jobs["check"].log
    assert {job.conclusion for name, job in only.jobs.items() if name != "check"} == {"skipped"}
    assert tags(hosted) == before
    assert hosted.github.shelf(hosted.repository).releases == []


def test_a_tag_beside_main_is_refused(hosted: Hosted, clone: Project) -> None:
    clone.git("checkout", "--quiet", "-b", "side")
    (clone.root / "note.txt").write_text("not reviewed\n")
    clone.commit("Go another way")
    push(hosted, clone, "side")
    tagged(hosted, clone, "v1.0.0")
    refused(hosted, "which is not on main: only what was reviewed and proven there is released", {"v1.0.0"})


def test_a_commit_without_a_model_is_refused(hosted: Hosted, clone: Project) -> None:
    clone.git("rm", "--quiet", "dvc.lock")
    clone.commit("Forget the model")
    push(hosted, clone)
    tagged(hosted, clone, "v1.0.0", "--no-sign")
    refused(hosted, "which has no model: its dvc.lock lists no bundle. Run `make pipeline`", {"v1.0.0"})


def test_a_version_that_goes_back_is_refused(hosted: Hosted, clone: Project) -> None:
    message = "Register\n\nVersion: v1.1.0\n"
    clone.git("-c", "user.name=a", "-c", "user.email=a@b", "tag", "-a", "-m", message, "flight-delays@v1.1.0", "HEAD~1")
    hosted.github.tag(hosted.repository, "flight-delays@v1.1.0", clone.root)
    assert hosted.github.deliver(only=RELEASE) == []  # the registry's own tags release nothing
    tagged(hosted, clone, "v1.0.9")
    refused(hosted, "v1.0.9 goes back: v1.1.0 is released", {"flight-delays@v1.1.0", "v1.0.9"})


def test_where_the_settings_ask_for_signatures_only_those_of_the_list_count(
    hosted: Hosted, clone: Project, tmp_path: Path
) -> None:
    for who in ("ada", "eve"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / who], check=True)
    settings = clone.root / "pyproject.toml"
    assert SIGNED[0] in settings.read_text()
    settings.write_text(settings.read_text().replace(*SIGNED))
    (clone.root / "deploy").mkdir(exist_ok=True)
    public = (tmp_path / "ada.pub").read_text()
    (clone.root / "deploy/allowed_signers").write_text(f'ada@example.invalid namespaces="git,release" {public}')
    clone.commit("Ask for signatures")
    push(hosted, clone)
    tagged(hosted, clone, "v1.0.0")
    refused(hosted, "v1.0.0 has no signature by one of those in deploy/allowed_signers on main", {"v1.0.0"})
    clone.git("config", "gpg.format", "ssh")
    clone.git("config", "user.signingKey", str(tmp_path / "eve"))
    tagged(hosted, clone, "v1.0.1", "--sign", "--message", "v1.0.1")
    refused(hosted, "v1.0.1 has no signature by one of those", {"v1.0.0", "v1.0.1"})
    clone.git("config", "user.signingKey", str(tmp_path / "ada"))
    tagged(hosted, clone, "v1.0.2", "--sign", "--message", "v1.0.2")
    _, good = hosted.github.deliver(only=RELEASE, jobs={"start", "check"})
    assert good.conclusion == "success", why(good)
    assert "v1.0.2 may be released: the first one, signed by ada@example.invalid" in good.log


def test_what_is_no_version_is_told_so_or_starts_nothing(hosted: Hosted, clone: Project) -> None:
    tagged(hosted, clone, "v1.2.0!")
    tagged(hosted, clone, "vienna@v1.2.0")
    tagged(hosted, clone, "vienna#production#1")
    assert hosted.github.deliver(only=RELEASE) == []
    before = tags(hosted) | {"v1.2"}
    tagged(hosted, clone, "v1.2")
    refused(hosted, "the tag 'v1.2' is no version; a tag such as v1.2.0", before)


def test_without_a_host_nothing_is_deployed_and_what_to_set_is_said(hosted: Hosted) -> None:
    before = tags(hosted)
    hosted.github.dispatch(hosted.repository, "deploy.yml", action="deploy", version="v1.0.0")
    (done,) = hosted.github.deliver(only={"deploy.yml"})
    assert done.conclusion == "success", why(done)
    assert "Nothing is deployed, because the repository's variable `DEPLOY_HOST` is not set" in done.summary
    assert {name for name, job in done.jobs.items() if job.conclusion != "skipped"} == {"plan"}
    assert tags(hosted) == before
