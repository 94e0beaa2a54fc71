from __future__ import annotations

import errno
import fcntl
import gzip
import os
import shutil
import subprocess
import sys
import time

import pytest
from modelyard.serving.log import log_files
from modelyard.serving.log.compressor import compress
from modelyard.serving.log.log_files import LogFiles
from modelyard.serving.log.log_folder import read_lines, repair_all

LINES = b"".join(b'{"row": %d}\n' % number for number in range(10))
FIRST = "predictions-service-0-0-000001.jsonl"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "log"


@pytest.fixture
def open_files(folder):
    """Makes the files of a worker, as in a process of its own; all are closed in the end."""
    opened = []

    def make(worker=0, file_bytes=1_000_000, files=4, service="service"):
        opened.append(LogFiles(folder, worker, file_bytes, files, service))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def held(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.name[0] != "."}


def names(folder):
    return {path.name for path in folder.iterdir() if path.name[0] != "."}


def until(reached, files, seconds=30.0):
    """Wait until something is so, and tidy up meanwhile."""
    ends = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < ends, names(files._folder)
        files.tidy()
        time.sleep(0.01)


def test_lines_are_added_to_one_file(folder, open_files):
    files = open_files(worker=3)
    assert [files.append(LINES) for _ in range(2)] == [len(LINES)] * 2
    assert held(folder) == {"predictions-service-0-3-000001.jsonl": LINES * 2}
    assert files.failure is None


def test_a_later_process_goes_on_where_the_one_before_stopped(folder, open_files):
    first = open_files()
    first.append(LINES)
    first.close()
    open_files().append(LINES)
    assert held(folder) == {FIRST: LINES * 2}


def test_a_process_with_the_same_number_has_a_file_of_its_own(folder, open_files):
    first, second = open_files(), open_files()
    for files in (first, second, first, second):
        files.append(LINES)
    assert held(folder) == {FIRST: LINES * 2, "predictions-service-1-0-000001.jsonl": LINES * 2}


def test_files_are_rotated_by_size_and_the_oldest_removed(folder, open_files):
    files, other = open_files(file_bytes=len(LINES) * 2, files=3), open_files(worker=1)
    other.append(LINES)
    for _ in range(9):
        files.append(LINES)
    assert {name: len(raw) // len(LINES) for name, raw in held(folder).items()} == {
        "predictions-service-0-0-000003.jsonl": 2,
        "predictions-service-0-0-000004.jsonl": 2,
        "predictions-service-0-0-000005.jsonl": 1,
        "predictions-service-0-1-000001.jsonl": 1,
    }
    assert (files.removed, other.removed) == (40, 0)


def test_only_a_file_that_was_begun_before_is_read_to_count_its_lines(open_files, monkeypatch):
    read = []
    real = log_files.count_lines
    monkeypatch.setattr(log_files, "count_lines", lambda where, one: read.append(one.number) or real(where, one))
    before = open_files(file_bytes=len(LINES) * 2, files=1)
    before.append(LINES)
    before.close()
    files = open_files(file_bytes=len(LINES) * 2, files=1)
    for count in (None, 10, None, 10, 10):
        files.append(LINES, count)
    assert (files.removed, read) == (40, [1])


@pytest.mark.parametrize("services", [("service", "service"), ("one", "other")])
def test_two_services_in_one_folder_keep_their_files_apart(folder, open_files, services):
    first, second = (open_files(file_bytes=len(LINES), files=2, service=name) for name in services)
    first.append(LINES)
    for _ in range(5):
        second.append(LINES)
    assert (first.removed, second.removed) == (0, 30)
    assert list(read_lines(folder)) == LINES.splitlines() * 3
    second.close()
    first.close()
    later = open_files(file_bytes=len(LINES), files=2, service=services[0])
    later.append(LINES)
    assert list(read_lines(folder)) == LINES.splitlines() * 4


def test_another_users_slot_is_left_to_it(folder, open_files, monkeypatch):
    open_files().append(LINES)
    real = os.open

    def refuse(path, flags, *mode):  # root may open everything
        if "service-0-0" in str(path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path, flags, *mode)

    monkeypatch.setattr(os, "open", refuse)
    files = open_files()
    assert files.append(LINES) == len(LINES)
    assert set(held(folder)) == {FIRST, "predictions-service-1-0-000001.jsonl"}
    monkeypatch.undo()
    shutil.rmtree(folder)
    refused = PermissionError(errno.EACCES, "Permission denied")
    monkeypatch.setattr(os, "open", lambda *_: (_ for _ in ()).throw(refused))
    assert files.append(LINES) == 0
    assert "Permission denied" in files.failure


def test_a_file_that_is_full_is_compressed_and_read_like_the_others(folder, open_files):
    files = open_files(file_bytes=len(LINES), files=3)
    for _ in range(3):
        files.append(LINES)
    packed = [f"predictions-service-0-0-00000{number}.10.jsonl.gz" for number in (1, 2)]
    until(lambda: names(folder) == {*packed, "predictions-service-0-0-000003.jsonl"}, files)
    assert gzip.decompress(held(folder)[packed[0]]) == LINES
    assert list(read_lines(folder)) == LINES.splitlines() * 3
    files.append(LINES * 5)  # is a file of its own, which leaves room for no other
    files.append(LINES)
    assert files.removed == 80
    assert list(read_lines(folder)) == LINES.splitlines()


