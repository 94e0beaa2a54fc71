"""The library can be published as it is; in a project, one line goes then."""

from __future__ import annotations

import functools
import hashlib
import http.server
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from library.vendoring.conftest import SOURCE

from projects import BIN, ROOT


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: object) -> None:
        """No line for each request."""


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `uv build` makes of the library."""
    folder = tmp_path_factory.mktemp("index") / "files"
    command = [BIN / "uv", "build", "--quiet", "--offline", "--no-config", "--out-dir", folder, SOURCE]
    subprocess.run(command, check=True)
    return folder


@pytest.fixture(scope="module")
def index(dist: Path) -> Iterator[str]:
    """A package index on this machine that has the library."""
    page = dist.parent / "simple/modelyard/index.html"
    page.parent.mkdir(parents=True)
    links = "".join(
        f'<a href="../../files/{path.name}#sha256={hashlib.sha256(path.read_bytes()).hexdigest()}">{path.name}</a>\n'
        for path in sorted(dist.iterdir())
        if path.name.startswith("modelyard-")
    )
    page.write_text(f"<!DOCTYPE html><html><body>{links}</body></html>")
    handler = functools.partial(Quiet, directory=str(dist.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/simple"
        server.shutdown()


def test_without_its_table_a_project_takes_the_library_from_an_index(locked, index):
    path = locked.root / "pyproject.toml"
    table = f'[tool.uv.sources.modelyard]\npath = "vendor/{locked.wheel.name}"\n'
    assert path.read_text().count(table) == 1
    path.write_text(path.read_text().replace(table, ""))
    done = locked.uv("lock", "--quiet", UV_INDEX=index)
    assert done.returncode == 0, done.stderr
    packages = tomllib.loads((locked.root / "uv.lock").read_text())["package"]
    (found,) = [one for one in packages if one["name"] == "modelyard"]
    assert found["source"] == {"registry": index}
    digest = hashlib.sha256(locked.wheel.read_bytes()).hexdigest()
    assert [one["hash"] for one in found["wheels"]] == [f"sha256:{digest}"]
    # the vendored wheel has the same bytes, so the jobs without an environment run on
    assert locked.yard("--help").returncode == 0
    assert locked.stage("train").stderr.count("uv.lock") == 0


def test_what_is_installed_from_an_index_runs(index, tmp_path):
    environment = tmp_path / "environment"
    subprocess.run([BIN / "uv", "venv", "--quiet", "--python", sys.executable, environment], check=True)
    python = environment / "bin/python"
    install = [BIN / "uv", "pip", "install", "--quiet", "--no-deps", "--python", python, "--index-url", index]
    subprocess.run([*install, "modelyard"], check=True)
    code = "from modelyard.cli import run_bare; run_bare('yard', ['--help'])"
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_docs_name_the_table():
    pages = [*(ROOT / "{{cookiecutter.project}}/docs").glob("*.md"), ROOT / "{{cookiecutter.project}}/pyproject.toml"]
    assert any("published" in path.read_text() and "[tool.uv.sources.modelyard]" in path.read_text() for path in pages)
