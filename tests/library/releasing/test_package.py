from __future__ import annotations

import json
import sys

import pytest
from modelyard.releasing import package as verb
from modelyard.releasing.packaging import signature
from modelyard.releasing.packaging.build import ReleaseBuild
from modelyard.releasing.packaging.inventory import Inventory
from modelyard.releasing.verify import main as verify
from modelyard.runtime.contract import ContractError

from flight_delays import project

RELEASE = ReleaseBuild("flight-delays", "1.2.0", "a" * 40, 1_700_000_000, "https://example.invalid/x")


class NoDocker:
    """In place of the engine: which images were named."""

    def __init__(self):
        self.tagged = []

    def __call__(self, *arguments):
        self.tagged.append(arguments)
        return ""


@pytest.fixture
def folder(made, tmp_path, monkeypatch):
    """A project's folder, in which all is made but what takes a network or an engine.

    The template's tests make all of it.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(signature.KEY, raising=False)
    (tmp_path / "bundle").symlink_to(made.root / "bundle")
    (tmp_path / "uv.lock").write_text('[[package]]\nname = "modelyard"\nversion = "1.0.0"\n')
    program = tmp_path / "programs/flight-delays"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m flight_delays "$@" --bundle {made.root}/bundle\n')
    program.chmod(0o755)

    def build(name):
        def write(_release, *arguments):
            (arguments[-1] / name).write_text("built")
            return arguments[-1] / name

        return write

    rows = json.loads((tmp_path / "bundle/probe.json").read_text())["rows"]
    predictor = project.predictor(tmp_path / "bundle")
    scores = predictor.predict(rows)
    answers = list(zip(scores.tolist(), predictor.decide(scores), strict=True))

    monkeypatch.setattr(verb, "find_docker", NoDocker)
    monkeypatch.setattr(verb, "build_wheel", build("flight_delays-1.2.0-py3-none-any.whl"))
    monkeypatch.setattr(verb, "install", lambda *_: program.parent)
    monkeypatch.setattr(verb, "build_executable", build("flight-delays-1.2.0.pyz"))
    monkeypatch.setattr(verb, "ask_with_file", lambda *_: answers)
    monkeypatch.setattr(verb, "ask_image", lambda *_: answers)
    monkeypatch.setattr(verb, "lay_out", lambda _: None)
    monkeypatch.setattr(verb, "build_image", lambda *_: "sha256:12")
    monkeypatch.setattr(verb, "read_inventory", lambda *_: Inventory("3.11", {}, [], []))
    monkeypatch.setattr(verb, "sbom", lambda *_: "{}")
    monkeypatch.setattr(verb, "read_release", lambda _: RELEASE)
    return tmp_path


def test_all_files_are_made_and_each_that_answered_is_told(folder, capsys):
    verb.main(["--version", "1.2.0"], project)
    told = capsys.readouterr().out
    assert told.count("probe rows answered") == 4
    assert f"no signature: {signature.KEY} is not set" in told
    assert {path.name for path in (folder / "dist").iterdir()} == {
        "SHA256SUMS",
        "flight-delays-1.2.0.pyz",
        "flight_delays-1.2.0-py3-none-any.whl",
        "image.txt",
        "mlbom.cdx.json",
        "model-card.md",
        "sbom.cdx.json",
    }
    images = (folder / "dist/image.txt").read_text().split()
    assert images == ["flight-delays:1.2.0@sha256:12", "flight-delays-pipeline:1.2.0@sha256:12"]


def test_where_one_answers_otherwise_nothing_is_released(folder, monkeypatch):
    (folder / "dist").mkdir()
    (folder / "dist/before").touch()
    before = {path.name for path in folder.iterdir()}
    rows = json.loads((folder / "bundle/probe.json").read_text())["rows"]
    monkeypatch.setattr(verb, "ask_image", lambda *_: [(0.5, True)] * len(rows))
    with pytest.raises(ContractError, match=r"the image flight-delays:1\.2\.0 answers probe row 0 with \[0\.5, True\]"):
        verb.main(["--version", "1.2.0"], project)
    assert [path.name for path in (folder / "dist").iterdir()] == ["before"]
    assert {path.name for path in folder.iterdir()} == before


def test_one_image_alone_leaves_dist_as_it_is(folder, monkeypatch, capsys):
    engine = NoDocker()
    monkeypatch.setattr(verb, "find_docker", lambda: engine)
    verb.main(["--image", "service"], project)
    assert "built flight-delays:1.2.0" in capsys.readouterr().out
    assert engine.tagged == [("tag", "flight-delays:1.2.0", "flight-delays:latest")]
    assert not (folder / "dist").exists()


def test_what_was_pushed_is_named_by_its_digest_and_summed_again(folder, monkeypatch):
    verb.main(["--version", "1.2.0"], project)
    before = (folder / "dist/SHA256SUMS").read_text()
    monkeypatch.setattr(verb, "push", lambda *given: f"{given[3]}-{given[2]}:1.2.0@sha256:34")
    verb.main(["--version", "1.2.0", "--push", "r.example.invalid/me/x"], project)
    assert (folder / "dist/image.txt").read_text().startswith("r.example.invalid/me/x-service:1.2.0@sha256:34\n")
    assert (folder / "dist/SHA256SUMS").read_text() != before


def test_only_what_was_made_is_pushed(folder):
    (folder / "dist").mkdir()
    (folder / "dist/flight-delays-1.1.0.pyz").touch()
    with pytest.raises(ContractError, match=r"dist/ holds no release 1\.2\.0; run `make package VERSION=1\."):
        verb.main(["--version", "1.2.0", "--push", "r.example.invalid/me/x"], project)


def test_a_wheel_without_a_bundle_is_not_verified(folder):
    verb.main(["--version", "1.2.0"], project)
    with pytest.raises(ContractError, match="holds no bundle"):
        verify([str(folder / "dist")], project)
