"""One release that goes all the way, from its tag to the requests of production, looked at from several sides.

Before it an older version serves there, as a person has put it. After it production is rolled back by the workflow, and
a version that does harm is tried.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from release.conftest import needed
from release.drill import ROUTER
from release.load import Answers

from projects import BIN, run

from . import engine
from .hosted import NAME, Hosted, push_of_main, restore_caches, seeded, tagged, tags, why
from .local import GitHub, Run
from .served import BAD, OLD, Served, served

pytestmark = pytest.mark.xdist_group("release")

VERSION = "7.31.0"  # no other test makes images of that version
BEFORE = {f"v{OLD}", f"flight-delays@v{OLD}", "flight-delays#production#1"}
RELEASED = {f"v{VERSION}", f"flight-delays@v{VERSION}", "flight-delays#staging#2", "flight-delays#production#3"}
REQUESTS = 200  # that a canary answers before it is promoted; see `shorten`


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A release of a public repository: first with a password that the registry refuses, then with the right one."""
    needed(ROUTER)
    project, kept = seeded(tmp_path_factory)
    folder = tmp_path_factory.mktemp("release")
    registry, github = engine.Registry(folder), GitHub(folder / "github")
    try:
        repository = push_of_main(github, project)
        repository.private = False
        restore_caches(github, repository, kept)
        hosted = Hosted(github, repository, project)
        github.variables |= {"IMAGE_REGISTRY": f"{registry.address}/Octo", "BASE_IMAGE": engine.base_image()}
        github.secrets |= {"REGISTRY_USER": engine.USER, "REGISTRY_PASSWORD": "wrong"}
        with served(hosted, registry, folder) as host:
            host.commit("Change what is released")
            tagged(hosted, host.clone, f"v{VERSION}")
            _, first = github.deliver(only={"release.yml"})
            left = tags(hosted), list(github.shelf(repository).releases), registry.images()
            github.secrets["REGISTRY_PASSWORD"] = engine.PASSWORD
            github.rerun(first)
            with host.clients(after_staging=True) as answers:
                second, deployed = github.deliver(only={"release.yml", "deploy.yml"})
            serves = {stage: host.serves(stage) for stage in host.stages}
            yield SimpleNamespace(
                hosted=hosted,
                host=host,
                registry=registry,
                refused=first,
                left=left,
                run=second,
                deployed=deployed,
                tags=tags(hosted),
                answers=answers,
                serves=serves,
            )
    finally:
        registry.stop()
        github.stop()
        engine.forget(f":{VERSION}")


def by_hand(released: SimpleNamespace, **inputs: str) -> tuple[Run, Answers]:
    """A run of deploy.yml that a person starts, and what production's clients got meanwhile."""
    hosted: Hosted = released.hosted
    hosted.github.dispatch(hosted.repository, "deploy.yml", **inputs)
    with released.host.clients() as answers:
        (done,) = hosted.github.deliver(only={"deploy.yml"})
    return done, answers


def decided(done: Run) -> dict[str, Any]:
    """What a run's deployment to production was, as it was kept."""
    found: dict[str, Any] = json.loads(done.artifacts["deployment"]["deploy.json"])
    return found


def show(capsys: pytest.CaptureFixture[str], what: str, done: Run, answers: Answers) -> None:
    with capsys.disabled():
        print("", f"{what}:", *decided(done)["lines"], f"clients of production: {answers}", sep="\n")


def trailers(hosted: Hosted, tag: str) -> str:
    """What a tag of the registry says."""
    return hosted.repository.git("cat-file", "tag", f"refs/tags/{tag}") + "\n"


def history(released: SimpleNamespace, folder: Path) -> dict[str, Any]:
    """What anyone with a clone is told."""
    run(["git", "clone", "--quiet", released.hosted.repository.path, folder / "clone"], folder)
    found: dict[str, Any] = json.loads(run([BIN / "python", "vendor/yard", "history", "--json"], folder / "clone"))
    return found


def published(released: SimpleNamespace) -> dict[str, bytes]:
    """The files of the release by their names."""
    (release,) = released.hosted.github.shelf(released.hosted.repository).releases
    return {asset.name: asset.content for asset in release.assets}


