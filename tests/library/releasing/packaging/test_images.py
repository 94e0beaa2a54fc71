from __future__ import annotations

import json

import pytest
from modelyard.releasing.packaging import images
from modelyard.releasing.packaging.engine import Docker
from modelyard.releasing.packaging.images import build_arguments, build_image, image_name, lay_out, write_images
from modelyard.releasing.packaging.push import push
from modelyard.runtime.contract import ContractError


def test_what_the_dockerfile_takes_is_laid_out_anew(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(images, "requirements", lambda *extras: f"{' '.join(extras)}\n")
    (tmp_path / "build").mkdir()
    (tmp_path / "build/old.whl").touch()
    (tmp_path / "new.whl").write_text("wheel")
    lay_out(tmp_path / "new.whl")
    laid = {path.name: path.read_text() for path in (tmp_path / "build").iterdir()}
    assert {name: text for name, text in laid.items() if not name.endswith(".sh")} == {
        "new.whl": "wheel",
        "service.txt": "serve oidc\n",
        "pipeline.txt": "train monitor\n",
    }


@pytest.mark.parametrize(("store", "extra"), [("s3://logs", " s3"), ("ssh://host/logs", " ssh"), ("/srv/logs", "")])
def test_the_pipelines_image_reaches_the_store_of_policy(tmp_path, monkeypatch, store, extra):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(images, "requirements", lambda *extras: f"{' '.join(extras)}\n")
    (tmp_path / "new.whl").write_text("wheel")
    (tmp_path / "policy.yaml").write_text(f"monitor: {{store: '{store}'}}\n")
    lay_out(tmp_path / "new.whl")
    assert (tmp_path / "build/pipeline.txt").read_text() == f"train monitor{extra}\n"
    assert (tmp_path / "build/service.txt").read_text() == "serve oidc\n"


def test_an_image_says_what_it_is(release, monkeypatch):
    monkeypatch.delenv("BASE_IMAGE", raising=False)
    assert build_arguments(release, "bundle") == {
        "VERSION": "1.2.0",
        "REVISION": "a" * 40,
        "SOURCE": "https://example.invalid/flight-delays",
        "CREATED": "2023-11-14T22:13:20+00:00",
        "SOURCE_DATE_EPOCH": "1700000000",
        "BUNDLE": "bundle",
    }


def test_another_base_is_taken_from_the_environment(release, monkeypatch):
    monkeypatch.setenv("BASE_IMAGE", "mirror.example.invalid/python@sha256:1")
    assert build_arguments(release, "bundle")["BASE"] == "mirror.example.invalid/python@sha256:1"


def test_the_service_has_the_projects_name(release):
    assert image_name(release, "service") == "flight-delays:1.2.0"
    assert image_name(release, "pipeline") == "flight-delays-pipeline:1.2.0"


def test_a_built_image_is_told_by_its_id(release, docker, tmp_path):
    docker(("image inspect", "sha256:ab\n", 0))
    assert build_image(Docker(f"{tmp_path}/bin/docker", False), release, "service", "b") == "sha256:ab"


def test_image_txt_has_a_line_for_each(tmp_path):
    write_images(tmp_path, ["a@sha256:1", "b@sha256:2"])
    assert (tmp_path / "image.txt").read_text() == "a@sha256:1\nb@sha256:2\n"


def test_a_pushed_image_is_told_by_the_registrys_digest(release, docker, tmp_path):
    digests = json.dumps(["other.example.invalid/x@sha256:1", "r.example.invalid/me/x-pipeline@sha256:2"])
    noted = docker(("image inspect", digests, 0))
    sent = push(Docker(f"{tmp_path}/bin/docker", False), release, "pipeline", "r.example.invalid/me/x", "", "b")
    assert sent == "r.example.invalid/me/x-pipeline:1.2.0@sha256:2"
    asked = [line.strip() for line in noted.read_text().splitlines()]
    assert asked[:2] == [
        "tag flight-delays-pipeline:1.2.0 r.example.invalid/me/x-pipeline:1.2.0",
        "push --quiet r.example.invalid/me/x-pipeline:1.2.0",
    ]


def test_this_machines_platform_alone_needs_no_further_build(release, docker, tmp_path):
    noted = docker(("version", "linux/amd64\n", 0), ("image inspect", '["r.example.invalid/x@sha256:2"]', 0))
    sent = push(Docker(f"{tmp_path}/bin/docker", False), release, "service", "r.example.invalid/x", "linux/amd64", "b")
    assert sent == "r.example.invalid/x:1.2.0@sha256:2"
    assert " build " not in noted.read_text()


def test_a_push_without_a_digest_is_a_fault(release, docker, tmp_path):
    docker(("image inspect", "[]", 0))
    with pytest.raises(ContractError, match="Docker reports no digest of it"):
        push(Docker(f"{tmp_path}/bin/docker", False), release, "service", "r.example.invalid/x", "", "b")


def test_a_registry_that_refuses_is_quoted(release, docker, tmp_path):
    docker(("push", "denied: not yours", 1))
    with pytest.raises(ContractError, match="denied: not yours"):
        push(Docker(f"{tmp_path}/bin/docker", False), release, "service", "r.example.invalid/x", "", "b")


def test_several_platforms_are_one_build_that_pushes(release, docker, tmp_path):
    noted = docker()
    client = tmp_path / "bin/docker"
    told = (
        'while [ "$1" != --metadata-file ]; do shift; done; echo "{\\"containerimage.digest\\": \\"sha256:3\\"}" > "$2"'
    )
    client.write_text(client.read_text().replace("esac", f"  *buildx*) {told};;\nesac"))
    sent = push(Docker(str(client), True), release, "service", "r.example.invalid/x", "linux/amd64,linux/arm64", "b")
    assert sent == "r.example.invalid/x:1.2.0@sha256:3"
    assert "buildx build --platform linux/amd64,linux/arm64 --push --provenance false" in noted.read_text()


def test_several_platforms_need_buildx(release, docker, tmp_path):
    docker(("version", "linux/amd64\n", 0))
    with pytest.raises(ContractError, match="needs Docker's plugin buildx"):
        push(Docker(f"{tmp_path}/bin/docker", False), release, "service", "r.example.invalid/x", "linux/arm64", "b")
