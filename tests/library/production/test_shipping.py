"""Log files move to the store: each once, none lost while the store is away, and none from under a writer."""

from __future__ import annotations

import errno
import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from library.production.logged import PLAIN, ROW, line_text, table
from modelyard.errors import YardError
from modelyard.production import shipping
from modelyard.production.compact import compact
from modelyard.production.ship import Figures, main, run, serve_metrics, shipping_text
from modelyard.production.shipping import Shipper, totals
from modelyard.production.store import Store, StoreError
from modelyard.serving.log import shipping_note
from modelyard.serving.log.log_files import LogFiles

LINES = b"".join(b'{"row": %d}\n' % number for number in range(10))
CLOSED = "predictions-service-0-0-000001.10.jsonl.gz"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "log"
    place.mkdir()
    return place


@pytest.fixture
def shipper(folder: Path, store: Store, said: list[str]) -> Iterator[Callable[..., Shipper]]:
    made: list[Shipper] = []

    def make(place: Path = folder, close_seconds: float = 300.0, url: Store = store) -> Shipper:
        made.append(Shipper(place, url, "web 1", close_seconds, said.append))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def writer(folder: Path) -> Iterator[Callable[..., LogFiles]]:
    made: list[LogFiles] = []

    def make(**sizes: int) -> LogFiles:
        made.append(LogFiles(folder, 0, **({"file_bytes": 10_000, "files": 4} | sizes)))
        return made[-1]

    yield make
    for one in made:
        one.close()


def pack(folder: Path, text: bytes = LINES, number: int = 1) -> None:
    lines = len(text.splitlines())
    path = folder / f"predictions-service-0-0-{number:06}.{lines}.jsonl.gz"
    path.write_bytes(gzip.compress(text, mtime=0))


def held(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.name[0] != "."}


def contents(store: Store) -> list[bytes]:
    return [gzip.decompress(store.read(name)) for name in store.names("raw")]


def lost(one: Shipper) -> int:
    return one.shipped.lost_lines


def test_a_closed_file_is_moved_under_a_name_of_its_content(folder: Path, store: Store, shipper: Any) -> None:
    (folder / CLOSED).write_bytes(gzip.compress(LINES))
    one = shipper()
    assert one.ship()
    assert held(folder) == set()
    (name,) = store.names("raw")
    assert name.startswith("raw/web-1-")
    assert name.endswith(".10.jsonl.gz")
    assert "/predictions-service-0-0-000001-" in name
    assert contents(store) == [LINES]
    assert (one.shipped.files, one.shipped.lines, one.shipped.failures, lost(one)) == (1, 10, 0, 0)


