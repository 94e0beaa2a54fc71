from __future__ import annotations

import hashlib
import json
import subprocess

import pytest
from library.clones import SETTINGS
from modelyard.errors import GitError
from modelyard.github.api import GitHubError
from modelyard.releasing.registry.candidate import image_of
from modelyard.releasing.registry.release import read_verdict
from modelyard.releasing.registry.tags import fetch_tags


def refused(clone, name: str, said: str) -> None:
    with pytest.raises(GitHubError, match=said):
        clone.run("release", "check", "--tag", name)


def test_a_good_tag_is_told_to_the_other_jobs(clone, capsys, monkeypatch):
    clone.tag("v1.0.0")
    monkeypatch.setenv("GITHUB_REPOSITORY_OWNER", "Acme")
    clone.run("release", "check", "--tag", "v1.0.0", "--fetch")
    commit = clone.git("rev-parse", "HEAD")
    assert capsys.readouterr().out == (
        f"tag=v1.0.0\nversion=1.0.0\ncommit={commit}\nbefore=\nfinal=true\nregistry=ghcr.io\n"
        "image=ghcr.io/acme/flights\nv1.0.0 may be released: the first one\n"
    )


def test_the_images_are_told_to_the_other_jobs(clone, capsys):
    name, digest = "ghcr.io/acme/flights", f"sha256:{'a' * 64}"
    (clone.root / "dist").mkdir()
    lines = f"{name}:1.0.0@{digest}\n{name}-pipeline:1.0.0@sha256:{'b' * 64}\n"
    (clone.root / "dist/image.txt").write_text(lines)
    with pytest.raises(GitHubError, match=r"bundle/manifest\.json is not there"):
        clone.run("release", "images")
    (clone.root / "bundle").mkdir()
    (clone.root / "bundle/manifest.json").write_text("{}")
    clone.run("release", "images")
    assert capsys.readouterr().out == (
        f"service={name}@{digest}\nservice_name={name}\nservice_digest={digest}\n"
        f"pipeline_name={name}-pipeline\npipeline_digest=sha256:{'b' * 64}\n"
        f"bundle={hashlib.sha256(b'{}').hexdigest()}\n"
    )


@pytest.mark.parametrize("text", ["", "flights:1.0.0\n", "a@sha256:1\nb@sha256:2\n", None])
def test_images_without_digest_are_refused(clone, text):
    (clone.root / "dist").mkdir()
    if text is not None:
        (clone.root / "dist/image.txt").write_text(text)
    with pytest.raises(GitHubError, match=r"dist/image\.txt .*by its digest"):
        clone.run("release", "images")


def test_the_next_version_knows_the_one_before_it_and_a_candidate_is_not_deployed(clone, capsys):
    first = clone.git("rev-parse", "HEAD")
    clone.release("v1.0.0")
    clone.commit()
    clone.tag("v1.1.0-rc.1")
    capsys.readouterr()
    clone.run("release", "check", "--tag", "v1.1.0-rc.1")
    shown = capsys.readouterr().out
    assert f"before={first}\nfinal=false\n" in shown
    assert "may be released: after v1.0.0" in shown
    assert "it is published as a pre-release, and not deployed" in shown


def test_a_checkout_that_made_the_tag_lightweight_is_mended_by_a_fetch(clone, capsys):
    clone.commit(settings=f"{SETTINGS}[tool.modelyard.release]\nannotated_tags = true\n")
    clone.tag("v1.0.0")
    clone.git("tag", "--force", "v1.0.0", "HEAD")  # as actions/checkout leaves it
    refused(clone, "v1.0.0", "lightweight")
    with pytest.raises(GitError, match="would clobber existing tag"):  # of a person's clone
        clone.run("release", "check", "--tag", "v1.0.0", "--fetch")
    fetch_tags(clone.root, "main", None, replace=True)
    clone.run("release", "check", "--tag", "v1.0.0")
    assert "may be released" in capsys.readouterr().out


def test_a_tag_that_is_not_on_main_is_refused(clone):
    clone.git("checkout", "--quiet", "-b", "side")
    clone.commit(push=False)
    clone.tag("v1.0.0")
    refused(clone, "v1.0.0", "is not on main: .* Merge it, then tag the commit that main has")


