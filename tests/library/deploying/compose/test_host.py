from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from modelyard.deploying.compose.host import _configure, connect, explain
from modelyard.deploying.failure import DeployError

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\r\nc2VjcmV0\r\n-----END OPENSSH PRIVATE KEY-----"


def program(folder: Path, name: str, text: str) -> Path:
    """A program that is found first on the PATH."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_host_that_is_not_named_is_asked_for() -> None:
    with pytest.raises(DeployError, match="DOCKER_HOST is not set: name the engine, such as ssh://"), connect({}):
        pass


def test_ssh_takes_the_key_and_the_known_hosts_of_the_environment(tmp_path: Path) -> None:
    known = "host ssh-ed25519 AAAA"
    ssh = _configure(tmp_path, {"DEPLOY_SSH_KEY": KEY, "DEPLOY_KNOWN_HOSTS": known, "PATH": os.environ["PATH"]})
    config = (tmp_path / "config").read_text()
    assert "StrictHostKeyChecking yes" in config
    assert f"UserKnownHostsFile {tmp_path / 'known_hosts'}" in config
    assert (tmp_path / "key").read_text() == KEY.replace("\r", "") + "\n"
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert "-F" in ssh.read_text()


def test_without_them_it_takes_what_the_user_has_and_still_checks(tmp_path: Path) -> None:
    _configure(tmp_path, {"PATH": os.environ["PATH"]})
    config = (tmp_path / "config").read_text()
    assert "StrictHostKeyChecking yes" in config
    assert "IdentityFile" not in config
    assert "Include ~/.ssh/config" in config


def test_a_host_that_refuses_is_named_with_what_to_do_and_no_key(tmp_path: Path) -> None:
    program(tmp_path, "ssh", "echo 'Host key verification failed.' >&2; exit 255")
    environ = {"DOCKER_HOST": "ssh://me@host:2222", "DEPLOY_SSH_KEY": KEY, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    with pytest.raises(DeployError) as caught, connect(environ):
        pass
    assert str(caught.value).startswith("a connection to ssh://me@host:2222 failed: Host key verification failed.")
    assert "DEPLOY_KNOWN_HOSTS" in str(caught.value)
    assert "c2VjcmV0" not in str(caught.value)


def test_docker_gets_our_ssh_and_no_secret(tmp_path: Path) -> None:
    program(tmp_path, "ssh", "echo connected; cat > /dev/null")
    program(tmp_path, "docker", 'command -v ssh; echo "key: $DEPLOY_SSH_KEY"')
    environ = {"DOCKER_HOST": "ssh://me@host", "DEPLOY_SSH_KEY": KEY, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    with connect(environ) as host:
        ssh, key = host.docker("ps").splitlines()
        assert Path(ssh).is_file()
    assert key == "key: "
    assert not Path(ssh).exists()


def test_a_command_that_fails_is_told_with_what_it_said(tmp_path: Path) -> None:
    program(tmp_path, "docker", "echo 'write /x: no space left on device' >&2; exit 1")
    with connect({"DOCKER_HOST": "unix:///x", "PATH": f"{tmp_path}:{os.environ['PATH']}"}) as host:
        with pytest.raises(
            DeployError, match=r"`docker pull a` on unix:///x failed: write /x: no space left"
        ) as caught:
            host.docker("pull", "a")
        assert "its disk is full" in str(caught.value)


def test_a_command_that_hangs_is_given_up(tmp_path: Path) -> None:
    program(tmp_path, "docker", "exec sleep 20")
    environ = {"DOCKER_HOST": "unix:///x", "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    with connect(environ) as host, pytest.raises(DeployError, match=r"did not end within 0.2 seconds"):
        host.docker("ps", timeout=0.2)


def test_what_said_nothing_is_told_so() -> None:
    assert explain("it", " ") == "it failed: it printed nothing"
