from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from modelyard.deploying.compose import volumes
from modelyard.deploying.compose.volumes import prepare
from modelyard.deploying.scripts import script


def test_the_keys_are_replaced_and_readable_by_their_user_alone(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "stable").mkdir()
    user = f"{os.getuid()}:{os.getgid()}"
    prepare(str(tmp_path), user, "first")
    prepare(str(tmp_path), user, "second")
    assert (tmp_path / "keys/keys.json").read_text() == "second"
    assert (tmp_path / "keys/keys.json").stat().st_mode & 0o777 == 0o400
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["keys.json"]


def test_without_keys_those_that_are_there_stay(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys/keys.json").write_text("there")
    prepare(str(tmp_path), str(os.getuid()), None)
    assert (tmp_path / "keys/keys.json").read_text() == "there"


def test_it_runs_as_text_with_nothing_but_python(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    program = script(f"VOLUMES = {str(tmp_path)!r}\nmain()", volumes)
    given = json.dumps({"user": f"{os.getuid()}:{os.getgid()}", "keys": "first"})
    subprocess.run([sys.executable, "-I", "-S", "-c", program], input=given, text=True, check=True, env={})
    assert (tmp_path / "keys/keys.json").read_text() == "first"