def test_a_version_that_goes_back_or_is_taken_is_refused(clone):
    clone.release("v1.1.0")
    clone.commit()
    clone.tag("v1.0.5")
    refused(clone, "v1.0.5", r"v1\.0\.5 goes back: v1\.1\.0 is released, so the next one must be higher")
    clone.git("tag", "--force", "--annotate", "--message", "again", "v1.1.0", "HEAD")
    refused(clone, "v1.1.0", r"released already, from .* and its tag was moved since")


def test_a_commit_has_one_version(clone):
    clone.release("v1.0.0")
    clone.tag("v1.0.1")
    refused(clone, "v1.0.1", r"is released as v1\.0\.0 already, and a commit has one version")


def test_a_release_may_be_run_again(clone, capsys):
    clone.release("v1.0.0")
    capsys.readouterr()
    clone.run("release", "check", "--tag", "v1.0.0")
    assert "may be released: the first one, once more" in capsys.readouterr().out


@pytest.mark.parametrize("lock", ["stages: {}\n", "schema: '2.0'\nstages:\n  train:\n    outs:\n    - path: model\n"])
def test_a_commit_without_a_model_is_refused(clone, lock):
    clone.commit(lock=lock)
    clone.tag("v1.0.0")
    refused(clone, "v1.0.0", "has no model: its dvc.lock lists no bundle. Run `make pipeline`")


def test_a_pre_release_is_one_that_packages_of_python_know(clone):
    clone.tag("v1.0.0-preview.1")
    refused(clone, "v1.0.0-preview.1", "no Python package can have that version; .* alpha, beta or rc")


def test_a_tag_that_is_not_there_is_refused(clone):
    refused(clone, "v1.0.0", "there is no tag v1.0.0 here")


def test_a_tag_object_under_another_name_is_refused(clone):
    own = clone.tag("v1.0.0")
    clone.git("update-ref", "refs/tags/v2.0.0", own)
    refused(clone, "v2.0.0", r"holds the object of the tag v1\.0\.0")


