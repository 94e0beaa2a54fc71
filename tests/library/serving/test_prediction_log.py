from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from modelyard.serving.log import prediction_log as module
from modelyard.serving.log.log_folder import read_lines
from modelyard.serving.log.log_lines import Asked, LogEntry, LoggedModel, encode_row
from modelyard.serving.log.prediction_log import PredictionLog

SOURCE = LoggedModel("flights", "hash", "stable")


def entry(request="r", rows=1, inputs=None, **more):
    given = inputs if inputs is not None else [{"distance": place} for place in range(rows)]
    scores, asked = np.zeros(rows), Asked(request)
    return LogEntry(SOURCE, asked, time.time(), "bundle", "model", given, scores, [False] * rows, 0.1, **more)


def read(folder):
    """The lines of all files, each of which must be whole."""
    plain = [path.read_bytes() for path in folder.glob("*.jsonl")]
    assert all(text.endswith(b"\n") for text in plain if text)
    return [json.loads(line) for line in read_lines(folder)]


def until(reached, seconds=20.0):
    """Wait until something is so; a test that waits in vain fails."""
    ends = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < ends, "waited in vain"
        time.sleep(0.005)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "log"


@pytest.fixture
def log(folder):
    running = PredictionLog(folder, 0, 0.02, 64, 4)
    yield running
    running.close()


def test_entries_are_written_in_their_order_without_being_asked(log, folder):
    for number in range(50):
        log.write(entry(str(number), rows=3))
    until(lambda: log.written == 150)
    assert [(line["request"], line["row"]) for line in read(folder)] == [
        (str(number), row) for number in range(50) for row in range(3)
    ]
    assert (sum(log.dropped.values()), log.waiting, log.waiting_bytes, log.failure) == (0, 0, 0, None)


def test_close_writes_what_waits(folder):
    log = PredictionLog(folder, 0, 1000, 64, 4)
    log.write(entry(rows=2000))
    log.close()
    assert log.written == len(read(folder)) == 2000


def test_what_comes_after_the_close_is_counted_as_dropped(log):
    log.close()
    log.write(entry(rows=2))
    assert (log.written, log.dropped) == (0, {"disk": 0, "fault": 0, "end": 2})


def test_many_lines_do_not_wait_for_the_interval(folder):
    log = PredictionLog(folder, 0, 1000, 64, 4)
    rows = module.SOON // 100
    log.write(entry(rows=rows))
    until(lambda: log.written == rows)
    log.close()


async def answered(log, entries):
    """Entries of requests that are answered at the same time; the number that found room at once."""
    waiting = [one for one in entries if not log.offer(one)]
    await asyncio.gather(*map(log.put, waiting))
    return len(entries) - len(waiting)


def test_requests_of_more_lines_than_may_wait_are_all_written(folder, monkeypatch):
    """On a slow disk, with single rows among them: what is answered is logged, and memory stays bounded."""
    monkeypatch.setattr(module, "MOST", 300_000)
    monkeypatch.setattr(module, "MOST_OF_LARGE", 150_000)
    monkeypatch.setattr(module, "BATCH", 50_000)
    log = PredictionLog(folder, 0, 1000, 64, 4)
    real, most = log._files.append, []

    def slow(*lines):
        most.append(log.waiting_bytes)
        time.sleep(0.005)
        return real(*lines)

    monkeypatch.setattr(log._files, "append", slow)
    rows = 5_000
    large = [entry(f"large {n}", rows=rows, inputs={"distance": np.arange(rows)}) for n in range(2)]
    at_once = asyncio.run(answered(log, [*large, *[entry(str(n)) for n in range(200)]]))
    log.close()
    assert at_once == 200
    assert sum(log.dropped.values()) == 0
    assert max(most) <= 300_000
    found = {(line["request"], line["row"]) for line in read(folder)}
    assert len(found) == log.written == 2 * rows + 200


def test_single_rows_wait_for_room_too_and_a_crowd_is_told(folder, monkeypatch):
    monkeypatch.setattr(module, "MOST", 1000)
    log = PredictionLog(folder, 0, 1000, 64, 4)
    go_on, real = threading.Event(), log._files.append
    monkeypatch.setattr(log._files, "append", lambda *lines: go_on.wait(20) and real(*lines))

    async def ask():
        task = asyncio.create_task(answered(log, [entry(str(n)) for n in range(100)]))
        while not log.is_crowded:
            await asyncio.sleep(0.001)
        assert not task.done()
        go_on.set()
        await task

    asyncio.run(ask())
    assert not log.is_crowded
    log.close()
    assert sorted(int(line["request"]) for line in read(folder)) == list(range(100))
    assert sum(log.dropped.values()) == 0