def test_a_file_that_is_written_stays_until_its_service_closes_it(
    folder: Path, store: Store, shipper: Any, writer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = writer()
    files.append(LINES)
    one = shipper(close_seconds=0.0)
    assert one.ship(is_end=True)
    assert contents(store) == []
    assert one.is_written
    files.tidy()  # it learns that there is a shipper, which wants files at once
    files.append(LINES)
    assert held(folder) >= {"predictions-service-0-0-000002.jsonl"}
    files.close()
    assert one.ship(is_end=True)
    assert contents(store) == [LINES, LINES]
    monkeypatch.setattr(shipping_note, "GONE", -1.0)
    assert shipping_note.ShippingNote(folder).close_seconds() is None  # a shipper that is gone wants nothing


def test_without_a_shipper_no_file_is_closed_by_time(writer: Any, folder: Path) -> None:
    files = writer()
    for _ in range(3):
        files.append(LINES)
        files.tidy()
    assert held(folder) == {"predictions-service-0-0-000001.jsonl"}


def test_what_a_service_left_is_closed_when_it_is_idle(
    folder: Path, store: Store, shipper: Any, said: list[str]
) -> None:
    (folder / "predictions-service-0-0-000004.jsonl").write_bytes(line_text([ROW] * 3) + b'{"torn')
    (folder / "predictions-service-0-1-000001.jsonl").write_bytes(b"")
    one = shipper()
    assert one.ship()
    assert contents(store) == []
    assert one.ship(is_end=True)
    assert contents(store) == [line_text([ROW] * 3) + b'{"torn\n']
    assert [line.partition(":")[0] for line in said] == ["predictions-service-0-0-000004.jsonl"]
    assert "torn" in said[0]
    assert compact(store, PLAIN).totals() == {"lines": 4, "torn": 1, "duplicates": 0, "days": 1}


def test_a_full_disk_does_not_keep_what_is_closed_from_being_shipped(
    folder: Path, store: Store, shipper: Any, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pack(folder)
    (folder / "predictions-service-0-0-000002.jsonl").write_bytes(LINES)
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(shipping, "compress", lambda _: (_ for _ in ()).throw(full))
    one = shipper()
    assert not one.ship(is_end=True)
    assert contents(store) == [LINES]
    assert said == [f"{folder}/predictions-service-0-0-000002.jsonl: No space left on device"]
    monkeypatch.undo()
    assert one.ship(is_end=True)
    assert contents(store) == [LINES, LINES]


def test_a_service_that_starts_while_its_file_is_closed_writes_to_a_new_one(
    folder: Path, store: Store, shipper: Any, writer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = writer()
    files.append(LINES)
    files.close()
    real = os.open

    def late(path: Any, *given: Any) -> int:  # the service opens the file, then the shipper compresses it
        handle = real(path, *given)
        if str(path).endswith("000001.jsonl"):
            monkeypatch.undo()
            assert shipper().ship(is_end=True)
        return handle

    monkeypatch.setattr(os, "open", late)
    again = writer()
    assert again.append(LINES) == len(LINES)
    again.close()
    assert shipper().ship(is_end=True) is False  # the first one holds the folder
    assert (
        sum(text.count(b"\n") for text in contents(store))
        + sum(path.read_bytes().count(b"\n") for path in folder.glob("*.jsonl"))
        == 20
    )


def test_hosts_with_one_name_never_replace_each_others_files(tmp_path: Path, store: Store, shipper: Any) -> None:
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        (tmp_path / place / CLOSED).write_bytes(gzip.compress(LINES))
        assert shipper(tmp_path / place).ship()
        (tmp_path / place / CLOSED).write_bytes(gzip.compress(LINES * 2))  # a number is used again
        assert shipper(tmp_path / place).ship() is False
    assert len({name.split("/")[1] for name in store.names("raw")}) == 2
    assert len(store.names("raw")) == 2


def test_a_store_that_is_away_only_delays(
    folder: Path, store: Store, shipper: Any, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 6):
        pack(folder, LINES, number)
    before = held(folder)

    def refuse(*_: object) -> None:
        raise StoreError("store x: cannot be written: it is away")

    monkeypatch.setattr(Store, "put", refuse)
    one = shipper()
    assert [one.ship(), one.ship()] == [False, False]
    assert held(folder) == before
    assert one.shipped.failures == 6  # three of a pass, then it counts as away
    assert said == ["store x: cannot be written: it is away"]
    monkeypatch.undo()
    assert one.ship()
    assert len(contents(store)) == 5
    assert said[1:] == [f"{folder}: shipped again"]
    assert lost(one) == 0


def test_a_file_that_did_not_arrive_whole_stays(
    folder: Path, shipper: Any, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pack(folder)
    real = Store.put
    monkeypatch.setattr(Store, "put", lambda self, _, name: self.write(name, b"half") if real else None)
    assert not shipper().ship()
    assert held(folder) == {CLOSED}
    assert "has 4 bytes" in said[0]


def test_when_the_allotment_is_full_the_oldest_go_and_their_lines_are_counted(
    folder: Path, store: Store, shipper: Any, writer: Any, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "put", lambda *_: (_ for _ in ()).throw(StoreError("away")))
    one = shipper()
    for number in range(1, 4):
        pack(folder, bytes(os.urandom(900).hex(), "ascii") + b"\n", number)
    one.ship()
    before = {name: value for name, _, _, value in totals([one])}
    assert before["waiting_files"] == 3
    files = writer(file_bytes=1000, files=4)
    files.append(LINES)
    one.ship()
    after = {name: value for name, _, _, value in totals([one])}
    assert after["allotment_bytes"] == 4000
    assert before["waiting_bytes"] > 2000
    assert files.removed == lost(one) > 0
    assert after["lost_lines_total"] == files.removed
    assert any("was removed before it could be shipped" in line for line in said)
    monkeypatch.undo()
    assert one.ship()
    assert len(contents(store)) == 3 - files.removed


def test_a_crash_before_the_removal_doubles_nothing(
    folder: Path, store: Store, shipper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack(folder, line_text([ROW, ROW]))
    first = shipper()
    monkeypatch.setattr(Path, "unlink", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        first.ship()
    monkeypatch.undo()
    first.close()
    assert shipper().ship()
    assert held(folder) == set()
    assert compact(store, PLAIN).totals() == {"lines": 2, "torn": 0, "duplicates": 0, "days": 1}


ALARM = {"key": "drift:amount", "kind": "drift", "subject": "amount", "since": "2024-02-03", "summary": "", "lines": []}


def test_metrics_tell_what_waits_and_the_newest_figures(folder: Path, store: Store, shipper: Any) -> None:
    pack(folder)
    os.utime(folder / CLOSED, (time.time() - 100,) * 2)
    store.write(
        "figures/latest.json", json.dumps({"format": 1, "model": "loans", "windows": [], "alarms": [ALARM]}).encode()
    )
    figures = Figures(store)
    figures.look()
    server = serve_metrics("127.0.0.1", 0, lambda: shipping_text([shipper()]) + figures.text())
    try:
        address = f"http://127.0.0.1:{server.server_address[1]}"
        told = urllib.request.urlopen(f"{address}/metrics").read().decode()  # noqa: S310
        assert urllib.request.urlopen(f"{address}/healthz").read() == b"alive\n"  # noqa: S310
    finally:
        server.shutdown()
    assert figures.text() in told
    assert "modelyard_alarm" in figures.text()
    values = dict(line.rsplit(" ", 1) for line in told.splitlines() if line[0] != "#")
    assert float(values["modelyard_ship_waiting_files"]) == 1
    assert float(values["modelyard_ship_waiting_bytes"]) == (folder / CLOSED).stat().st_size
    assert 99 < float(values["modelyard_ship_oldest_seconds"]) < 200
    assert "# TYPE modelyard_ship_lost_lines_total counter" in told
    with pytest.raises(YardError, match="give another --port"):
        serve_metrics("256.0.0.1", 0, str)


def test_pauses_grow_while_the_store_is_away_and_the_end_ships_what_is_left(
    folder: Path, store: Store, shipper: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack(folder)
    one = shipper()
    stop = threading.Event()
    pauses: list[float] = []

    def wait(seconds: float) -> bool:
        pauses.append(seconds)
        return len(pauses) > 6

    monkeypatch.setattr(stop, "wait", wait)
    away = [True] * 6
    real = Store.put

    def put(self: Store, *given: Any) -> None:
        if away:
            away.pop()
            raise StoreError("away")
        real(self, *given)

    monkeypatch.setattr(Store, "put", put)
    run([one], Figures(store), stop, 1.0, 0.0)
    assert pauses[0] == 0
    assert pauses[1:] == sorted(pauses[1:])
    assert pauses[6] > 8
    assert contents(store) == [LINES]


def test_once_ships_all_and_ends(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "predictions-service-0-0-000001.jsonl").write_bytes(LINES)
    given = ["--folder", str(folder), "--once", "--store"]
    main([*given, str(tmp_path / "store")], None)  # type: ignore[arg-type]
    assert "shipped files: 1, with 10 lines" in capsys.readouterr().err
    pack(folder)
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit):
        main([*given, str(tmp_path / "file/store")], None)  # type: ignore[arg-type]
    assert held(folder) == {CLOSED}
    with pytest.raises(YardError, match="give --store, or set STORE"):
        main(given[:-1], None)  # type: ignore[arg-type]
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["--folder", str(folder / "none"), *given[2:], str(tmp_path / "store")], None)  # type: ignore[arg-type]
    assert f"{folder / 'none'}: there is no such folder" in capsys.readouterr().err


SHIP = "from modelyard.production.ship import main; main(__import__('sys').argv[1:], None)"


def test_kill_9_while_it_ships_loses_and_doubles_nothing(folder: Path, store: Store, writer: Any) -> None:
    files = writer(file_bytes=3000, files=1000)
    url = str(store.folder)
    given = ["--folder", str(folder), "--store", url, "--interval", "0.01", "--close-after", "0.2", "--port", "0"]
    written = 0
    for turn in range(3):
        with subprocess.Popen([sys.executable, "-c", SHIP, *given], stderr=subprocess.DEVNULL) as process:
            ends, shipped = time.monotonic() + 30, len(store.names("raw"))
            while len(store.names("raw")) < shipped + 3 + turn:  # it is killed in the middle of the work
                assert time.monotonic() < ends
                files.append(line_text([ROW] * 5, request=f"r{written}"))
                files.tidy()
                written += 1
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
    files.close()
    main([*given[:4], "--once"], None)  # type: ignore[arg-type]
    assert held(folder) == set()
    totals_ = compact(store, PLAIN).totals()
    assert sorted(table(store)) == sorted((f"r{number}", row) for number in range(written) for row in range(5))
    assert (totals_["torn"], totals_["duplicates"]) == (0, 0)
