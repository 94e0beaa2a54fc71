"""A store of production: files below a folder or URL, each there whole or not at all."""

from __future__ import annotations

import os
import time
from pathlib import Path

import fsspec
import pytest
from modelyard.production.store import Store, StoreError


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A store in a folder, and one that has no folders, as object stores."""
    if request.param == "folder":
        return Store(str(tmp_path / "some store"))
    fsspec.filesystem("memory").store.clear()
    return Store("memory://bucket/a")


def test_files_are_written_listed_read_and_removed(store: Store, tmp_path: Path) -> None:
    assert store.names() == []
    store.write("raw/a/1.gz", b"one")
    (tmp_path / "two").write_bytes(b"two")
    store.put(tmp_path / "two", "raw/b/2.gz")
    store.write("labels/x", b"")
    store.write("raw/a/1.gz", b"another")
    assert store.names() == ["labels/x", "raw/a/1.gz", "raw/b/2.gz"]
    assert store.names("raw") == ["raw/a/1.gz", "raw/b/2.gz"]
    assert (store.read("raw/a/1.gz"), store.read("raw/b/2.gz")) == (b"another", b"two")
    assert [path.read_bytes() for path in store.copies(["raw/b/2.gz"], tmp_path / "cache")] == [b"two"]
    assert store.copy_of("raw/a/1.gz", tmp_path).read_bytes() == b"another"
    assert store.has("labels/x")
    store.remove("labels/x")
    store.remove("labels/x")
    assert not store.has("labels/x")


def test_a_file_that_is_not_complete_is_not_there(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    with pytest.raises(StoreError, match="raw/2 cannot be written"):
        store.put(tmp_path / "missing", "raw/2")
    (tmp_path / "raw/3.abcd.part").write_bytes(b"half")
    assert store.names() == []


def test_what_a_killed_process_began_to_write_is_removed_and_what_is_still_written_is_not(store: Store) -> None:
    store.write("raw/a/1.gz", b"one")
    folder = store.folder
    if folder is None:  # where nobody sees a half of a file, nothing is to be done
        assert store.remove_parts(0.0) == 0
        return
    old, new, users = (folder / f"raw/a/{name}" for name in ("2.gz.0123abcd.part", "3.gz.0123abcd.part", "users.part"))
    for path in (old, new, users):
        path.write_bytes(b"half")
    for path in (old, users, folder / "raw/a/1.gz"):
        os.utime(path, (time.time() - 90_000,) * 2)
    assert store.remove_parts(86_400.0) == 1
    assert {path.name for path in (folder / "raw/a").iterdir()} == {"1.gz", new.name, users.name}


@pytest.mark.parametrize("name", ["/etc/passwd", "raw/../../other"])
def test_no_name_leads_out_of_the_store(store: Store, name: str) -> None:
    with pytest.raises(StoreError, match="no name of a file"):
        store.write(name, b"")


@pytest.mark.parametrize(("url", "extra"), [("gs://logs", "gs"), ("az://logs/a", "az")])
def test_a_store_whose_package_is_missing_says_which_extra_brings_it(url: str, extra: str) -> None:
    with pytest.raises(StoreError, match=f"add {extra} beside monitor, then run `make lock APPLY=1 setup`"):
        Store(url)


def test_the_key_for_google_is_the_text_of_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fsspec.config.conf, "gs", {})
    monkeypatch.setenv("STORE_GOOGLE_KEY", "/run/key.json")
    with pytest.raises(StoreError, match="STORE_GOOGLE_KEY is not the JSON"):
        Store("gs://logs")
    monkeypatch.setenv("STORE_GOOGLE_KEY", '{"type": "service_account"}')
    with pytest.raises(StoreError, match="add gs"):
        Store("gs://logs")
    assert fsspec.config.conf["gs"] == {"token": {"type": "service_account"}}


def test_a_password_is_in_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_PASSWORD", "s3cret")
    with pytest.raises(StoreError) as caught:
        Store("ftp://me:$STORE_PASSWORD@127.0.0.1:1/folder")
    assert "s3cret" not in str(caught.value)
    assert "ftp://127.0.0.1:1/folder" in str(caught.value)