def test_a_fault_while_writing_holds_up_no_request_and_is_counted_as_one(folder, monkeypatch, caplog):
    monkeypatch.setattr(module, "MOST", 1000)
    log = PredictionLog(folder, 0, 0.01, 64, 4)
    with monkeypatch.context() as broken:
        broken.setattr(log._files, "append", lambda *_: {}["no such key"])
        asyncio.run(answered(log, [entry(str(n)) for n in range(50)]))
        assert "KeyError" in log.failure
        assert caplog.text.count("a fault while writing") == 1
    until(lambda: log.failure is None and not log.waiting)
    log.close()
    assert len(read(folder)) == log.written == 50 - log.dropped["fault"] > 0
    assert (log.dropped["disk"], log.dropped["end"]) == (0, 0)


def test_a_write_that_does_not_end_counts_as_a_disk_that_fails(folder, monkeypatch):
    monkeypatch.setattr(module, "MOST", 1000)
    monkeypatch.setattr(module, "STALLED", 0.05)
    log = PredictionLog(folder, 0, 1000, 64, 4)
    go_on, real = threading.Event(), log._files.append
    monkeypatch.setattr(log._files, "append", lambda *lines: go_on.wait(20) and real(*lines))
    asyncio.run(answered(log, [entry(str(n)) for n in range(50)]))
    assert "a write has not ended" in log.failure
    go_on.set()
    log.close()
    assert (log.failure, log.dropped["end"], log.dropped["fault"]) == (None, 0, 0)
    assert log.dropped["disk"] == 50 - len(read(folder)) > 30


def test_an_entry_that_is_a_fault_of_ours_costs_no_other(log, folder, caplog):
    log.write(entry("good"))
    log.write(entry("half", rows=2, inputs=[{"distance": 1}]))
    log.write(entry("short", rows=2, inputs={"distance": []}))
    log.write(entry("odd", rows=2, inputs=[{"distance": object()}, {"distance": 2}]))
    log.write(entry("good"))
    until(lambda: log.waiting == 0)
    assert [line["request"] for line in read(folder)] == ["good", "odd", "good"]
    assert (log.written, log.dropped) == (3, {"disk": 0, "fault": 5, "end": 0})
    assert "an entry cannot be written" in caplog.text


def test_files_are_rotated_while_it_writes(folder):
    log = PredictionLog(folder, 0, 0.01, 0.05, 3)
    for number in range(2000):
        log.write(entry(str(number)))
        if number % 100 == 0:
            until(lambda: log.waiting == 0)
    log.close()
    assert all(path.stat().st_size <= 50_000 for path in folder.iterdir())
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 150_000
    kept = [int(line["request"]) for line in read(folder)]
    assert kept == list(range(log.removed, 2000))


def test_a_folder_that_vanishes_and_cannot_be_made_again_is_waited_for(log, folder, caplog, monkeypatch):
    monkeypatch.setattr(module, "MOST", 4 * len(encode_row(entry("0"))))
    log.write(entry("before"))
    until(lambda: log.written == 1)
    shutil.rmtree(folder)
    folder.write_text("in the way")
    for number in range(6):
        log.write(entry(str(number)))
    until(lambda: log.failure is not None and "cannot be written" in caplog.text)
    assert (log.written, log.dropped["disk"], log.waiting) == (1, 2, 4)
    folder.unlink()
    until(lambda: log.written == 5)
    assert [line["request"] for line in read(folder)] == ["0", "1", "2", "3"]
    until(lambda: "is written again; 2 lines were dropped" in caplog.text)
    assert caplog.text.count("cannot be written") == 1
    log.write(entry("after"))
    until(lambda: log.written == 6)


