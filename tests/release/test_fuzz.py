"""Requests of any kind, made from the service's own OpenAPI document: none is a fault of the service."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from projects import BIN, Project

SECONDS = 25  # of fuzzing
# Not among them: whether all that the document allows is taken. JSON Schema cannot say that columns have one length.
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,negative_data_rejection,ignored_auth,unsupported_method,missing_required_header"
)

pytestmark = pytest.mark.parametrize(
    "project", [pytest.param("classification", marks=pytest.mark.xdist_group("images"))], indirect=True
)


@pytest.fixture
def service(project: Project, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """The address of the project's service with access checks and a log, and a key that may do everything."""
    python, package = project.root / ".venv/bin/python", project.package.name
    keys, log = tmp_path / "keys.json", tmp_path / "log"
    log.mkdir()
    made = project.run(python, "-m", package, "key", "fuzz", "--roles", "predict,read,admin", "--file", keys)
    (key,) = (line for line in made.splitlines() if " " not in line)
    settings = {
        "models": {"flight-delays": {"bundle": str(project.root / "bundle")}},
        "workers": 1,
        "access": {"keys": str(keys)},
        "log": {"folder": str(log)},
    }
    (tmp_path / "serving.json").write_text(json.dumps(settings))
    command = [python, "-m", package, "serve", "--config", tmp_path / "serving.json", "--host", "127.0.0.1"]
    process = subprocess.Popen(
        [*map(str, command), "--port", "0"], cwd=project.root, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found, "the service did not come up"
        yield found[0], key
        assert process.poll() is None, "the service has ended"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def test_no_request_is_a_fault_and_each_answer_is_as_the_document_says(service: tuple[str, str]) -> None:
    url, key = service
    command = [BIN / "schemathesis", "run", f"{url}/openapi.json", "--checks", CHECKS, "--header", f"X-API-Key: {key}"]
    command += ["--seed", "2013", "--max-examples", "30", "--max-time", str(SECONDS), "--request-timeout", "20"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS + 120)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    generated = re.search(r"(\d+) generated", done.stdout)
    assert generated
    assert int(generated[1]) > 100
    assert _answers(url, key), "the service still answers"


def test_a_body_that_never_ends_and_one_that_is_cut_off_leave_the_service_as_it_was(service: tuple[str, str]) -> None:
    url, key = service
    host = url.removeprefix("http://")
    open_ = []
    for sent in (b"", b'{"rows": [', b"{" * 10_000):
        connection = http.client.HTTPConnection(host, timeout=10)
        connection.putrequest("POST", "/predict")
        for name, value in (("X-API-Key", key), ("Content-Type", "application/json"), ("Content-Length", "100000")):
            connection.putheader(name, value)
        connection.endheaders(sent)
        open_.append(connection)
    time.sleep(0.5)
    assert _answers(url, key)
    for connection in open_:
        connection.close()
    assert _answers(url, key)


def _answers(url: str, key: str) -> bool:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    connection.request("GET", "/model", headers={"X-API-Key": key})
    return connection.getresponse().status == 200
