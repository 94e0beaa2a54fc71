from __future__ import annotations

import argparse
from contextlib import contextmanager

import pytest
from modelyard.releasing import accept as verb
from modelyard.releasing.accepting.fuzz import check_openapi
from modelyard.releasing.packaging.build import ReleaseBuild
from modelyard.releasing.packaging.engine import Docker
from modelyard.runtime.contract import ContractError

from flight_delays import project

RELEASE = ReleaseBuild("flights", "1.2.0", "a" * 40, 1_700_000_000, "https://example.invalid/flights")
SHORT = ["--requests", "40", "--connections", "2", "--examples", "1"]


@pytest.fixture
def accept(made, serve, monkeypatch):
    """The verb in the folder of `made`, on a service with a fault; of the document, the examples alone are asked."""

    def run(fault: str, *arguments: str) -> None:
        service = serve(fault)

        @contextmanager
        def running(_docker, image, name):
            assert (image, name) == ("flights:1.2.0", "flights")
            yield service

        monkeypatch.chdir(made.root)
        monkeypatch.setattr(verb, "running", running)
        monkeypatch.setattr(verb, "find_docker", lambda: Docker("docker", False))
        monkeypatch.setattr(verb, "read_release", lambda _: RELEASE)
        monkeypatch.setattr(verb, "check_openapi", lambda *given: check_openapi(*given, phases="examples"))
        verb.main(["--version", "1.2.0", *arguments], project)

    return run


def test_an_image_that_is_well_may_be_pushed_and_each_part_is_told(accept, capsys):
    accept("none", *SHORT)
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(" ")[0] for line in lines[:3]] == ["contract:", "load:", "openapi:"]
    assert lines[1].startswith("load: 40 requests over 2 connections: 0 failed, p50 ")
    assert lines[3:] == ["the image flights:1.2.0 may be pushed"]


@pytest.mark.parametrize(("fault", "part"), [("ranges", "contract"), ("errors", "load")])
def test_the_part_that_fails_ends_it(accept, capsys, fault, part):
    with pytest.raises(ContractError, match=rf"^the image flights:1\.2\.0 may not be pushed: {part}: "):
        accept(fault, *SHORT)
    assert "may be pushed" not in capsys.readouterr().out


@pytest.mark.parametrize("given", ["0", "-1", "many"])
def test_only_numbers_above_0_are_taken(capsys, given):
    with pytest.raises(SystemExit):
        verb.main([f"--requests={given}"], project)
    assert f"'{given}': a whole number above 0 is needed" in capsys.readouterr().err


def test_the_parts_say_in_which_one_it_failed(serve, bundle):
    given = argparse.Namespace(requests=30, connections=1, examples=1, seed=1)
    said: list[str] = []
    with pytest.raises(ContractError, match=r"^contract: good rows were answered by baseline"):
        verb.accept(project, serve("fallback"), bundle, given, said.append)
    assert said == []