def test_many_threads_may_write(log, folder):
    threads = [
        threading.Thread(target=lambda name=name: [log.write(entry(f"{name}.{n}")) for n in range(300)])
        for name in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    until(lambda: log.written == 1200)
    assert len({line["request"] for line in read(folder)}) == 1200


def test_close_does_not_wait_for_ever_for_a_disk_that_hangs(folder, monkeypatch):
    go_on = threading.Event()
    log = PredictionLog(folder, 0, 0.01, 64, 4)
    monkeypatch.setattr(log._files, "append", lambda raw, _: go_on.wait(20) and len(raw))
    log.write(entry())
    log.close(timeout=0.05)
    assert log._thread.is_alive()
    go_on.set()
    log._thread.join(20)


def test_at_the_close_what_cannot_be_written_counts_as_dropped(folder):
    folder.write_text("in the way")
    log = PredictionLog(folder, 0, 1000, 64, 4)
    log.write(entry(rows=3))
    log.close()
    assert (log.written, log.dropped) == (0, {"disk": 0, "fault": 0, "end": 3})


# As a worker does: it answers and then says so, here on a pipe; who reads it knows when each request was answered
WORKER = """
import os, signal, sys, time
from pathlib import Path
import numpy as np
from modelyard.serving.log.log_lines import Asked, LogEntry, LoggedModel
from modelyard.serving.log.prediction_log import PredictionLog

log = PredictionLog(Path(sys.argv[1]), 0, float(sys.argv[2]), 2, 100)
signal.signal(signal.SIGTERM, lambda *_: (log.close(), os._exit(0)))
source, scores, inputs = LoggedModel("flights", "hash", "stable"), np.zeros(1), [{"distance": 529.0, "carrier": "US"}]
number = 0
while True:
    for _ in range(20):
        log.write(LogEntry(source, Asked(str(number)), time.time(), "bundle", "model", inputs, scores, [False], 0.1))
        number += 1
    os.write(1, b"%d %f\\n" % (number, time.monotonic()))
    time.sleep(0.002)
"""


def worked(folder, flush_seconds, seconds, end):
    """What a worker answered until it was ended after so many seconds, each with the moment, and that of its end."""
    command = [sys.executable, "-c", WORKER, folder, str(flush_seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        answered = [process.stdout.readline()]
        while float(answered[-1].split()[1]) < float(answered[0].split()[1]) + seconds:
            answered.append(process.stdout.readline())
        killed = time.monotonic()
        process.send_signal(end)
        answered += process.stdout.read().splitlines(keepends=True)
        process.wait(30)
    pairs = [line.split() for line in answered if line.endswith(b"\n")]
    return [(int(number), float(moment)) for number, moment in pairs], killed


def test_kill_9_under_load_loses_no_request_that_is_older_than_the_interval(folder):
    answered, killed = worked(folder, 0.8, 1.0, signal.SIGKILL)
    kept = [int(line["request"]) for line in read_after_a_crash(folder)]
    assert kept == list(range(len(kept)))
    owed = max(number for number, moment in answered if moment <= killed - 0.8)
    assert owed > 0
    assert len(kept) >= owed


def read_after_a_crash(folder):
    """What is read once the next process has started."""
    PredictionLog(folder, 0, 0.2, 2, 100).close()
    return read(folder)


def test_sigterm_loses_nothing(folder):
    answered, _ = worked(folder, 1000, 0.2, signal.SIGTERM)
    assert len(read(folder)) >= answered[-1][0]


def test_a_disk_that_is_full_degrades_to_a_counter_and_goes_on_when_it_has_room(folder):
    """A limit on the size of files stands for the disk, as it needs no rights."""
    code = f"""
import os, resource, time
from pathlib import Path
import numpy as np
from modelyard.serving.log import prediction_log as module
from modelyard.serving.log.log_lines import Asked, LogEntry, LoggedModel

module.MOST = 150_000
log = module.PredictionLog(Path({str(folder)!r}), 0, 0.02, 64, 4)
most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]

def write(start, count):
    for number in range(start, start + count):
        asked = Asked(str(number))
        log.write(LogEntry(LoggedModel("m", "c", "v"), asked, 0.0, "b", "model", [{{}}], np.zeros(1), [0], 0.1))

def until(reached):
    ends = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < ends, (log.written, log.waiting, log.dropped, log.failure)
        time.sleep(0.005)

write(0, 100)
until(lambda: log.written == 100)
resource.setrlimit(resource.RLIMIT_FSIZE, (30_001, most))
write(100, 5000)
until(lambda: log.failure is not None)
full = log.written
assert 100 < full < 300 and log.dropped["disk"] > 3000, (full, log.dropped)
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
until(lambda: log.waiting == 0 and log.failure is None)
write(9000, 10)
log.close()
assert log.written + log.dropped["disk"] == 5110
print(log.written)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, stdout=subprocess.PIPE, text=True)
    assert done.returncode == 0
    kept = [int(line["request"]) for line in read(folder)]
    assert len(kept) == int(done.stdout)
    assert len(set(kept)) == len(kept)
    assert kept[-10:] == list(range(9000, 9010))
    assert kept[:-10] == sorted(kept[:-10])
