from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest
from modelyard.training.data.incoming import incoming
from modelyard.training.data.ledger import LedgerEntry
from modelyard.training.data.periods import period_file, rows_sha256, write_period

TABLE = pa.table({"key": ["a", "b", "c"], "size": [1.5, None, 3.0]})
HASH = rows_sha256(TABLE)
HOLD = """
import sys
from pathlib import Path
from modelyard.training.data.incoming import incoming

with incoming(Path(sys.argv[1]), {}):
    print(flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path) -> Path:
    """The folder of the periods, which is not there yet."""
    return tmp_path / "data" / "periods"


def temporary(folder: Path) -> list[Path]:
    return list(folder.parent.glob(".incoming-*"))


def files(folder: Path) -> list[str]:
    return sorted(file.name for place in temporary(folder) for file in place.rglob("*.parquet"))


def test_a_piece_is_written_once_and_moved(folder, tmp_path):
    with incoming(folder, {}) as arrived:
        arrived.add("2013-01", TABLE, HASH)
        assert arrived.settle("2013-01", lambda _period: pytest.fail("made again")) == LedgerEntry(3, HASH)
        assert arrived.read("2013-01", ["size"]).equals(TABLE.select(["size"]))
        arrived.move(["2013-01"], ["2013-01"])
    write_period(tmp_path / "expected.parquet", TABLE, HASH)
    assert period_file(folder, "2013-01").read_bytes() == (tmp_path / "expected.parquet").read_bytes()
    assert temporary(folder) == []


def test_pieces_become_one(folder):
    with incoming(folder, {}) as arrived:
        for piece in (TABLE.slice(1), TABLE.slice(0, 1)):
            arrived.add("2013-01", piece, rows_sha256(piece))
        assert [piece.num_rows for piece in arrived.tables("2013-01")] == [2, 1]
        turned = LedgerEntry(3, rows_sha256(TABLE.take([1, 2, 0])))
        assert arrived.settle("2013-01", lambda period: pa.concat_tables(arrived.tables(period))) == turned
        assert files(folder) == ["2013-01.parquet"]
        arrived.move(["2013-01"], ["2013-01"])
    assert pyarrow.parquet.read_table(period_file(folder, "2013-01"))["key"].to_pylist() == ["b", "c", "a"]


def test_a_period_without_a_piece_is_what_is_given_for_it(folder):
    with incoming(folder, {}) as arrived:
        assert arrived.tables("2013-01") == []
        assert arrived.settle("2013-01", lambda _period: TABLE.slice(3)).rows == 0


def test_a_piece_that_the_periods_file_has_already_is_not_written(folder):
    folder.mkdir(parents=True)
    write_period(period_file(folder, "2013-01"), TABLE, HASH)
    with incoming(folder, {"2013-01": HASH}) as arrived:
        arrived.add("2013-01", TABLE, HASH)
        assert files(folder) == []
        assert arrived.settle("2013-01", lambda _period: TABLE) == LedgerEntry(3, HASH)
        assert arrived.read("2013-01", ["key"]).equals(TABLE.select(["key"]))


def test_a_periods_file_stays_while_rows_are_put_beside_it(folder):
    folder.mkdir(parents=True)
    write_period(period_file(folder, "2013-01"), TABLE, HASH)
    before = period_file(folder, "2013-01").read_bytes()
    with incoming(folder, {"2013-01": HASH}) as arrived:
        for piece in (TABLE, TABLE.slice(1)):
            arrived.add("2013-01", piece, rows_sha256(piece))
        assert arrived.settle("2013-01", lambda period: pa.concat_tables(arrived.tables(period))).rows == 5
    assert period_file(folder, "2013-01").read_bytes() == before


def test_what_is_not_moved_is_removed(folder):
    with incoming(folder, {}) as arrived:
        arrived.add("2013-01", TABLE, HASH)
    assert list(folder.parent.iterdir()) == []


def test_what_a_run_that_was_killed_left_is_removed_and_git_does_not_see_it(folder):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        process.kill()
    (left,) = temporary(folder)
    subprocess.run(["git", "init", "--quiet"], cwd=folder.parent, check=True)
    status = subprocess.run(["git", "status", "--short"], cwd=folder.parent, check=True, capture_output=True)
    assert status.stdout == b""
    with incoming(folder, {}):
        assert left not in temporary(folder)
    assert temporary(folder) == []


def test_a_run_that_is_at_work_is_left_alone(folder):
    with incoming(folder, {}) as first:
        first.add("2013-01", TABLE, HASH)
        with incoming(folder, {}) as second:
            second.add("2013-01", TABLE, HASH)
            assert files(folder) == ["2013-01.parquet"] * 2
        first.settle("2013-01", lambda _period: TABLE)
        first.move(["2013-01"], ["2013-01"])
    assert [file.name for file in folder.iterdir()] == ["2013-01.parquet"]
