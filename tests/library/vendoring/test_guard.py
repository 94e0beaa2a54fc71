"""A stage runs the library that the project's files name, or not at all."""

from __future__ import annotations

import json
import shutil
import sys
import tomllib

import pytest
from library.vendoring.conftest import Vendored, change_wheel
from modelyard.code import STAGES, code_hashes
from modelyard.errors import YardError
from modelyard.vendoring.guard import HASHES, check_stage
from modelyard.vendoring.hashes import text


def write(project: Vendored, **hashes: str) -> None:
    (project.root / HASHES).write_text(text({**code_hashes(), **hashes}))


@pytest.mark.parametrize("stage", STAGES)
def test_a_fresh_project_passes(locked, stage):
    check_stage(stage, locked.root)


def test_a_folder_without_a_vendored_library_has_nothing_to_check(tmp_path):
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor/jquery.js").touch()
    check_stage("train", tmp_path)


def test_a_changed_wheel_stops_every_stage(locked):
    with locked.wheel.open("ab") as opened:
        opened.write(b"\0")
    for stage in STAGES:
        done = locked.stage(stage)
        assert done.returncode == 1
        assert f"error: {locked.wheel.name} is not the wheel whose hash is in uv.lock" in done.stderr
        refusal = json.loads((locked.root / "reports/refusal.json").read_text())
        assert refusal["stage"] == stage
        assert "uv.lock" in refusal["message"]


def test_two_wheels_stop_a_stage(locked):
    shutil.copyfile(locked.wheel, locked.root / "vendor/modelyard-0.9.0-py3-none-any.whl")
    assert "vendor/ holds modelyard-0.9.0-py3-none-any.whl and" in locked.stage("train").stderr


def test_another_library_in_the_environment_stops_a_stage(locked, source):
    module = source / "src/modelyard/training/train.py"
    module.write_text(module.read_text() + "# another version\n")
    done = locked.stage("train", source / "src")
    assert done.returncode == 1
    assert "error: vendor/yard.json does not hold the hash of the code of `train` that runs, in " in done.stderr
    assert "the environment holds another version of the library; run `make setup`" in done.stderr
    check_stage("ingest", locked.root)


def test_hashes_written_by_hand_stop_the_stage_that_they_name(locked):
    write(locked, train="0" * 64)
    with pytest.raises(YardError, match="the code of `train` that runs"):
        check_stage("train", locked.root)
    check_stage("evaluate", locked.root)


@pytest.mark.parametrize("content", ["", "[]", "no json"])
def test_hashes_that_cannot_be_read_are_named(locked, content):
    (locked.root / HASHES).write_text(content)
    with pytest.raises(YardError, match=r"vendor/yard\.json cannot be read; write it again"):
        check_stage("train", locked.root)


def test_hashes_writes_what_the_hook_wrote(vendored):
    before = (vendored.root / HASHES).read_bytes()
    (vendored.root / HASHES).unlink()
    assert vendored.yard("hashes").stdout == "written: vendor/yard.json\n"
    assert (vendored.root / HASHES).read_bytes() == before


def test_uv_refuses_a_changed_wheel_in_a_new_environment_and_in_an_old_one(tmp_path, vendored):
    small = Vendored(tmp_path / "small")
    (small.root / "vendor").mkdir(parents=True)
    shutil.copyfile(vendored.wheel, small.root / "vendor" / vendored.wheel.name)
    (small.root / "pyproject.toml").write_text(
        '[project]\nname = "small"\nversion = "0"\nrequires-python = ">=3.11"\ndependencies = ["modelyard"]\n'
        f'[tool.uv.sources]\nmodelyard = {{ path = "vendor/{small.wheel.name}" }}\n'
    )
    assert small.uv("lock", "--quiet").returncode == 0
    locked = tomllib.loads((small.root / "uv.lock").read_text())["package"]
    others = [f"--no-install-package={one['name']}" for one in locked if one["name"] not in ("small", "modelyard")]
    sync = ["sync", "--quiet", "--locked", "--python", sys.executable, *others]
    assert small.uv(*sync).returncode == 0
    change_wheel(small, "markdown.py", '"""', '""" ')
    for environment in (".venv", "new"):
        done = small.uv(*sync, UV_PROJECT_ENVIRONMENT=environment)
        assert done.returncode != 0
        assert "ash mismatch" in done.stderr
