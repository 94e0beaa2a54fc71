"""Clients of others, with their defaults, are answered 200 and what the pipeline answered, for models of each kind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from library.import_graph import ROOT
from library.serving.conftest import Service

HERE = Path(__file__).parent
MODELS = {"late": "made", "delay-minutes": "made_regression", "kind.v2": "made_multiclass"}
CLASSES = {"late": "Late", "delay-minutes": "DelayMinutes", "kind.v2": "KindV2"}
OPERATIONS = {"late": "late", "delay-minutes": "delay_minutes", "kind.v2": "kind_v2"}

pytestmark = pytest.mark.xdist_group("clients")


def needs(program: str) -> pytest.MarkDecorator:
    """Skips a test without one of Debian's programs, but not in CI."""
    return pytest.mark.skipif(not (shutil.which(program) or os.environ.get("CI")), reason=f"needs {program}")


@pytest.fixture(scope="module")
def python() -> Path:
    """The Python of an environment with the clients, whose dependencies contradict the library's."""
    folder = Path(sys.prefix) / "clients"
    stamp = folder / "made-for.txt"
    wanted = json.dumps(tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["clients"])
    found = folder / "bin/python"
    if not stamp.is_file() or stamp.read_text() != wanted:
        uv = [str(Path(sys.prefix) / "bin/uv"), "--quiet", "--no-config"]
        group = f"{ROOT / 'pyproject.toml'}:clients"
        subprocess.run([*uv, "venv", "--clear", "--python", sys.executable, folder], check=True)
        subprocess.run([*uv, "pip", "install", "--python", found, "--group", group], check=True)
        stamp.write_text(wanted)
    return found


@pytest.fixture(scope="module")
def probes(request):
    """For each model rows of which nothing is missing, and what the pipeline answered: predictions and decisions."""
    found = {}
    for name, made in MODELS.items():
        workspace = request.getfixturevalue(made)
        probe = json.loads((workspace.root / "bundle/probe.json").read_text())
        manifest = json.loads((workspace.root / "bundle/manifest.json").read_text())
        pairs = [pair for pair in zip(probe["rows"], probe["answers"], strict=True) if None not in pair[0].values()][:3]
        rows, answers = map(list, zip(*pairs, strict=True))
        contract = workspace.contract
        if contract.kind == "regression":
            decisions = answers
        elif contract.kind == "binary":
            decisions = [answer >= manifest["threshold"] for answer in answers]
        else:
            decisions = [contract.classes[answer.index(max(answer))] for answer in answers]
        found[name] = (rows, [answers, decisions])
    return found


@pytest.fixture(scope="module")
def serving(request, tmp_path_factory):
    """One service with all models."""
    folder = tmp_path_factory.mktemp("clients")
    bundles = {name: str(request.getfixturevalue(made).root / "bundle") for name, made in MODELS.items()}
    models = {name: {"bundle": bundle} for name, bundle in bundles.items()}
    config = folder / "serving.json"
    config.write_text(json.dumps({"models": models, "default": "late"}))
    service = Service("--config", config, "--open", "--workers", "1", folder=folder)
    yield service
    service.kill()


def run(*command, stdin=None, folder=None):
    """What a program printed; it must succeed."""
    done = subprocess.run(
        list(map(str, command)),
        input=None if stdin is None else json.dumps(stdin),
        cwd=folder,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, f"{command} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def predicted(text):
    """Predictions and decisions in the answer to rows."""
    return [[one[key] for one in json.loads(text)["predictions"]] for key in ("prediction", "decision")]


@needs("java")
def test_javas_http_client(serving, probes):
    rows, expected = probes["late"]
    url = f"http://127.0.0.1:{serving.port}/predict"
    told = run("java", HERE / "Ask.java", url, stdin={"rows": rows}).splitlines()
    assert [predicted(line) for line in told] == [expected] * 2


@needs("curl")
@pytest.mark.parametrize("name", MODELS)
def test_curl_that_asks_for_http_2(serving, probes, name):
    rows, expected = probes[name]
    url = f"http://127.0.0.1:{serving.port}/models/{name}/predict"
    told = run("curl", "--silent", "--fail-with-body", "--http2", "--json", "@-", url, stdin={"rows": rows})
    assert predicted(told) == expected


@pytest.mark.parametrize("program", ["ask_triton.py", "ask_kserve.py"])
def test_inference_clients(serving, probes, python, program):
    models = {name: rows for name, (rows, _) in probes.items()}
    told = json.loads(run(python, HERE / program, serving.port, stdin=models))
    for name, (_, expected) in probes.items():
        assert told[name] == dict.fromkeys(told[name], expected)
        assert len(told[name]) >= 2


GENERATORS = {
    "openapi-python-client": ["generate", "--meta", "none", "--path", "openapi.json", "--output-path", "generated"],
    "openapi-generator": ["generate", "--generator-name", "python", "--input-spec", "openapi.json", "--output", "."],
}


@pytest.fixture(scope="module", params=[*GENERATORS])
def generated(request, serving, python, tmp_path_factory):
    """A generator, and the folder with the client that it made of the service's description."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "openapi.json").write_bytes(serving.get("/openapi.json").body)
    program = {"openapi-generator": "openapi-generator-cli"}.get(request.param, request.param)
    said = run(python.parent / program, *GENERATORS[request.param], folder=folder)
    assert "Unable to" not in said
    return request.param, folder


@needs("java")
@pytest.mark.parametrize("name", MODELS)
def test_generated_clients(serving, probes, python, generated, name):
    generator, folder = generated
    rows, expected = probes[name]
    given = [generator, serving.port, OPERATIONS[name], CLASSES[name]]
    told = json.loads(run(python, HERE / "ask_generated.py", *given, stdin=rows, folder=folder))
    first = [values[:1] for values in expected]
    assert told == {"Row": first, **dict.fromkeys(("Rows", "Columns", "infer", "version"), expected)}
