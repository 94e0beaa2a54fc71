from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import subprocess
import sys

import pytest
from modelyard.errors import ContractError
from modelyard.serving.access.key import KeyFile, add, main, read_keys, revoke

from flight_delays import project


class Clock:
    """A clock that is moved by hand."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys.json"


def entry(name="shop", roles=("predict",), key="secret"):
    return {"name": name, "roles": list(roles), "sha256": hashlib.sha256(key.encode()).hexdigest()}


def write(path, *entries):
    path.write_text(json.dumps({"keys": list(entries)}))


def test_the_file_holds_the_hash_of_a_key_and_not_the_key(path):
    made = add(path, "shop", ["predict", "read"])
    assert made not in path.read_text()
    (key,) = read_keys(path)
    assert (key.name, key.roles) == ("shop", ["predict", "read"])
    assert key.sha256 == hashlib.sha256(made.encode()).hexdigest()


def test_a_key_has_256_bits_and_is_never_made_twice(path):
    made = {add(path, "shop", ["read"]) for _ in range(20)}
    assert len(made) == 20
    assert all(len(key.removeprefix("key_")) == 43 for key in made)


def test_only_the_owner_can_read_the_file(path):
    add(path, "shop", ["predict"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in path.parent.iterdir()] == ["keys.json"]


def test_a_second_key_of_a_caller_stands_beside_the_first(path):
    first, second = add(path, "shop", ["predict"]), add(path, "shop", ["predict"])
    keys = KeyFile(path)
    assert keys.find(first.encode()).name == keys.find(second.encode()).name == "shop"


def test_replace_removes_the_callers_other_keys_and_nobody_elses(path):
    first, other = add(path, "shop", ["predict"]), add(path, "office", ["read"])
    second = add(path, "shop", ["predict"], replace=True)
    keys = KeyFile(path)
    assert keys.find(first.encode()) is None
    assert keys.find(second.encode()).name == "shop"
    assert keys.find(other.encode()).name == "office"


def test_revoke_removes_all_keys_of_a_caller(path):
    for name in ("shop", "shop", "office"):
        add(path, name, ["predict"])
    assert revoke(path, "shop") == 2
    assert [key.name for key in read_keys(path)] == ["office"]


def test_a_caller_without_keys_cannot_be_revoked_and_those_with_keys_are_named(path):
    add(path, "office", ["predict"])
    with pytest.raises(ContractError, match="'shop' has no key; those who have one: office"):
        revoke(path, "shop")


def test_many_who_add_at_once_lose_no_key(path):
    command = [sys.executable, "-m", "flight_delays", "key", "--file", path]
    running = [subprocess.Popen([*command, f"caller{n}"]) for n in range(4)]
    assert [one.wait(60) for one in running] == [0] * 4
    assert sorted(key.name for key in read_keys(path)) == [f"caller{n}" for n in range(4)]


@pytest.mark.parametrize("name", ["", "two words", "a/b", "x" * 65, "-x", "oidc:me"])
def test_a_name_that_is_none_is_refused(path, name):
    with pytest.raises(ContractError, match="is no name for a caller"):
        add(path, name, ["predict"])
    assert not path.exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "Input data was truncated"),
        ('{"keys": [{"name": "a", "roles": ["boss"], "sha256": ""}]}', r"Invalid enum value.*keys.*roles"),
        ('{"keys": [{"name": "a", "roles": [], "key": "hush"}]}', "unknown field `key`"),
        (json.dumps({"keys": [entry() | {"sha256": "hush"}]}), r"keys\[0\].sha256 must be 64 hexadecimal digits"),
        (json.dumps({"keys": [entry(), entry(name="a b")]}), r"keys\[1\].name must be"),
        (json.dumps({"keys": [entry(), entry("office")]}), "two entries have the same sha256"),
        ("\xff", "keys.json"),
    ],
)
def test_a_file_that_is_not_as_it_must_be_is_refused_without_a_word_of_what_is_secret(path, content, told):
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ContractError, match=told) as refused:
        read_keys(path)
    assert "hush" not in str(refused.value)
    with pytest.raises(ContractError):
        add(path, "shop", ["predict"])
    assert path.read_bytes() == content.encode("latin-1")


def test_a_file_that_is_not_there_is_refused_at_the_start(path):
    with pytest.raises(ContractError, match=r"keys\.json: the keys cannot be read: No such file"):
        KeyFile(path)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ContractError, match="the folder of the keys cannot be opened: No such file"):
        add(tmp_path / "none/keys.json", "shop", ["predict"])


def test_a_file_that_cannot_be_replaced_is_left_and_so_is_the_folder(path):
    path.mkdir()
    with pytest.raises(ContractError, match="cannot be read"):
        add(path, "shop", ["predict"])
    assert [found.name for found in path.parent.iterdir()] == ["keys.json"]


def test_where_the_disk_is_full_the_keys_are_as_they_were(path, monkeypatch):
    add(path, "shop", ["predict"])
    before = path.read_bytes()

    def fail(_handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(ContractError, match="cannot be written, and are as they were: No space left on device"):
        add(path, "office", ["predict"])
    assert path.read_bytes() == before
    assert [found.name for found in path.parent.iterdir()] == ["keys.json"]


def test_a_changed_file_is_taken_within_a_second_and_looked_at_no_more_often(path):
    write(path, entry(key="old"))
    clock = Clock()
    keys = KeyFile(path, clock)
    write(path, entry("office", key="new"))
    clock.now += 0.9
    assert keys.find(b"old")
    clock.now += 0.1
    assert keys.find(b"new").name == "office"
    assert keys.find(b"old") is None


@pytest.mark.parametrize("broken", ["{", None], ids=["broken", "gone"])
def test_a_broken_or_vanished_file_keeps_the_keys_and_is_said_once(path, broken, caplog):
    write(path, entry(key="old"))
    clock = Clock()
    keys = KeyFile(path, clock)
    path.unlink() if broken is None else path.write_text(broken)
    for _ in range(3):
        clock.now += 1
        assert keys.find(b"old")
    assert len(caplog.records) == 1
    assert "the keys from before stay in use" in caplog.text
    write(path, entry(key="new"))
    clock.now += 1
    assert keys.find(b"new")
    assert keys.find(b"old") is None
    assert "1 keys are in use from now on" in caplog.text


def test_a_file_with_the_same_size_and_time_is_noticed_when_it_was_replaced(path):
    write(path, entry(key="old"))
    clock = Clock()
    keys = KeyFile(path, clock)
    before = path.stat()
    other = path.with_name("other")
    write(other, entry(key="new"))
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)
    clock.now += 1
    assert keys.find(b"new")


def test_the_verb_prints_the_key_alone_so_that_it_can_be_piped(path, capsys):
    main(["shop", "--roles", "read, predict", "--file", str(path)], project)
    told = capsys.readouterr()
    key = told.out.strip()
    assert KeyFile(path).find(key.encode()).roles == ["predict", "read"]
    assert told.out == f"{key}\n"
    assert key not in told.err
    main(["shop", "--file", str(path), "--revoke"], project)
    assert capsys.readouterr().out == f"1 keys of shop removed from {path}\n"
    assert KeyFile(path).find(key.encode()) is None


def test_the_verb_refuses_a_role_that_is_none(path, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["shop", "--roles", "predict,boss", "--file", str(path)], project)
    assert "'boss': the roles are predict, read, admin" in capsys.readouterr().err
    assert not path.exists()
