from __future__ import annotations

import os
from pathlib import Path

from modelyard.deploying.compose.volumes import prepare


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
