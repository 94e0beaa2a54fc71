from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from modelyard.judging.lock import LOCK, folder_md5, path_md5, put_folder, read_lock, take


def store(cache: Path, content: bytes, suffix: str = "") -> str:
    """Put something into a cache that is laid out as DVC's; its hash."""
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest() + suffix
    path = cache / "files/md5" / md5[:2] / md5[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return md5


def store_folder(cache: Path, files: dict[str, str]) -> str:
    listing = [{"md5": md5, "relpath": name} for name, md5 in files.items()]
    return store(cache, json.dumps(listing).encode(), ".dir")


def test_files_and_folders_are_known_by_the_hashes_that_dvc_gives_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "made/deep").mkdir(parents=True)
    for name in ("made/b.txt", "made/a.txt", "made/deep/c.txt", "one.txt"):
        (tmp_path / name).write_text(name)
    (tmp_path / "dvc.yaml").write_text("stages: {make: {cmd: none, outs: [made, one.txt]}}\n")
    for command in (["init", "--no-scm", "--quiet"], ["commit", "--force", "--quiet"]):
        subprocess.run([sys.executable, "-m", "dvc", *command], check=True)
    outs = read_lock(LOCK).outs
    assert outs == {name: path_md5(tmp_path / name) for name in ("made", "one.txt")}
    for name, md5 in outs.items():
        assert take(md5, tmp_path / "taken" / name)
        assert path_md5(tmp_path / "taken" / name) == md5


def test_what_is_not_there_has_no_hash(tmp_path):
    assert path_md5(tmp_path / "no-such") is None
    assert read_lock(tmp_path / "no-such").outs == {}


def test_a_folder_comes_whole_or_not_at_all(tmp_path):
    there = store(tmp_path, b"there")
    folder = store_folder(tmp_path, {"a": there, "b": "0" * 32})
    assert not take(folder, tmp_path / "taken", tmp_path)
    assert list(tmp_path.glob("taken*")) == []


@pytest.mark.parametrize("suffix", ["", ".dir"])
def test_what_has_another_hash_than_its_name_says_is_not_taken(tmp_path, suffix):
    md5 = store(tmp_path, b"[]", suffix)
    (tmp_path / "files/md5" / md5[:2] / md5[2:]).write_bytes(b"[ ]")
    assert not take(md5, tmp_path / "taken", tmp_path)
    assert list(tmp_path.glob("taken*")) == []


@pytest.mark.parametrize("name", ["../escaped", "{}/into/escaped", "a/../../escaped"])
def test_a_name_that_leads_out_of_the_folder_is_not_taken(tmp_path, name):
    folder = store_folder(tmp_path, {name.format(tmp_path): store(tmp_path, b"evil")})
    assert not take(folder, tmp_path / "into/taken", tmp_path)
    assert not (tmp_path / "into/escaped").exists()


@pytest.mark.parametrize("md5", ["", "None", "../../../etc/passwd", "0" * 31, f"{'0' * 32}.dir/../x"])
def test_what_is_no_hash_is_nowhere(tmp_path, md5):
    assert not take(md5, tmp_path / "taken", tmp_path)


def test_an_output_outside_of_the_project_is_none_of_its_own(tmp_path):
    lock = "stages: {make: {cmd: x, outs: [{path: ../secret, md5: a}, {path: kept, md5: b}]}}\n"
    (tmp_path / LOCK).write_text(lock)
    assert read_lock(tmp_path / LOCK).outs == {"kept": "b"}


def test_a_folder_that_is_put_into_a_cache_can_be_taken_from_it(tmp_path):
    made, cache = tmp_path / "made", tmp_path / "cache"
    (made / "deep").mkdir(parents=True)
    for name in ("b.txt", "a.txt", "deep/c.txt"):
        (made / name).write_text(name)
    md5 = str(path_md5(made))
    poisoned = cache / "files/md5" / md5[:2] / md5[2:]
    poisoned.parent.mkdir(parents=True)
    poisoned.write_bytes(b"poison")
    put_folder(made, cache)
    assert take(md5, tmp_path / "taken", cache)
    assert path_md5(tmp_path / "taken") == md5


def test_the_hash_of_a_folder_is_that_of_its_files_in_order():
    assert folder_md5({"b": "2" * 32, "a": "1" * 32}) == folder_md5({"a": "1" * 32, "b": "2" * 32})
