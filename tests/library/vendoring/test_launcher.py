"""`vendor/yard` runs the library without an environment, and only the library that uv.lock names."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tomllib

import pytest
from library.vendoring.conftest import SOURCE
from modelyard.vendoring import launcher

LAUNCHER = SOURCE / "src/modelyard/vendoring/launcher.py"


@pytest.mark.parametrize("options", [(), ("-I",), ("-S",)])
def test_it_runs_with_the_standard_library_alone(locked, options):
    done = locked.yard("--help", options=options)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: vendor/yard ")
    assert "  doctor " in done.stdout
    assert "  train " not in done.stdout
    assert done.stderr == ""


def test_another_project_is_refused_and_another_folder_is_named(locked, tmp_path):
    def run(folder, *arguments):
        command = [sys.executable, locked.root / "vendor/yard", *arguments]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    other, empty = tmp_path / "other", tmp_path / "empty"
    shutil.copytree(locked.root, other)
    empty.mkdir()
    before = sorted(other.rglob("*"))
    done = run(other, "eject")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"error: this would work on {other}, which is not this library's project" in done.stderr
    assert sorted(other.rglob("*")) == before
    done = run(empty, "eject")
    assert done.returncode == 1
    assert (
        f"note: this works on {empty}, which is not this library's project; that one is in {locked.root}" in done.stderr
    )
    assert run(other, "eject", "--help").returncode == 0


def test_it_is_the_launcher_of_the_library(vendored):
    assert (vendored.root / "vendor/yard").read_bytes() == LAUNCHER.read_bytes()


def test_without_a_lock_it_says_so_and_goes_on(vendored):
    done = vendored.yard("--help")
    assert done.returncode == 0
    assert (
        done.stderr == f"note: there is no uv.lock, so {vendored.wheel.name} is not checked; run `make lock APPLY=1`\n"
    )


def test_one_changed_byte_is_refused_before_anything_of_it_runs(locked):
    content = locked.wheel.read_bytes()
    at = content.index(b"from __future__")
    locked.wheel.write_bytes(content[:at] + b"F" + content[at + 1 :])
    done = locked.yard("--help")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"error: {locked.wheel.name} is not the wheel whose hash is in uv.lock: ")
    assert "git checkout HEAD -- vendor uv.lock" in done.stderr


def test_a_lock_without_the_wheel_is_refused(locked):
    (locked.root / "uv.lock").write_text("version = 1\n")
    done = locked.yard("--help")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: uv.lock does not name {locked.wheel.name}: run `make lock APPLY=1`")


def test_a_lock_with_two_hashes_of_the_wheel_is_refused(locked):
    lock = locked.root / "uv.lock"
    line = f'    {{ filename = "{locked.wheel.name}", hash = "sha256:{"0" * 64}" }},\n'
    lock.write_text(lock.read_text() + line)
    assert "is not the wheel whose hash is in uv.lock" in locked.yard("--help").stderr


def test_two_wheels_are_refused_by_name(locked):
    shutil.copyfile(locked.wheel, locked.root / "vendor/modelyard-0.9.0-py3-none-any.whl")
    done = locked.yard("--help")
    assert (done.returncode, done.stdout) == (1, "")
    assert "vendor/ holds modelyard-0.9.0-py3-none-any.whl and modelyard-" in done.stderr
    assert "as a merge may leave it: remove (git rm) all but the one that pyproject.toml names" in done.stderr


def test_no_wheel_is_refused_with_what_restores_it(locked):
    locked.wheel.unlink()
    done = locked.yard("--help")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: vendor/ holds no modelyard-*.whl: restore it with `git checkout HEAD -- vendor`\n"
    locked.git("checkout", "HEAD", "--", "vendor")
    assert locked.yard("--help").returncode == 0


def test_a_module_beside_it_does_not_stand_in_for_pythons(locked):
    for name in ("hashlib", "pathlib", "re", "modelyard"):
        (locked.root / f"vendor/{name}.py").write_text("raise SystemExit('imported from vendor/')\n")
    assert locked.yard("--help").returncode == 0


def test_it_runs_from_another_folder(locked, tmp_path):
    moved = locked.root.rename(tmp_path / "elsewhere")
    assert os.system(f"cd / && python3 -I {moved}/vendor/yard --help > /dev/null") == 0  # noqa: S605 - a plain path


def test_it_parses_on_old_pythons_and_names_what_it_needs(monkeypatch):
    text = LAUNCHER.read_text()
    ast.parse(text, feature_version=(3, 6))
    assert "from __future__ import" not in text  # old Pythons stop at a feature that they do not know
    monkeypatch.setattr("sys.version_info", (3, 9, 2))
    monkeypatch.setattr("sys.version", "3.9.2 (main)")
    with pytest.raises(SystemExit, match=r"^error: vendor/yard requires Python 3\.11 or newer; this is 3\.9\.2$"):
        exec(compile(text, "yard", "exec"), {"__name__": "yard"})  # noqa: S102


def test_it_needs_the_python_of_the_library():
    needed = tomllib.loads((SOURCE / "pyproject.toml").read_text())["project"]["requires-python"]
    assert needed == f">={launcher.NEEDED[0]}.{launcher.NEEDED[1]}"


def test_the_ejected_folder_runs(vendored):
    assert vendored.yard("eject").returncode == 0
    cli = vendored.root / "vendor/modelyard/src/modelyard/cli.py"
    cli.write_text(cli.read_text().replace('"GitHub": {', '"GitHub, patched": {'))
    assert "GitHub, patched:" in vendored.yard("--help").stdout


def test_an_ejected_folder_beside_a_wheel_is_refused(vendored):
    kept = vendored.wheel.read_bytes()
    name = vendored.wheel.name
    assert vendored.yard("eject").returncode == 0
    (vendored.root / "vendor" / name).write_bytes(kept)
    assert f"vendor/ holds {name} and modelyard/" in vendored.yard("--help").stderr
