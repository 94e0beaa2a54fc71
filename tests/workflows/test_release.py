"""What a tag starts: a release that goes all the way, or stops for a stated reason with nothing public."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from conftest import BIN, Project, run

from . import engine
from .hosted import NAME, Hosted, push_of_main, restore_caches, seeded, why
from .local import GitHub, Run

RELEASE = {"release.yml"}
VERSION = "7.31.0"  # no other test makes images of that version
SIGNED = "release:\n  annotated_tags: false\n  signed_tags: true\n"


def tagged(hosted: Hosted, clone: Project, name: str, *how: str, commit: str = "HEAD") -> None:
    """Tag a commit of a clone, and push that tag as a person."""
    who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.invalid"]
    clone.git(*who, "tag", "--force", *(how or ("--annotate", "--message", name)), name, commit)
    hosted.github.tag(hosted.repository, name, clone.root)


def tags(hosted: Hosted) -> set[str]:
    """All tags on GitHub."""
    return {ref.removeprefix("refs/tags/") for ref in hosted.repository.refs() if ref.startswith("refs/tags/")}


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
    (only,) = hosted.github.deliver(only=RELEASE)
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


def test_where_policy_asks_for_signatures_only_those_of_the_list_count(
    hosted: Hosted, clone: Project, tmp_path: Path
) -> None:
    for who in ("ada", "eve"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / who], check=True)
    policy = clone.root / "policy.yaml"
    policy.write_text(policy.read_text().partition("release:")[0] + SIGNED)
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
    (good,) = hosted.github.deliver(only=RELEASE, jobs={"check"})
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


# One release that goes all the way, looked at from several sides
whole = pytest.mark.xdist_group("release")


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A release of a public repository: first with a password that the registry refuses, then with the right one."""
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
        clone = Project(folder / "flight-delays")
        run(["git", "clone", "--quiet", project.root, clone.root], folder)
        tagged(hosted, clone, f"v{VERSION}")
        (first,) = github.deliver(only=RELEASE)
        left = tags(hosted), list(github.shelf(repository).releases), registry.images()
        github.secrets["REGISTRY_PASSWORD"] = engine.PASSWORD
        github.rerun(first)
        (second,) = github.deliver(only=RELEASE)
        yield SimpleNamespace(
            hosted=hosted, clone=clone, registry=registry, refused=first, left=left, run=second, folder=folder
        )
    finally:
        registry.stop()
        github.stop()
        engine.forget(f":{VERSION}")


def published(released: SimpleNamespace) -> dict[str, bytes]:
    """The files of the release by their names."""
    (release,) = released.hosted.github.shelf(released.hosted.repository).releases
    return {asset.name: asset.content for asset in release.assets}


@whole
def test_a_registry_that_refuses_is_told_before_anything_is_built_and_leaves_nothing(released: SimpleNamespace) -> None:
    first: Run = released.refused
    assert first.conclusion == "failure"
    steps = first.jobs["package"].steps
    assert [name for name, ended in steps.items() if ended == "failure"] == ["Log in to the registry"]
    assert "401 Unauthorized" in first.jobs["package"].log
    assert steps["Package"] == "skipped"
    assert first.jobs["publish"].conclusion == "skipped"
    assert released.left == ({f"v{VERSION}"}, [], [])


@whole
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
    assert "Nothing is deployed, because the repository's variable `DEPLOY_HOST` is not set" in done.summary


@whole
def test_the_images_are_in_the_registry_by_the_digests_that_were_released(released: SimpleNamespace) -> None:
    registry: engine.Registry = released.registry
    assert registry.images() == ["octo/flight-delays", "octo/flight-delays-pipeline"]
    lines = published(released)["image.txt"].decode().splitlines()
    for name, line in zip(registry.images(), lines, strict=True):
        assert line == f"{registry.address}/{name}:{VERSION}@{registry.digest(name, VERSION)}"


@whole
def test_each_file_and_image_is_attested(released: SimpleNamespace) -> None:
    kept = released.hosted.github.shelf(released.hosted.repository).attestations
    subjects = {name: digest for one in kept for name, digest in one.subjects.items()}
    for name, content in published(released).items():
        if not name.startswith("SHA256SUMS"):
            assert subjects[name] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    for name in released.registry.images():
        assert subjects[f"{released.registry.address}/{name}"] == released.registry.digest(name, VERSION)


@whole
def test_the_version_is_registered_by_the_run_with_its_verdict(released: SimpleNamespace) -> None:
    hosted: Hosted = released.hosted
    assert tags(hosted) == {f"v{VERSION}", f"flight-delays@v{VERSION}"}
    said = hosted.repository.git("cat-file", "tag", f"refs/tags/flight-delays@v{VERSION}") + "\n"
    image = published(released)["image.txt"].decode().splitlines()[0].replace(f":{VERSION}@", "@")
    assert f"\nImage: {image}\n" in said
    assert f"\nRun: {hosted.github.url}/{NAME}/actions/runs/{released.run.id}\n" in said
    assert "\nActor: author\n" in said
    assert "\nVerdict: ships: " in said
    digest = hashlib.sha256((hosted.project.root / "bundle/manifest.json").read_bytes()).hexdigest()
    assert f"\nBundle: {digest}\n" in said


@whole
def test_the_registry_is_read_by_anyone_with_a_clone(released: SimpleNamespace, tmp_path: Path) -> None:
    run(["git", "clone", "--quiet", released.hosted.repository.path, tmp_path / "clone"], tmp_path)
    shown = run([BIN / "python", "-m", "ops.github", "history", "--json"], tmp_path / "clone")
    told = json.loads(shown)
    assert (told["versions"], told["faults"]) == ([f"v{VERSION}"], [])


@whole
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
        "PYTHONPATH": str(released.clone.root),
    }
    command = [BIN / "python", "-m", "ops.github", "publish", "--tag", f"v{VERSION}", "--notes", "notes.md"]
    github.broken_uploads = 1
    assert "GitHub answered 502" in run(command, tmp_path, known, ok=False)
    (release,) = github.shelf(other).releases
    assert release.draft
    assert [asset.state for asset in release.assets] == ["starter"]
    assert "released: " in run(command, tmp_path, known)
    assert not release.draft
    assert {asset.name: asset.content for asset in release.assets} == published(released)
    assert "released already: " in run(command, tmp_path, known)