def test_a_registry_that_refuses_is_told_before_anything_is_built_and_leaves_nothing(released: SimpleNamespace) -> None:
    first: Run = released.refused
    assert first.conclusion == "failure"
    steps = first.jobs["package"].steps
    assert [name for name, ended in steps.items() if ended == "failure"] == ["Log in to the registry"]
    assert "401 Unauthorized" in first.jobs["package"].log
    assert steps["Package"] == "skipped"
    assert first.jobs["publish"].conclusion == "skipped"
    assert released.left == (BEFORE | {f"v{VERSION}"}, [], ["octo/flight-delays"])
    assert released.registry.digest("octo/flight-delays", OLD)


def test_a_good_tag_is_released_with_its_files(released: SimpleNamespace) -> None:
    done: Run = released.run
    assert done.conclusion == "success", why(done)
    (release,) = released.hosted.github.shelf(released.hosted.repository).releases
    assert (release.tag, release.draft, release.prerelease) == (f"v{VERSION}", False, False)
    files = published(released)
    kinds = {name.rpartition(".")[2] for name in files}
    assert {"whl", "pyz", "json", "md", "txt", "SHA256SUMS"} <= kinds
    for line in files["SHA256SUMS"].decode().splitlines():
        digest, _, name = line.partition("  ")
        assert hashlib.sha256(files[name.lstrip("*")]).hexdigest() == digest
    assert "## Changes" in release.body
    assert "| roc_auc |" in release.body
    assert "`SHA256SUMS`" in release.body


def test_the_images_are_in_the_registry_by_the_digests_that_were_released(released: SimpleNamespace) -> None:
    registry: engine.Registry = released.registry
    assert registry.images() == ["octo/flight-delays", "octo/flight-delays-pipeline"]
    lines = published(released)["image.txt"].decode().splitlines()
    for name, line in zip(registry.images(), lines, strict=True):
        assert line == f"{registry.address}/{name}:{VERSION}@{registry.digest(name, VERSION)}"


def test_each_file_and_image_is_attested(released: SimpleNamespace) -> None:
    kept = released.hosted.github.shelf(released.hosted.repository).attestations
    subjects = {name: digest for one in kept for name, digest in one.subjects.items()}
    for name, content in published(released).items():
        if not name.startswith("SHA256SUMS"):
            assert subjects[name] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    for name in released.registry.images():
        assert subjects[f"{released.registry.address}/{name}"] == released.registry.digest(name, VERSION)


def test_the_version_is_registered_by_the_run_with_its_verdict(released: SimpleNamespace) -> None:
    hosted: Hosted = released.hosted
    assert released.tags == BEFORE | RELEASED
    said = trailers(hosted, f"flight-delays@v{VERSION}")
    image = published(released)["image.txt"].decode().splitlines()[0].replace(f":{VERSION}@", "@")
    assert f"\nImage: {image}\n" in said
    assert f"\nRun: {hosted.github.url}/{NAME}/actions/runs/{released.run.id}\n" in said
    assert "\nTagger: Ada\n" in said
    assert "\nVerdict: ships: " in said
    digest = hashlib.sha256((hosted.project.root / "bundle/manifest.json").read_bytes()).hexdigest()
    assert f"\nBundle: {digest}\n" in said


def test_each_job_of_the_release_has_done_its_part(released: SimpleNamespace) -> None:
    wanted = dict.fromkeys(("check", "prove", "package", "publish", "deploy"), "success") | {"start": "skipped"}
    assert {name: job.conclusion for name, job in released.run.jobs.items()} == wanted
    of_deploy = ("plan", "staging", "production", "register-staging", "register-production")
    assert released.deployed.conclusion == "success", why(released.deployed)
    assert {name: job.conclusion for name, job in released.deployed.jobs.items()} == dict.fromkeys(of_deploy, "success")
    assert "is attested by release.yml of main" in released.deployed.jobs["plan"].log
    assert released.serves == {"staging": VERSION, "production": VERSION}