def test_main_must_be_known(clone):
    clone.tag("v1.0.0")
    clone.git("update-ref", "-d", "refs/remotes/origin/main")
    refused(clone, "v1.0.0", "origin/main is not known here")


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    """Two keys for signing: of one who may, and of a stranger."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("ada", "eve"):
        made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)]
        subprocess.run(made, check=True)
    return folder


def sign(clone, keys, name: str, who: str) -> None:
    key = ["-c", "gpg.format=ssh", "-c", f"user.signingKey={keys / who}"]
    clone.git(*key, "tag", "--sign", "--message", name, name)
    clone.git("push", "--quiet", "origin", name)


SIGNED = f"{SETTINGS}release = {{signed_tags = true}}\n"


def signers(keys, who: str) -> str:
    return f'{who}@example.invalid namespaces="git" {(keys / f"{who}.pub").read_text()}'


def test_a_tag_signed_by_one_of_the_list_may_be_released(clone, keys, capsys):
    clone.commit(settings=SIGNED, signers=signers(keys, "ada"))
    sign(clone, keys, "v1.0.0", "ada")
    clone.run("release", "check", "--tag", "v1.0.0")
    assert "the first one, signed by ada@example.invalid" in capsys.readouterr().out


def test_a_tag_that_nobody_of_the_list_signed_is_refused(clone, keys):
    clone.commit(settings=SIGNED, signers=signers(keys, "ada"))
    clone.tag("v1.0.0")
    refused(clone, "v1.0.0", "has no signature by one of those in deploy/allowed_signers")
    sign(clone, keys, "v1.0.1", "eve")
    refused(clone, "v1.0.1", "has no signature by one of those in deploy/allowed_signers")
    clone.tag("v1.0.2", "HEAD", "--no-sign")
    refused(clone, "v1.0.2", "is a lightweight tag, and pyproject.toml requires signed ones")


def test_without_a_list_nobody_may_sign(clone):
    clone.commit(settings=SIGNED)
    clone.tag("v1.0.0")
    refused(clone, "v1.0.0", "deploy/allowed_signers on main lists nobody who may sign")


def test_the_policy_and_the_list_are_those_of_main_and_not_of_the_tagged_commit(clone, keys):
    clone.commit(settings=f"{SETTINGS}release = {{signed_tags = false}}\n", signers=signers(keys, "eve"))
    sign(clone, keys, "v1.0.0", "eve")
    clone.commit(settings=SIGNED, signers=signers(keys, "ada"))
    refused(clone, "v1.0.0", "has no signature by one of those")


@pytest.mark.parametrize(
    ("given", "host", "image"),
    [
        ("", "ghcr.io", "ghcr.io/acme/flights"),
        ("registry.example.com:5000/ml/", "registry.example.com:5000", "registry.example.com:5000/ml/flights"),
        ("localhost", "localhost", "localhost/flights"),
    ],
)  # fmt: skip
def test_the_registry_of_images(given, host, image):
    assert image_of(given, "Acme", "Flights") == (host, image)


@pytest.mark.parametrize("given", ["acme/models", "ghcr.io//x", "ghcr.io/a b", "https://ghcr.io/acme", "$(id).io/x"])
def test_what_is_no_registry_is_refused(given):
    with pytest.raises(GitHubError, match=r"IMAGE_REGISTRY is .*: a host, and where in it, are needed"):
        image_of(given, "acme", "flights")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"verdict": "blocked", "reason": "roc_auc at least 0.65"}', "the model is blocked: roc_auc at least"),
        ('{"verdict": "unjudged", "reason": "no champion"}', "the model is unjudged"),
        ("[]", "holds no verdict"),
        ("no JSON", "holds no verdict"),
        (None, "holds no verdict .*; run `make gate` first"),
    ],
)
def test_only_a_model_that_may_ship_is_released(tmp_path, text, said):
    if text is not None:
        (tmp_path / "verdict.json").write_text(text)
    with pytest.raises(GitHubError, match=said):
        read_verdict(tmp_path / "verdict.json")


def test_the_notes_say_what_changed_and_how_good_it_is(clone):
    clone.release("v1.0.0")
    clone.commit("Fix #7 for @octocat, see <script> [x](https://evil.example)")
    clone.commit("Grow more trees")
    clone.tag("v1.1.0")
    clone.judge()
    (clone.root / "dist").mkdir()
    (clone.root / "dist/flights.whl").write_text("wheel")
    clone.run("release", "notes", "--tag", "v1.1.0", "--image", f"ghcr.io/acme/flights@sha256:{'a' * 64}")
    text = (clone.root / "reports/notes.md").read_text()
    lines = text.splitlines()
    assert f"- Bundle: `{'b' * 64}`" in lines
    assert f"- Image: `ghcr.io/acme/flights@sha256:{'a' * 64}`" in lines
    changes = [line for line in lines if line.endswith(", Ada)")]
    assert changes[0].startswith("- Grow more trees (")
    assert "@\u2060octocat" in changes[1]
    assert "\\<script\\>" in changes[1]
    assert len(changes) == 2
    assert "| metric | v1.1.0 | 95 % interval | v1.0.0 |" in lines
    assert "| roc_auc | 0.7200 | 0.6000 to 0.9000 | 0.7000 |" in lines

    assert any(line.startswith("| `flights.whl` | 5 | `ba599261") for line in lines)


def test_the_first_release_has_no_other_to_compare_with(clone):
    clone.tag("v1.0.0")
    clone.judge()
    clone.run("release", "notes", "--tag", "v1.0.0")
    text = (clone.root / "reports/notes.md").read_text()
    assert "| metric | v1.0.0 | 95 % interval |\n" in text
    assert "Generate the project" in text
    assert "## Files" not in text


def test_a_metric_that_is_no_number_is_left_open(clone):
    (clone.root / "evaluation/metrics.json").write_text(json.dumps({"holdout": {"rmse": {"value": None}}}))
    clone.git("commit", "--all", "--quiet", "--message", "Odd")
    clone.git("push", "--quiet", "origin", "HEAD:main")
    clone.tag("v1.0.0")
    clone.judge()
    clone.run("release", "notes", "--tag", "v1.0.0")
    assert "| rmse | - | - to - |" in (clone.root / "reports/notes.md").read_text()
