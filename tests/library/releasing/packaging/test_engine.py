from __future__ import annotations

from pathlib import Path

import pytest
from modelyard.releasing.packaging.engine import Docker, find_docker, secrets
from modelyard.runtime.contract import ContractError

OLD = ("buildx version", "", 1), ("version --format", "20.10.24", 0)
NEW = ("buildx version", "v0.29", 0), ("version --format", "28.2.2", 0)
BARE = ("buildx version", "", 1), ("version --format", "28.2.2", 0)


@pytest.mark.parametrize(("answers", "buildx"), [(OLD, False), (NEW, True)])
def test_a_client_that_builds_is_taken(docker, tmp_path, answers, buildx):
    docker(*answers)
    assert find_docker() == Docker(f"{tmp_path}/bin/docker", buildx)


def test_a_client_that_cannot_build_is_passed_over(docker, tmp_path, monkeypatch):
    docker(*BARE)
    docker(*OLD, where=tmp_path / "second")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{tmp_path}/second:/usr/bin:/bin")
    assert find_docker().client == f"{tmp_path}/second/docker"


def test_where_no_client_can_build_the_plugin_is_named(docker, tmp_path, monkeypatch):
    docker(*BARE)
    monkeypatch.setenv("DOCKER", f"{tmp_path}/bin/docker")
    with pytest.raises(ContractError, match="has no plugin buildx, which builds the images; install docker-buildx"):
        find_docker()


def test_without_any_client_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER", f"{tmp_path}/nothing")
    with pytest.raises(ContractError, match="docker was not found on the PATH"):
        find_docker()


def test_an_engine_that_does_not_answer_is_said(docker):
    docker(*OLD, ("info", "Cannot connect to the Docker daemon", 1))
    with pytest.raises(ContractError, match="Cannot connect to the Docker daemon"):
        find_docker()


@pytest.mark.parametrize(("answers", "command"), [(OLD, "1 build --quiet"), (NEW, "1 buildx build --load --quiet")])
def test_a_build_names_target_tag_arguments_and_secrets(docker, answers, command):
    noted = docker(*answers, ("image inspect", "sha256:12\n", 0))
    client = find_docker()
    client.build("service", "x:1.2.0", {"VERSION": "1.2.0"})
    assert client.image_id("x:1.2.0") == "sha256:12"
    asked = next(line for line in noted.read_text().splitlines() if " build " in line)
    assert asked.startswith(
        f"{command} --target service --tag x:1.2.0 --build-arg VERSION=1.2.0 --secret id=pip.conf,src="
    )


@pytest.mark.parametrize(
    ("said", "is_told"), [("ERROR: failed to do request: Head: no such host", True), ("ERROR: exit code: 1", False)]
)
def test_where_the_base_cannot_be_pulled_it_is_said_how_to_name_another(docker, said, is_told):
    docker(*OLD, ("build --quiet", said, 1))
    with pytest.raises(ContractError) as refused:
        find_docker().build("service", "x:1.2.0", {})
    assert said in str(refused.value)
    assert ("BASE_IMAGE=name uses another" in str(refused.value)) == is_told


def settings(options):
    return Path(next(one for one in options if one.startswith("id=pip.conf")).partition("src=")[2])


@pytest.mark.usefixtures("docker")
def test_what_pip_is_told_here_is_a_secret_of_the_build_and_gone_afterwards(tmp_path, monkeypatch):
    (tmp_path / "own.conf").write_text("[global]\ntimeout = 7\n")
    (tmp_path / "ca.pem").write_text("certificate")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "own.conf"))
    monkeypatch.setenv("PIP_INDEX_URL", "https://me:secret@mirror.example.invalid/simple?a=%20b")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    with secrets() as options:
        path = settings(options)
        text = path.read_text()
    assert f"id=ca.pem,src={tmp_path}/ca.pem" in options
    for line in ("timeout = 7", "index-url = https://me:secret@mirror.example.invalid/simple?a=%20b",
                 "cert = /run/secrets/ca.pem"):  # fmt: skip
        assert line in text.splitlines()
    assert not path.exists()


@pytest.mark.usefixtures("docker")
def test_without_settings_nothing_is_told():
    with secrets() as options:
        assert [option for option in options if "ca.pem" in option] == []
        assert settings(options).read_text().split() == ["[global]"]
