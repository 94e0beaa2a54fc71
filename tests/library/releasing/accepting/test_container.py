"""What is made of an engine's answers; the template's own tests run real images with a real engine."""

from __future__ import annotations

import json
import os
import shlex

import pytest
from modelyard.releasing.accepting import container as tested
from modelyard.releasing.accepting.container import running
from modelyard.releasing.packaging.engine import Docker
from modelyard.runtime.contract import ContractError


@pytest.fixture
def docker(tmp_path):
    """A client that notes each argument of what it is asked, and answers as it was told to."""

    def client(**answers: str) -> tuple[Docker, list[list[str]]]:
        told = {"user": "10001:10001", "port": "", "runs": "true", "log": "its last words", **answers}
        path, noted = tmp_path / "docker", tmp_path / "asked"
        lines = {
            "image inspect": told["user"],
            "run": "c1",
            "port": told["port"],
            "inspect": told["runs"],
            "logs": told["log"],
        }
        cases = "".join(f"  '{asked} '*) printf '%s' {shlex.quote(said)};;\n" for asked, said in lines.items())
        path.write_text(f'#!/bin/sh\nprintf "%s\\0" "$@" >> {noted}; echo >> {noted}\ncase "$*" in\n{cases}esac\n')
        path.chmod(0o755)

        def asked() -> list[list[str]]:
            return [line.split("\0")[:-1] for line in noted.read_text().splitlines()]

        return Docker(str(path), False), asked

    return client


def test_it_is_run_confined_with_a_key_of_its_own_and_removed(docker, serve):
    service = serve()
    client, asked = docker(port=f"127.0.0.1:{service.port}")
    with running(client, "flights:1.2.0", "flights") as found:
        assert found.url == service.url
    calls = asked()
    (run,) = (call for call in calls if call[0] == "run")
    assert {"--read-only", "--cap-drop", "--security-opt", "--pids-limit", "--memory"} <= set(run)
    told = dict(part.split("=", 1) for part in run if part.startswith(("KEYS=", "SERVING=", "PROGRAM=")))
    (known,) = json.loads(told["KEYS"])["keys"]
    assert known["roles"] == ["predict", "read"]
    assert found.headers["X-API-Key"] not in " ".join(run)
    assert json.loads(told["SERVING"])["models"] == {"flights": {}}
    assert calls[-1] == ["rm", "--force", "c1"]


@pytest.mark.parametrize(("user", "said"), [("", "root"), ("0:0", "0:0"), ("app", "app")])
def test_an_image_that_runs_as_root_or_by_name_is_refused_before_it_runs(docker, user, said):
    client, asked = docker(user=user)
    with (
        pytest.raises(ContractError, match=f"it runs as {said}: an image with its user by number"),
        running(client, "x", "x"),
    ):
        pass
    assert [call[0] for call in asked()] == ["image"]


def test_one_that_ends_at_once_is_told_with_its_last_words(docker):
    client, asked = docker()
    with (
        pytest.raises(ContractError, match=r"ended as soon as it was started\n.* ends so:\nits last words"),
        running(client, "x", "x"),
    ):
        pass
    assert asked()[-1] == ["rm", "--force", "c1"]


@pytest.mark.parametrize(
    ("runs", "said"), [("false", "ended before the service was ready"), ("true", "was not ready within 0.3 seconds")]
)
def test_one_that_does_not_become_ready_is_told(docker, monkeypatch, runs, said):
    monkeypatch.setattr(tested, "READY", 0.3)
    client, _ = docker(port="127.0.0.1:1", runs=runs, log="")
    with pytest.raises(ContractError, match=f"{said}\n.* ends so:\nit is empty"), running(client, "x", "x"):
        pass


def test_what_fails_within_is_told_with_the_log_too(docker, serve):
    client, asked = docker(port=f"127.0.0.1:{serve().port}")
    with (
        pytest.raises(ContractError, match="wrong answers\nthe container's log ends so:\nits last words"),
        running(client, "x", "x"),
    ):
        raise ContractError("wrong answers")
    assert asked()[-1] == ["rm", "--force", "c1"]
    assert os.environ.get("KEYS") is None