def test_what_a_compression_left_that_was_killed_is_done_again(folder, open_files):
    files = open_files(file_bytes=len(LINES), files=9)
    for _ in range(3):
        files.append(LINES)
    files.close()
    one, two = (f"predictions-service-0-0-00000{number}" for number in (1, 2))
    (folder / f"{one}.part").write_bytes(b"half")
    (folder / f"{two}.10.jsonl.gz").write_bytes(gzip.compress(LINES))  # the plain one is still there
    assert list(read_lines(folder)) == LINES.splitlines() * 3
    files = open_files(file_bytes=len(LINES), files=9)
    files.append(LINES)
    complete = {*(f"predictions-service-0-0-00000{number}.10.jsonl.gz" for number in (1, 2, 3))}
    until(lambda: names(folder) == complete | {"predictions-service-0-0-000004.jsonl"}, files)
    assert list(read_lines(folder)) == LINES.splitlines() * 4


def test_a_file_that_cannot_be_compressed_stays_as_it_is(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(LINES)
    with path.open() as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        with pytest.raises(BlockingIOError):
            compress(str(path))
    assert [one.name for one in tmp_path.iterdir()] == ["x.jsonl"]
    compress(str(path))
    assert [one.name for one in tmp_path.iterdir()] == ["x.10.jsonl.gz"]


def test_lines_that_are_larger_than_a_file_are_written_all_the_same(folder, open_files):
    files = open_files(file_bytes=10, files=40)
    for _ in range(2):
        assert files.append(LINES) == len(LINES)
    assert len(held(folder)) == 2


def test_what_a_killed_process_left_of_a_line_is_ended_and_told_whoever_wrote_it(folder, open_files):
    folder.mkdir()
    for name, raw in {
        FIRST: LINES + b'{"ro',
        "predictions-other-0-7-000002.jsonl": LINES + b"x" * 200_000,
        "predictions-service-1-8-000001.jsonl": b"no line at all",
        "predictions-service-0-9-000001.jsonl": b"",
        "other.jsonl": b"not ours",
    }.items():
        (folder / name).write_bytes(raw)
    files = open_files()
    files.append(LINES)
    assert held(folder) == {
        FIRST: LINES + b'{"ro\n' + LINES,
        "predictions-other-0-7-000002.jsonl": LINES + b"x" * 200_000 + b"\n",
        "predictions-service-1-8-000001.jsonl": b"no line at all\n",
        "predictions-service-0-9-000001.jsonl": b"",
        "other.jsonl": b"not ours",
    }
    assert len(files.torn) == 3
    assert open_files(worker=1).torn == []  # each is told of once


def test_a_file_that_another_process_writes_is_not_repaired(folder, open_files):
    files = open_files()
    files.append(LINES)
    path = folder / FIRST
    with path.open("ab") as opened:
        opened.write(b'{"half')
    repair_all(folder)
    assert path.read_bytes() == LINES + b'{"half'


@pytest.mark.parametrize("gone", ["folder", "file", "moved"])
def test_where_folder_or_file_vanish_new_ones_are_made(folder, open_files, gone):
    files = open_files()
    files.append(LINES)
    path = folder / FIRST
    if gone == "folder":
        shutil.rmtree(folder)
    else:
        path.unlink() if gone == "file" else path.rename(folder / "moved")
    files.append(LINES)
    assert path.read_bytes() == LINES


def test_a_folder_that_cannot_be_made_is_a_failure_that_can_end(folder, open_files):
    folder.write_text("a file stands in the way")
    files = open_files()
    assert files.append(LINES) == 0
    assert files.failure == f"{folder}: File exists"
    folder.unlink()
    assert files.append(LINES) == len(LINES)
    assert files.failure is None


def test_a_read_only_file_is_a_failure_that_can_end(open_files, monkeypatch):
    files = open_files()
    refuse = OSError(errno.EROFS, os.strerror(errno.EROFS))
    monkeypatch.setattr(os, "open", lambda *_: (_ for _ in ()).throw(refuse))  # root may write what is read-only
    assert files.append(LINES) == 0
    assert "Read-only file system" in files.failure
    monkeypatch.undo()
    assert files.append(LINES) == len(LINES)


def test_a_disk_that_is_full_leaves_whole_lines_and_takes_the_rest_later(folder):
    """A limit on the size of files stands for the disk, as it needs no rights; it fails in the middle of a line."""
    code = f"""
import resource
from pathlib import Path
from modelyard.serving.log.log_files import LogFiles
lines = {LINES!r}
files = LogFiles(Path({str(folder)!r}), 0, 10**6, 4)
most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (30, most))
assert files.append(lines) == 22, "two lines of eleven bytes"
assert "File too large" in files.failure
assert Path({str(folder)!r}, {FIRST!r}).read_bytes() == lines[:22]
assert files.append(lines[22:]) == 0
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
assert files.append(lines[22:]) == len(lines) - 22
assert files.failure is None
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert held(folder) == {FIRST: LINES}


def test_where_even_the_repair_fails_it_is_made_before_the_next_write(folder, open_files, monkeypatch):
    files = open_files()
    files.append(LINES)
    real = os.write

    def half(handle, raw):
        if len(raw) > 5:
            return real(handle, bytes(raw[:5]))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fail(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "write", half)
    monkeypatch.setattr(os, "ftruncate", fail)
    assert files.append(b'{"row": 10}') == 0
    assert (folder / FIRST).read_bytes() != LINES
    monkeypatch.undo()
    assert files.append(LINES) == len(LINES)
    assert held(folder) == {FIRST: LINES * 2}


def test_no_handle_is_left_open(open_files):
    before = len(os.listdir("/dev/fd"))
    files = open_files(file_bytes=len(LINES), files=2)
    for _ in range(20):
        files.append(LINES)
    assert len(os.listdir("/dev/fd")) == before + 2  # the file, and the lock of the slot
    files.close()
    assert len(os.listdir("/dev/fd")) == before
