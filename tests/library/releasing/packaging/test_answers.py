from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from modelyard.releasing.packaging.answers import Probes, ask_image, ask_program, ask_with_file, from_lines, from_table
from modelyard.releasing.packaging.engine import Docker
from modelyard.runtime.bundle import read_bundle
from modelyard.runtime.contract import ContractError

from flight_delays import project


@pytest.fixture
def probes(bundle, tmp_path):
    return Probes(project, bundle, tmp_path)


@pytest.fixture
def answers(bundle):
    """What the bundle answers to its probe rows."""
    predictor = project.predictor(bundle.folder)
    scores = predictor.predict(json.loads((bundle.folder / "probe.json").read_text())["rows"])
    return list(zip(scores.tolist(), predictor.decide(scores), strict=True))


@pytest.fixture
def program(bundle, tmp_path):
    """What a wheel would install: the command line, with this bundle."""
    path = tmp_path / "program"
    path.write_text(f'#!/bin/sh\nexec {sys.executable} -m flight_delays "$@" --bundle {bundle.folder}\n')
    path.chmod(0o755)
    return path


def test_a_program_that_answers_alike_passes(probes, program, bundle):
    rows = len(json.loads((bundle.folder / "probe.json").read_text())["rows"])
    assert probes.check("the wheel", ask_program(program, probes)) == rows
    for given in (probes.csv, probes.parquet):
        assert probes.check("the executable", ask_with_file(program, given, bundle)) == rows


def test_an_image_is_asked_on_a_read_only_file_system_without_a_network(probes, program, docker, tmp_path):
    noted = docker()
    client = tmp_path / "bin/docker"
    client.write_text(client.read_text().replace("esac", f"  run*) exec {program} predict;;\nesac"))
    assert probes.check("the image", ask_image(Docker(str(client), False), "x:1", "flight-delays", probes))
    assert "--network none --read-only --tmpfs /tmp --entrypoint /opt/venv/bin/flight-delays x:1" in noted.read_text()


def test_the_last_bit_of_one_answer_counts(probes, answers):
    prediction, decision = answers[7]
    answers[7] = (float(np.nextafter(prediction, 1)), decision)
    with pytest.raises(ContractError, match=r"the image answers probe row 7 with .*; nothing may ship"):
        probes.check("the image", answers)


def test_another_decision_counts(probes, answers):
    answers[0] = (answers[0][0], not answers[0][1])
    with pytest.raises(ContractError, match="answers probe row 0"):
        probes.check("the image", answers)


def test_a_missing_answer_counts(probes, answers):
    with pytest.raises(ContractError, match=r"gives \d+ answers to \d+ probe rows"):
        probes.check("the image", answers[1:])


def test_a_bundle_that_no_longer_answers_so_is_refused(bundle, tmp_path, monkeypatch):
    monkeypatch.setattr("modelyard.runtime.predictor.Predictor.predict", lambda _, rows: np.zeros(len(rows)))
    with pytest.raises(ContractError, match="the bundle itself answers probe row"):
        Probes(project, bundle, tmp_path)


def test_several_classes_are_compared_each(made_multiclass, tmp_path):
    bundle = read_bundle(made_multiclass.root / "bundle")
    probes = Probes(project, bundle, tmp_path)
    command = [sys.executable, "-m", "flight_delays", "score", probes.csv, tmp_path / "out.parquet"]
    subprocess.run([*command, "--bundle", bundle.folder], check=True)
    assert probes.check("the executable", from_table(tmp_path / "out.parquet", bundle))


def test_printed_lines_are_read():
    assert from_lines('{"prediction": 0.5, "decision": true}\n') == [(0.5, True)]