def test_the_canary_was_promoted_without_a_failed_request(
    released: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    record, answers = decided(released.deployed), released.answers
    show(capsys, f"the release of {VERSION}", released.deployed, answers)
    assert (record["action"], record["stage"], record["result"]) == ("canary", "production", "promoted")
    assert (record["release"]["version"], record["serves"]["version"]) == (VERSION, VERSION)
    assert record["decisions"][-1]["word"] == "promote"
    assert record["decisions"][-1]["requests"] >= REQUESTS
    assert answers.failed.total() == 0
    assert answers.good["canary"] >= REQUESTS
    assert answers.good["stable"] >= REQUESTS


def test_each_stage_is_registered_by_the_run_with_its_verdict(released: SimpleNamespace) -> None:
    requests = decided(released.deployed)["decisions"][-1]["requests"]
    for tag, verdict in {
        "flight-delays#staging#2": "deployed, and the smoke test passed",
        "flight-delays#production#3": f" serves alone: nothing harmful in {requests} requests",
    }.items():
        said = trailers(released.hosted, tag)
        assert f"\nVersion: v{VERSION}\n" in said
        assert f"\nRun: {released.hosted.github.url}/{NAME}/actions/runs/{released.deployed.id}\n" in said
        (line,) = (line for line in said.splitlines() if line.startswith("Verdict: "))
        assert line.endswith(verdict)


def test_the_registry_is_read_by_anyone_with_a_clone(released: SimpleNamespace, tmp_path: Path) -> None:
    told = history(released, tmp_path)
    assert (told["versions"][:2], told["faults"]) == ([f"v{OLD}", f"v{VERSION}"], [])
    in_production = [one["version"] for one in told["assignments"] if one["stage"] == "production"]
    assert in_production[:2] == [f"v{OLD}", f"v{VERSION}"]


def test_an_upload_that_breaks_off_leaves_a_draft_and_goes_on_when_run_again(
    released: SimpleNamespace, tmp_path: Path
) -> None:
    """With the very command of the workflow, on the files of the release, in a repository that has it not yet."""
    github: GitHub = released.hosted.github
    other = github.create("octo/other", private=False)
    github.push(other, "main", {"README.md": "other"})
    github.push(other, f"refs/tags/v{VERSION}", {"README.md": "other"})
    github.deliver(only=())
    (tmp_path / "dist").mkdir()
    for name, content in published(released).items():
        (tmp_path / "dist" / name).write_bytes(content)
    (tmp_path / "notes.md").write_text("Notes\n")
    known = {
        "GITHUB_API_URL": github.url,
        "GITHUB_REPOSITORY": "octo/other",
        "GITHUB_TOKEN": github.token({"contents": "write"}),
        "GH_TOKEN": "",
    }
    yard = released.host.clone.root / "vendor/yard"
    command = [BIN / "python", yard, "publish", "--tag", f"v{VERSION}", "--notes", "notes.md"]
    github.broken_uploads = 1
    assert "GitHub answered 502" in run(command, tmp_path, known, ok=False)
    (release,) = github.shelf(other).releases
    assert release.draft
    assert [asset.state for asset in release.assets] == ["starter"]
    assert "released: " in run(command, tmp_path, known)
    assert not release.draft
    assert {asset.name: asset.content for asset in release.assets} == published(released)
    assert "released already: " in run(command, tmp_path, known)


def test_a_rollback_by_hand_brings_back_what_served_before(
    released: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tags(released.hosted)
    done, answers = by_hand(released, action="rollback")
    assert done.conclusion == "success", why(done)
    show(capsys, "the rollback", done, answers)
    assert done.jobs["staging"].conclusion == "skipped"
    assert released.host.serves("production") == OLD
    assert answers.failed.total() == 0
    assert answers.good.total() > 0
    (new,) = tags(released.hosted) - before
    said = trailers(released.hosted, new)
    assert new.startswith("flight-delays#production#")
    assert f"\nVersion: v{OLD}\n" in said
    assert f"/actions/runs/{done.id}\n" in said


def test_a_version_that_does_harm_is_tried_and_refused(
    released: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    host: Served = released.host
    served_before = host.serves("production")
    host.put_up_bad(host.images[OLD])
    before = tags(released.hosted)
    refused, _ = by_hand(released, action="deploy", version=f"v{BAD}")  # no release has made it
    assert refused.jobs["plan"].conclusion == "failure"
    assert "so nothing proves that release.yml made its image" in refused.jobs["plan"].log
    released.hosted.repository.private = True  # which has no attestations
    done, answers = by_hand(released, action="deploy", version=f"v{BAD}")
    show(capsys, f"the trial of {BAD}, which fails requests", done, answers)
    record = decided(done)
    assert (record["result"], record["decisions"][-1]["word"]) == ("rolled back", "roll back")
    assert record["reason"].startswith("errors harmful")
    assert done.conclusion == "failure"
    conclusions = {name: job.conclusion for name, job in done.jobs.items()}
    assert conclusions == {
        "plan": "success",
        "staging": "success",
        "production": "failure",
        "register-staging": "success",
        "register-production": "skipped",
    }
    assert host.serves("production") == served_before
    assert {tag.rpartition("#")[0] for tag in tags(released.hosted) - before} == {"flight-delays#staging"}
    assert 0 < answers.failed.total() <= record["decisions"][-1]["requests"]
