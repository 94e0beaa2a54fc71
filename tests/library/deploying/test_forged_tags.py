"""Tags, files and images that somebody makes who may push: none of them is deployed, promoted or put into a stage.

The tags are real ones in clones with an origin, and the signatures OpenSSH's; GitHub is the one of these tests.
"""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import types
from collections.abc import Callable
from pathlib import Path

import github_cli
import pytest
from library.clones import SETTINGS, Clone
from library.github_server import REPOSITORY, TOKEN, GitHub
from modelyard.deploying import deployment
from modelyard.errors import YardError
from modelyard.releasing.packaging.signature import sign
from modelyard.releasing.packaging.sums import write_sums
from modelyard.releasing.registry.evidence import signs_releases

OWN = "example.org/flights"
GOOD, OTHER = (f"sha256:{letter * 64}" for letter in "ac")  # `Clone.release` registers the first one
SERVER = "https://github.com"
MADE_BY = f"{SERVER}/{REPOSITORY}/.github/workflows/release.yml@refs/heads/main"
Deploy = Callable[..., str]


@pytest.fixture
def deploy(clone: Clone, github: GitHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deploy:
    """Runs `deployment` for an action on a version, as deploy.yml does; returns what later jobs are told."""
    (tmp_path / "bin").mkdir()
    github_cli.install(tmp_path / "bin")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    for name, value in {
        "DEPLOY_HOST": "ssh://deploy@host",
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_SERVER_URL": SERVER,
        "GITHUB_API_URL": github.url,
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "IMAGE_REGISTRY": "example.org",
    }.items():
        monkeypatch.setenv(name, value)

    def run(version: str = "v1.0.0", action: str = "deploy", attested: bool = False) -> str:
        monkeypatch.setenv("ATTESTED", str(attested).lower())
        (tmp_path / "output").write_text("")
        with contextlib.chdir(clone.root):
            deployment.main(["--action", action, "--version", version])
        return (tmp_path / "output").read_text()

    return run


def refused(deploy: Deploy, said: str, version: str = "v1.0.0", attested: bool = False) -> None:
    """Neither a deployment nor a promotion of the version begins."""
    for action in ("deploy", "promote"):
        with pytest.raises(YardError, match=said):
            deploy(version, action, attested)


def forge(clone: Clone, version: str, image: str, commit: str = "HEAD", pipeline: str = "") -> None:
    """Both tags of a version with all that `register` writes, made by hand."""
    own = clone.tag(version, commit)
    target = clone.git("rev-parse", f"{commit}^{{commit}}")
    previous = [clone.git("rev-parse", one) for one in clone.git("tag", "--list", "flights@*").split()]
    lines = [f"Version: {version}", f"Tag: {own}", f"Bundle: {'b' * 64}", f"Image: {image}", f"Commit: {target}"]
    lines += [f"Pipeline: {pipeline}"] if pipeline else []
    lines += ["Actor: Ada", "Run: by hand", *(f"Previous: {one}" for one in previous)]
    clone.moment += 60
    message = f"Register flights {version}\n\n" + "\n".join(lines)
    clone.tag(f"flights@{version}", commit, "--annotate", "--message", message)


def released(clone: Clone, image: str, version: str = "1.0.0") -> Path:
    """The files that a release on GitHub has of an image."""
    dist = clone.root / "dist"
    dist.mkdir(exist_ok=True)
    name, _, digest = image.partition("@")
    (dist / "image.txt").write_text(f"{name}:{version}@{digest}\n{name}-pipeline:{version}@{digest}\n")
    write_sums(dist)
    return dist


def publish(github: GitHub, dist: Path, version: str = "v1.0.0") -> None:
    """Make a public release of a folder's files."""
    assets = []
    for path in sorted(dist.iterdir()):
        number = github.number()
        github.contents[number] = path.read_bytes()
        assets.append({"id": number, "name": path.name})
    number = github.number()
    github.releases[number] = {"id": number, "tag_name": version, "draft": False, "assets": assets}


def attest(github: GitHub, dist: Path, identity: str = MADE_BY) -> None:
    """Say that a workflow has made the file that names the images."""
    digest = hashlib.sha256((dist / "image.txt").read_bytes()).hexdigest()
    github.attestations[f"sha256:{digest}"] = [identity]


def test_what_a_release_has_registered_is_deployed(clone, deploy, capsys) -> None:
    clone.release("v1.0.0")
    assert f"production=canary --version 1.0.0 --image {OWN}@{GOOD} --bundle-sha256 " in deploy()
    assert "no signature or attestation proves who made" in capsys.readouterr().out
    assert f"production=promote --version 1.0.0 --image {OWN}@{GOOD} " in deploy(action="promote")


def test_a_tag_on_a_commit_that_is_not_on_main_is_refused(clone, deploy) -> None:
    clone.git("checkout", "--quiet", "-b", "side")
    clone.commit(push=False)
    forge(clone, "v9.9.9", f"{OWN}@{OTHER}")
    refused(deploy, r"flights@v9\.9\.9 names [0-9a-f]{7}, which is not on main", "v9.9.9")
    with pytest.raises(YardError, match="which is not on main; nothing is registered"):
        clone.run("register", "stage", "production", "--version", "v9.9.9", "--verdict", "x")
    assert clone.git("ls-remote", "origin", "refs/tags/flights#*") == ""


@pytest.mark.parametrize("name", ["ghcr.io/attacker/x", f"{OWN}-pipeline", "example.org/other/flights", "flights"])
def test_an_image_of_another_repository_is_refused(clone, deploy, name) -> None:
    forge(clone, "v9.9.9", f"{name}@{OTHER}")
    refused(deploy, f"the images of this project are in {OWN}: it is not deployed", "v9.9.9")


@pytest.mark.parametrize("pipeline", ["ghcr.io/attacker/x", OWN])
def test_a_pipeline_of_another_repository_is_refused(clone, deploy, pipeline) -> None:
    forge(clone, "v9.9.9", f"{OWN}@{OTHER}", pipeline=f"{pipeline}@{OTHER}")
    refused(deploy, f"registers the image {pipeline}@.* of this project are in {OWN}-pipeline: it is not", "v9.9.9")


def test_the_pipeline_of_a_release_is_deployed_and_no_other(clone, deploy, github) -> None:
    dist = released(clone, f"{OWN}@{GOOD}")
    forge(clone, "v1.0.0", f"{OWN}@{GOOD}", pipeline=f"{OWN}-pipeline@{GOOD}")
    publish(github, dist)
    attest(github, dist)
    assert f" --pipeline-image {OWN}-pipeline@{GOOD}\n" in deploy(attested=True)

    forge(clone, "v1.1.0", f"{OWN}@{GOOD}", pipeline=f"{OWN}-pipeline@{OTHER}")
    dist = released(clone, f"{OWN}@{GOOD}", "1.1.0")
    publish(github, dist, "v1.1.0")
    attest(github, dist)
    refused(deploy, f"it is registered with {OWN}-pipeline:1.1.0@{OTHER}, and image.txt", "v1.1.0", attested=True)


def lightweight(clone: Clone) -> None:
    clone.tag("flights@v9.9.9", "HEAD", "--no-sign")


def without_its_release(clone: Clone) -> None:
    clone.tag("flights@v9.9.9", "HEAD", "--annotate", "--message", f"x\n\nVersion: v9.9.9\nImage: {OWN}@{OTHER}")


def at_another_commit(clone: Clone) -> None:
    forge(clone, "v9.9.9", f"{OWN}@{OTHER}")
    clone.commit()
    message = clone.git("for-each-ref", "--format=%(contents)", "refs/tags/flights@v9.9.9")
    message = message.replace(clone.git("rev-parse", "HEAD~1"), clone.git("rev-parse", "HEAD"))
    clone.git("push", "--quiet", "origin", ":refs/tags/flights@v9.9.9")
    clone.tag("flights@v9.9.9", "HEAD", "--force", "--annotate", "--message", message)


def beside_the_chain(clone: Clone) -> None:
    clone.release("v1.0.0")
    clone.commit()
    own = clone.tag("v9.9.9")
    message = f"x\n\nVersion: v9.9.9\nTag: {own}\nImage: {OWN}@{OTHER}\nCommit: {clone.git('rev-parse', 'HEAD')}"
    clone.tag("flights@v9.9.9", "HEAD", "--annotate", "--message", message)


def moved(clone: Clone) -> None:
    clone.release("v9.9.9")
    clone.commit()
    clone.git("tag", "--force", "--annotate", "--message", "v9.9.9", "v9.9.9", "HEAD")
    clone.git("push", "--quiet", "--force", "origin", "refs/tags/v9.9.9")


def put_into_a_stage(clone: Clone) -> None:
    clone.release("v9.9.9")
    clone.tag("flights#production#1", "HEAD", "--annotate", "--message", "x\n\nVersion: v9.9.9\nStage: production")


FAULTS = {
    lightweight: "lightweight tag",
    without_its_release: r"v9\.9\.9 was released, and its tag was deleted since",
    at_another_commit: r"flights@v9\.9\.9 points to [0-9a-f]{12}, and v9\.9\.9 to ",
    beside_the_chain: "names no tag before it, and it is not the first one",
    moved: r"v9\.9\.9 was moved",
    put_into_a_stage: "says that the image of v9.9.9 is another",
}


@pytest.mark.parametrize(("forged", "said"), FAULTS.items(), ids=[one.__name__ for one in FAULTS])
def test_a_registry_with_faults_is_followed_nowhere(clone, deploy, forged: types.FunctionType, said: str) -> None:
    forged(clone)
    refused(deploy, rf"the tags of the registry have [0-9]+ faults?,(.|\n)*{said}", "v9.9.9")
    with pytest.raises(SystemExit):
        clone.run("history")
    clone.judge()
    clone.commit()
    clone.tag("v10.0.0")
    before = clone.git("ls-remote", "--tags", "origin")
    for words in (
        ("release", "check", "--tag", "v10.0.0"),
        ("register", "version", "--tag", "v10.0.0"),
        ("register", "stage", "production", "--version", "v9.9.9", "--verdict", "x"),
    ):
        with pytest.raises(YardError, match="the tags of the registry have"):
            clone.run(*words)
    assert clone.git("ls-remote", "--tags", "origin") == before
    assert "production=rollback" in deploy("", "rollback")


def test_a_fault_that_nobody_can_mend_is_accepted_on_main_and_no_other(clone, deploy) -> None:
    clone.release("v1.0.0")
    clone.tag("flights@x")
    fault = "flights@x is no tag that `register` makes; who made it?"
    policy = f"[tool.modelyard.release]\naccepted_faults = [{fault!r}]\n"
    clone.git("checkout", "--quiet", "-b", "side")
    clone.commit(push=False, settings=f"{SETTINGS}{policy}")
    refused(deploy, "the tags of the registry have 1 fault, so")
    clone.git("push", "--quiet", "origin", "HEAD:main")
    assert f"--image {OWN}@{GOOD} " in deploy()
    clone.tag("flights@y")
    refused(deploy, "the tags of the registry have 1 fault, so")


@pytest.mark.parametrize(
    ("identity", "said"),
    [
        (None, "HTTP 404"),
        (MADE_BY.replace("release.yml", "train.yml"), "expected SAN value to match"),
        (MADE_BY.replace("heads/main", "heads/side"), "expected SAN value to match"),
        (MADE_BY.replace("heads/main", "tags/v9.9.9"), "expected SAN value to match"),
        (MADE_BY.replace(REPOSITORY, "attacker/flights"), "expected SAN value to match"),
    ],
)
def test_an_image_that_mains_release_workflow_has_not_attested_is_refused(
    clone, github, deploy, identity: str | None, said: str
) -> None:
    forge(clone, "v1.0.0", f"{OWN}@{OTHER}")
    dist = released(clone, f"{OWN}@{OTHER}")
    publish(github, dist)
    if identity:
        attest(github, dist, identity)
    refused(deploy, rf"nothing proves that release\.yml of main made {OWN}(.|\n)*{said}", attested=True)


def test_an_attestation_of_mains_release_workflow_counts_for_its_own_image_only(clone, github, deploy, capsys) -> None:
    forge(clone, "v1.0.0", f"{OWN}@{GOOD}")
    refused(deploy, "there is no public release of it on GitHub", attested=True)
    dist = released(clone, f"{OWN}@{GOOD}")
    publish(github, dist)
    attest(github, dist)
    assert f"--image {OWN}@{GOOD} " in deploy(attested=True)
    assert "is attested by release.yml of main" in capsys.readouterr().out
    clone.commit()
    forge(clone, "v9.9.9", f"{OWN}@{OTHER}")
    publish(github, dist, "v9.9.9")  # of another version, with the right attestation
    refused(deploy, rf"is registered with {OWN}:9\.9\.9@{OTHER}, and image\.txt of its release names", "v9.9.9", True)


def key(folder: Path, who: str) -> str:
    """The private key of somebody, who is made with it."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / who], check=True)
    return (folder / who).read_text()


def test_where_main_lists_who_signs_releases_only_their_signature_counts(
    clone, github, deploy, tmp_path, monkeypatch, capsys
) -> None:
    ada, eve = key(tmp_path, "ada"), key(tmp_path, "eve")
    clone.commit(signers=f'# keys\nada@example.invalid namespaces="release" {(tmp_path / "ada.pub").read_text()}')
    forge(clone, "v1.0.0", f"{OWN}@{OTHER}")
    dist = released(clone, f"{OWN}@{OTHER}")
    publish(github, dist)
    refused(deploy, r"its release has no SHA256SUMS\.sig, and deploy/allowed_signers on main lists who signs")
    monkeypatch.setenv("RELEASE_SIGNING_KEY", eve)
    assert sign(dist)
    github.releases.clear()
    publish(github, dist)
    refused(deploy, "is of a key that .*signers does not list")
    monkeypatch.setenv("RELEASE_SIGNING_KEY", ada)
    assert sign(dist)
    (dist / "SHA256SUMS").write_text((dist / "SHA256SUMS").read_text() + f"{'0' * 64}  more\n")
    github.releases.clear()
    publish(github, dist)
    refused(deploy, "SHA256SUMS was changed after it was signed")
    write_sums(dist)
    (dist / "image.txt").write_text((dist / "image.txt").read_text() + "\n")
    github.releases.clear()
    publish(github, dist)
    refused(deploy, r"image\.txt of its release is not the file that SHA256SUMS names")
    released(clone, f"{OWN}@{OTHER}")
    github.releases.clear()
    publish(github, dist)
    assert f"--image {OWN}@{OTHER} " in deploy()
    assert "is in sums that ada@example.invalid signed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "signs"),
    [
        ('ada@example.invalid namespaces="release" ssh-ed25519 AAAA', True),
        ('ada@example.invalid namespaces="git,release" ssh-ed25519 AAAA', True),
        ("ada@example.invalid ssh-ed25519 AAAA", True),
        ('ada@example.invalid namespaces="git" ssh-ed25519 AAAA', False),
        ('# ada@example.invalid namespaces="release" ssh-ed25519 AAAA', False),
        ("", False),
    ],
)
def test_who_signs_tags_only_signs_no_releases(line: str, signs: bool) -> None:
    assert signs_releases(f"# keys\n{line}\n") == signs
