"""Logs are shipped and compacted through S3 and ssh as through a folder, against a real server of each."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import boto3
import duckdb
import pytest
from library.production.logged import PLAIN, ROW, line_text
from modelyard.production.compact import compact
from modelyard.production.predictions import newest
from modelyard.production.shipping import Shipper
from modelyard.production.store import Store, StoreError
from release.ssh_host import SshHost, ssh_host


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SshHost]:
    """An ssh server, whose key and the key for it are in the environment."""
    (tmp_path / "ssh").mkdir()
    with ssh_host(tmp_path / "ssh") as host:
        monkeypatch.setenv("STORE_SSH_KEY", host.key)
        monkeypatch.setenv("STORE_KNOWN_HOSTS", host.known_hosts)
        yield host


@pytest.fixture(params=["s3", "ssh"])
def url(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "ssh":
        return f"{request.getfixturevalue('ssh').address}{tmp_path}/a store"
    for name, value in request.getfixturevalue("s3").items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket="logs")
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_REGION"):  # as of a workflow without these secrets
        monkeypatch.setenv(name, "")
    return "s3://logs/a store"


def test_lines_arrive_as_parquet(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    store = Store(url)
    for number in range(2):  # a second file of the same day replaces the day's file
        text = line_text([ROW] * 3, request=f"r{number}")
        (folder / "predictions-loans-0-0-000001.3.jsonl.gz").write_bytes(gzip.compress(text))
        one = Shipper(folder, store, "web", 1.0)
        assert one.ship()
        one.close()
        ledger = compact(Store(url), PLAIN)
    assert ledger.totals() == {"lines": 6, "torn": 0, "duplicates": 0, "days": 1}
    assert [name.split("/")[0] for name in store.names()] == ["ledger.json", "predictions", "raw", "raw"]
    (name,) = newest(store).values()
    path = store.copy_of(name, tmp_path)
    assert duckdb.read_parquet(str(path)).project("request, row").fetchall() == [
        (f"r{number}", row) for number in range(2) for row in range(3)
    ]


def test_after_a_lost_connection_another_one_is_made(ssh: SshHost, tmp_path: Path) -> None:
    store = Store(f"{ssh.address}{tmp_path}/store")
    store.write("raw/a", b"1")
    ssh.stop()
    with pytest.raises(StoreError):
        store.write("raw/b", b"2")
    ssh.start()
    store.write("raw/b", b"2")
    assert store.names() == ["raw/a", "raw/b"]


def test_a_server_with_another_key_is_refused(ssh: SshHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_KNOWN_HOSTS", "")
    with pytest.raises(StoreError, match="not found in known_hosts"):
        Store(f"{ssh.address}{tmp_path}/store").write("raw/a", b"1")
    assert not (tmp_path / "store").exists()
    monkeypatch.setenv("STORE_SSH_KEY", "no key")
    with pytest.raises(Exception, match="STORE_SSH_KEY holds no private key"):
        Store(f"{ssh.address}{tmp_path}/store").names()
    assert os.environ["STORE_SSH_KEY"] == "no key"
