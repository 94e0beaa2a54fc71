"""`eject` unpacks the library for a team that must patch it; what runs then is what they patched."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest
from library.vendoring.conftest import Vendored
from modelyard.errors import YardError
from modelyard.vendoring import wheel
from modelyard.vendoring.eject import EJECTED, eject


def state(root: Path) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes() for path in [*root.glob("vendor/**/*"), root / "pyproject.toml"] if path.is_file()
    }


def test_the_source_is_the_wheels_and_the_project_names_the_folder(locked):
    name, before = locked.wheel.name, locked.wheel.read_bytes()
    told = locked.yard("eject")
    assert told.returncode == 0, told.stderr
    assert wheel.build(locked.root / EJECTED) == (name, before)
    assert not (locked.root / "vendor" / name).exists()
    changed = [line for line in locked.git("diff", "--unified=0", "pyproject.toml").splitlines() if line[0] in "+-"]
    assert changed[2:] == [
        f'-path = "vendor/{name}"',
        '+path = "vendor/modelyard"',
        "+editable = true",
    ]
    assert "  make lock APPLY=1 " in told.stdout
    assert locked.uv("lock", "--quiet").returncode == 0
    packages = tomllib.loads((locked.root / "uv.lock").read_text())["package"]
    assert [one["source"] for one in packages if one["name"] == "modelyard"] == [{"editable": "vendor/modelyard"}]
    assert locked.yard("--help").returncode == 0


def test_sources_of_the_team_stay(vendored):
    path = vendored.root / "pyproject.toml"
    path.write_text(f'{path.read_text()}\n[tool.uv.sources]\nours = {{ path = "../ours" }}\n')
    eject(vendored.root)
    sources = tomllib.loads(path.read_text())["tool"]["uv"]["sources"]
    assert sources == {"ours": {"path": "../ours"}, "modelyard": {"path": "vendor/modelyard", "editable": True}}


def test_a_stage_runs_the_ejected_code_and_refuses_a_patch_that_is_not_in_the_hashes(vendored, made, tmp_path):
    eject(vendored.root)
    root = shutil.copytree(made.root, tmp_path / "work/flights")
    shutil.copytree(vendored.root / "vendor", root / "vendor")
    project, library = Vendored(root), root / EJECTED / "src"
    done = project.stage("evaluate", library)
    assert done.returncode == 0, done.stderr
    module = library / "modelyard/training/evaluate.py"
    module.write_text(module.read_text() + '\nprint("patched")\n')
    refused = project.stage("evaluate", library)
    assert refused.returncode == 1
    assert "after a change of the library's code run `python3 vendor/yard hashes`" in refused.stderr
    before = (root / "vendor/yard.json").read_text().splitlines()
    assert project.yard("hashes").returncode == 0
    after = (root / "vendor/yard.json").read_text().splitlines()
    assert [line.split('"')[1] for line in after if line not in before] == ["evaluate"]
    assert "patched" in project.stage("evaluate", library).stdout


def test_twice_is_refused(vendored):
    eject(vendored.root)
    before = state(vendored.root)
    with pytest.raises(YardError, match=r"^vendor/modelyard/ is there already: the library is ejected$"):
        eject(vendored.root)
    assert state(vendored.root) == before


@pytest.mark.parametrize("table", ["", '[tool.uv.sources]\nmodelyard = { path = "a.whl" }\n'])
def test_without_its_table_nothing_is_changed(vendored, table):
    path = vendored.root / "pyproject.toml"
    own = f'[tool.uv.sources.modelyard]\npath = "vendor/{vendored.wheel.name}"\n'
    assert own in path.read_text()
    path.write_text(path.read_text().replace(own, table))
    before = state(vendored.root)
    with pytest.raises(YardError, match=r"^pyproject\.toml has no table \[tool\.uv\.sources\.modelyard\] with `path"):
        eject(vendored.root)
    assert state(vendored.root) == before


def test_where_a_step_fails_nothing_is_changed(vendored, monkeypatch):
    before = state(vendored.root)

    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    for step in ("pathlib.Path.unlink", "os.replace"):
        with monkeypatch.context() as patch:
            patch.setattr(step, full)
            with pytest.raises(OSError, match="No space left"):
                eject(vendored.root)
        assert state(vendored.root) == before


def test_a_wheel_that_is_no_wheel_changes_nothing(vendored):
    vendored.wheel.write_bytes(b"no zip")
    before = state(vendored.root)
    with pytest.raises(YardError, match="not a wheel"):
        eject(vendored.root)
    assert state(vendored.root) == before
