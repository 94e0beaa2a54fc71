"""The library's wheel: the same bytes wherever and by whatever it is built, and all of its source is in it."""

from __future__ import annotations

import email
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import modelyard
import pytest
from library.vendoring.conftest import SOURCE
from modelyard.errors import YardError
from modelyard.vendoring import wheel
from packaging.requirements import Requirement

from projects import BIN, ROOT

VERSION = tomllib.loads((SOURCE / "pyproject.toml").read_text())["project"]["version"]


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_two_builds_in_two_places_give_the_same_bytes(source, tmp_path):
    other = shutil.copytree(source, tmp_path / "another/place")
    for path in other.rglob("*.py"):
        os.utime(path, (1e9, 1e9))
        path.chmod(0o755)
    assert wheel.build(source) == wheel.build(other)


def test_what_python_and_editors_leave_is_not_in_it(source):
    before = wheel.build(source)
    package = source / "src/modelyard"
    for name in ("__pycache__/cli.cpython-311.pyc", "runtime/__pycache__/rows.cpython-311.pyc", ".cli.py.swp"):
        (package / name).parent.mkdir(exist_ok=True)
        (package / name).write_bytes(b"left")
    assert wheel.build(source) == before


def test_uv_builds_the_same_wheel_from_the_folder_and_from_its_source_archive(source, tmp_path):
    before = files(source)
    for arguments in ([], ["--wheel"]):
        out = tmp_path / f"dist{len(arguments)}"
        command = [BIN / "uv", "build", "--quiet", "--offline", "--no-config", "--out-dir", out, *arguments, source]
        subprocess.run(command, check=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
        name, content = wheel.build(source)
        assert (out / name).read_bytes() == content
    archive = tmp_path / f"dist0/modelyard-{VERSION}.tar.gz"
    with tarfile.open(archive) as opened:
        inside = {entry.name.partition("/")[2] for entry in opened.getmembers()}
    assert inside == before.keys() | {"PKG-INFO"}


def test_two_source_archives_have_the_same_bytes(source, tmp_path, monkeypatch):
    monkeypatch.chdir(source)
    made = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        made.append((tmp_path / name / wheel.build_sdist(str(tmp_path / name))).read_bytes())
    assert made[0] == made[1]


def test_unpacking_restores_the_source_folder(source, tmp_path):
    wheel.unpack(wheel.build(source)[1], tmp_path / "restored")
    assert files(tmp_path / "restored") == files(source)


def test_a_file_that_points_outside_is_not_unpacked(source, tmp_path):
    path = tmp_path / "bad.whl"
    path.write_bytes(wheel.build(source)[1])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("modelyard/../../../outside.py", "")
    with pytest.raises(YardError, match="outside the folder that it is unpacked to"):
        wheel.unpack(path.read_bytes(), tmp_path / "restored")
    assert not list(tmp_path.rglob("outside.py"))


@pytest.mark.parametrize(("content", "message"), [(b"no zip", "not a wheel: "), (None, "not a wheel of modelyard")])
def test_what_is_no_wheel_of_the_library_is_refused(content, message, tmp_path):
    if content is None:
        with zipfile.ZipFile(tmp_path / "other.whl", "w") as archive:
            archive.writestr("other/__init__.py", "")
        content = (tmp_path / "other.whl").read_bytes()
    with pytest.raises(YardError, match=f"^{message}"):
        wheel.sources(content)


def test_the_zip_is_stored_with_fixed_times_and_modes(source, tmp_path):
    (tmp_path / "made.whl").write_bytes(wheel.build(source)[1])
    with zipfile.ZipFile(tmp_path / "made.whl") as archive:
        entries = archive.infolist()
    kinds = {(one.compress_type, one.date_time, one.create_system, one.external_attr >> 16) for one in entries}
    assert kinds == {(zipfile.ZIP_STORED, (1980, 1, 1, 0, 0, 0), 3, 0o100644)}
    assert [one.filename for one in entries[:-1]] == sorted(one.filename for one in entries[:-1])
    assert entries[-1].filename == f"modelyard-{VERSION}.dist-info/RECORD"


def test_the_record_has_the_hash_of_each_file(source, tmp_path):
    (tmp_path / "made.whl").write_bytes(wheel.build(source)[1])
    with zipfile.ZipFile(tmp_path / "made.whl") as archive:
        listed = archive.read(f"modelyard-{VERSION}.dist-info/RECORD").decode().splitlines()
        assert [line.split(",")[0] for line in listed] == archive.namelist()
        for line in listed[:-1]:
            name, digest, size = line.split(",")
            content = archive.read(name)
            assert (digest, int(size)) == (f"sha256={wheel._digest(content)}", len(content))


def test_the_metadata_is_that_of_pyproject(source, tmp_path):
    (tmp_path / "made.whl").write_bytes(wheel.build(source)[1])
    with zipfile.ZipFile(tmp_path / "made.whl") as archive:
        told = email.message_from_bytes(archive.read(f"modelyard-{VERSION}.dist-info/METADATA"))
    project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    assert (told["Name"], told["Version"]) == (project["name"], project["version"])
    assert told["Requires-Python"] == project["requires-python"]
    assert told["License-Expression"] == project["license"]
    assert told.get_payload() == (source / "README.md").read_text()
    extras = project["optional-dependencies"]
    assert told.get_all("Provides-Extra") == list(extras)
    needed = [Requirement(line) for line in told.get_all("Requires-Dist")]
    assert [str(one) for one in needed if one.marker is None] == [
        str(Requirement(one)) for one in project["dependencies"]
    ]
    for extra, wanted in extras.items():
        chosen = [one for one in needed if one.marker and one.marker.evaluate({"extra": extra})]
        assert [(one.name, one.extras, one.specifier) for one in chosen] == [
            (one.name, one.extras, one.specifier)
            for one in map(Requirement, wanted)
            if one.marker is None or one.marker.evaluate()
        ]


def test_a_requirement_of_an_extra_keeps_its_own_marker():
    made = Requirement(wheel._with_extra("uvloop>=0.22; sys_platform != 'win32'", "serve"))
    assert made.marker.evaluate({"extra": "serve", "sys_platform": "linux"})
    assert not made.marker.evaluate({"extra": "serve", "sys_platform": "win32"})
    assert not made.marker.evaluate({"extra": "train", "sys_platform": "linux"})


def test_commands_and_plugins_are_in_the_metadata(source, tmp_path):
    added = (
        '[project.scripts]\nyard = "modelyard.cli:entry"\n[project.entry-points.pytest11]\nyard = "modelyard.plugin"\n'
    )
    (source / "pyproject.toml").write_text((source / "pyproject.toml").read_text() + added)
    (tmp_path / "made.whl").write_bytes(wheel.build(source)[1])
    with zipfile.ZipFile(tmp_path / "made.whl") as archive:
        told = archive.read(f"modelyard-{VERSION}.dist-info/entry_points.txt").decode()
    assert told == "[console_scripts]\nyard = modelyard.cli:entry\n\n[pytest11]\nyard = modelyard.plugin\n"


def test_a_key_that_would_be_lost_is_refused(source):
    path = source / "pyproject.toml"
    path.write_text(path.read_text().replace("[project]\n", '[project]\nmaintainers = [{ name = "me" }]\n'))
    with pytest.raises(YardError, match=r"the build does not write maintainers of \[project\]"):
        wheel.build(source)


def test_the_format_does_not_change_between_versions(tmp_path):
    """`check` builds an old version with a newer builder, and compares bytes."""
    (tmp_path / "src/modelyard/room").mkdir(parents=True)
    (tmp_path / "src/modelyard/__init__.py").write_text('__version__ = "0.1"\n')
    (tmp_path / "src/modelyard/room/one.py").write_text("")
    (tmp_path / "README.md").write_text("# Read\n")
    (tmp_path / "LICENSE").write_text("MIT\n")
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "modelyard"\nversion = "0.1"\ndescription = "d"\nreadme = "README.md"\n'
        'requires-python = ">=3.11"\nlicense = "MIT"\nlicense-files = ["LICENSE"]\ndependencies = ["numpy>=2.2"]\n'
        '[project.optional-dependencies]\ntrain = ["pandas>=3"]\n'
    )
    name, content = wheel.build(tmp_path)
    assert name == "modelyard-0.1-py3-none-any.whl"
    assert hashlib.sha256(content).hexdigest() == "7784ce1c954f25e02b0364c46e0913d3c14553bf9aad95cb54e5c4330c65e27a"


def test_an_editable_install_uses_the_folder(source, tmp_path):
    environment = tmp_path / "environment"
    subprocess.run([BIN / "uv", "venv", "--quiet", "--python", sys.executable, environment], check=True)
    python = environment / "bin/python"
    install = [BIN / "uv", "pip", "install", "--quiet", "--offline", "--no-deps", "--python", python, "-e", source]
    subprocess.run(install, check=True)
    (source / "src/modelyard/added.py").write_text("ANSWER = 42\n")
    code = "import modelyard.added, importlib.metadata as m; print(modelyard.added.ANSWER, m.version('modelyard'))"
    printed = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.split() == ["42", VERSION]


def test_the_template_names_the_version_of_the_library():
    settings = (ROOT / "cookiecutter.json").read_text()
    assert re.findall(r'"__library": "([^"]+)"', settings) == [VERSION]
    assert modelyard.__version__ == VERSION
    assert (ROOT / "LICENSE").read_bytes() == (SOURCE / "LICENSE").read_bytes()
