"""A store on S3 and on ssh is used as one in a folder, against a real server of each."""

from __future__ import annotations

import gzip
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from library.conftest import Workspace
from library.production.answered import days, once_over, rows_of, scores_of
from library.production.logged import PLAIN, ROW, line_text, ship_lines
from modelyard.judging.monitoring import Monitor
from modelyard.production.compact import compact
from modelyard.production.forget import forget_in_store
from modelyard.production.labels import run
from modelyard.production.monitor import monitor, write
from modelyard.production.predictions import newest
from modelyard.production.retention import retain
from modelyard.production.shipping import Shipper
from modelyard.production.store import Store, StoreError
from modelyard.runtime.bundle import read_bundle
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
    bucket = f"logs-{secrets.token_hex(4)}"
    boto3.client("s3").create_bucket(Bucket=bucket)
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_REGION"):  # as of a workflow without these secrets
        monkeypatch.setenv(name, "")
    return f"s3://{bucket}/a store"


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


def life(workspace: Workspace, url: str, root: Path, lines: Sequence[bytes]) -> dict[str, Any]:
    """What is said and kept of two weeks of lines: their figures, and again without one person and the first week."""
    contract, moment = workspace.contract, datetime(2026, 3, 20)
    settings = Monitor(store=url)
    shutil.copytree(workspace.root / "bundle", root / "bundle")
    store = Store(url)
    for number, one in enumerate(lines, 1):
        ship_lines(store, one, number)
    said: list[str] = []

    def watch() -> dict[str, Any]:
        said.append(run(root, contract, workspace.params, settings, moment))
        found = monitor(workspace.project, root, contract, settings, 1, moment)
        write(root, Store(url), found)
        return found

    compact(store, contract, said.append)
    before = watch()
    person = json.loads(lines[-1].splitlines()[0])["ids"]
    removed = forget_in_store(Store(url), {name: [value] for name, value in person.items()}, contract)
    retain(Store(url), compact(Store(url), contract, said.append), 7, said.append)
    after = watch()
    kept = {name: store.size(name) for name in store.names() if not name.startswith("figures/")}
    return {"said": said, "before": before, "removed": removed, "after": after, "kept": kept}


@pytest.fixture(scope="module")
def lines(made: Workspace) -> list[bytes]:
    """Log lines of two weeks, a file a day."""
    contract, rows = made.contract, rows_of(made)
    bundle = read_bundle(made.root / "bundle").digest[:12].encode()
    found = []
    for day, part in once_over(rows, days("2026-03-02", 14), 40).items():
        sent = part.select([*contract.named("id"), *contract.inputs]).to_pylist()
        sent = [{name: str(value) if name == contract.time else value for name, value in row.items()} for row in sent]
        text = line_text(sent, contract, day, f"{day}T10:00:00", scores_of(made, part))
        found.append(text.replace(b"0123456789ab", bundle))
    return found


@pytest.fixture(scope="module")
def of_folder(made: Workspace, lines: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a store in a folder says and keeps."""
    root = tmp_path_factory.mktemp("folder")
    return life(made, str(root / "a store"), root, lines)


def test_all_figures_are_those_of_a_folder(
    url: str, made: Workspace, lines: list[bytes], of_folder: dict[str, Any], tmp_path: Path
) -> None:
    """Labels, performance, drift, skew, the monitor's files, what is forgotten, and what is too old."""
    found = life(made, url, tmp_path / "project", lines)
    assert found == of_folder
    first, second = found["before"]["windows"]
    assert first["rows"] == first["labelled"] == second["labelled"] == 280
    assert first["performance"]["log_loss"]["value"] > 0
    assert first["drift"]["inputs"]["temp"]["p"] is not None
    assert found["before"]["skew"] == {"rows": 120, "different": 0}
    assert found["removed"] == {"log lines": 1, "labels": 1, "predictions": 1}
    assert [window["rows"] for window in found["after"]["windows"]] == [279]


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
