from __future__ import annotations

import dataclasses
import datetime
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
import pytest
from modelyard.errors import ContractError
from modelyard.training.data.difference import Answers
from modelyard.training.data.ledger import read_ledger
from modelyard.training.data.periods import read_periods, written_sha256
from modelyard.training.data.sources.files import FileSource
from modelyard.training.draft.draft import draft
from modelyard.training.draft.roles import Roles
from modelyard.training.edit import edit_yaml
from modelyard.training.ingest import ingest, main
from modelyard.training.layout import LEDGER, PERIODS, SEEN

from flight_delays import project

MONTHS = ["2013-01", "2013-02", "2013-03"]


@pytest.fixture(scope="module")
def laid_out(made, tmp_path_factory):
    """Three months at the source, which is named from the folder, so that it can be copied."""
    root = tmp_path_factory.mktemp("ingest") / "flights"
    shutil.copytree(made.root, root, ignore=shutil.ignore_patterns("data", "bundle", "model", "evaluation"))
    workspace = dataclasses.replace(made, root=root)
    for file in workspace.source.glob("*.parquet"):
        if file.stem not in MONTHS:
            file.unlink()
    workspace.edit(watermark="2013-02", source={"kind": "files", "path": "source/*.parquet"})
    return workspace


@pytest.fixture
def quarter(laid_out, tmp_path, monkeypatch):
    """Three months at the source, of which two are taken, to be changed."""
    root = tmp_path / "flights"
    shutil.copytree(laid_out.root, root)
    monkeypatch.chdir(root)
    workspace = dataclasses.replace(laid_out, root=root)
    take(workspace)
    return workspace


@pytest.fixture
def reads(monkeypatch) -> list[str]:
    """The months of the files that are really read, in order."""
    names, read = [], FileSource.read

    def spied(source: FileSource, name: str) -> pa.Table:
        names.append(Path(name).stem)
        return read(source, name)

    monkeypatch.setattr(FileSource, "read", spied)
    return names


def take(workspace, verify: bool = False, **answers: set[str]) -> list[str]:
    given = Answers(**{name: frozenset(periods) for name, periods in answers.items()})
    return ingest(workspace.root, workspace.contract, workspace.params, given, verify)


def ledger(workspace) -> dict:
    return read_ledger(workspace.root / LEDGER)


def kept(workspace) -> dict[str, bytes]:
    return {
        path.relative_to(workspace.root).as_posix(): path.read_bytes()
        for path in sorted((workspace.root / "data").rglob("*"))
        if path.is_file()
    }


def with_column(table: pa.Table, name: str, values: pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


def renamed(table: pa.Table) -> pa.Table:
    return with_column(table, "flight_id", pc.binary_join_element_wise(table["flight_id"], "X", ""))


def edit_values(workspace) -> None:
    month = workspace.month("2013-02")
    workspace.write_month("2013-02", with_column(month, "distance", pc.add(month["distance"], 1)))


def add_rows(workspace) -> None:
    month = workspace.month("2013-02")
    workspace.write_month("2013-02", pa.concat_tables([month, renamed(month.slice(len(month) - 1))]))


def remove_rows(workspace) -> None:
    workspace.write_month("2013-02", workspace.month("2013-02").slice(1))


def remove_file(workspace) -> None:
    (workspace.source / "2013-02.parquet").unlink()


def add_file(workspace) -> None:
    workspace.write_month("late-arrivals", renamed(workspace.month("2013-02").slice(0, 5)))


CHANGES = [edit_values, add_rows, remove_rows, remove_file, add_file]


def test_each_period_up_to_the_watermark_is_taken_with_its_rows_and_their_hash(quarter):
    assert list(ledger(quarter)) == MONTHS[:2]
    for month, entry in ledger(quarter).items():
        assert entry.rows == quarter.month(month).num_rows
        assert entry.sha256 == written_sha256(quarter.root / PERIODS, month)


def test_what_is_taken_is_what_the_source_has(quarter):
    taken = read_periods(quarter.root / PERIODS, ["2013-01"], list(quarter.contract.columns))
    order = [("scheduled_departure", "ascending"), ("flight_id", "ascending")]
    assert taken.equals(quarter.month("2013-01").sort_by(order).cast(taken.schema))


def test_the_person_is_told_what_was_taken(quarter):
    quarter.edit(watermark="2013-03")
    rows = quarter.month("2013-03").num_rows
    total = sum(quarter.month(month).num_rows for month in MONTHS)
    assert take(quarter) == [f"periods taken: 1 ({rows:,} rows); in all: 3 ({total:,} rows), 2013-01 to 2013-03"]


def test_a_second_run_reads_nothing_and_writes_the_same(quarter, reads):
    before = kept(quarter)
    take(quarter)
    assert reads == []
    assert kept(quarter) == before


def test_moving_the_watermark_reads_the_new_month_only(quarter, reads):
    quarter.edit(watermark="2013-03")
    take(quarter)
    assert reads == ["2013-03"]
    assert list(ledger(quarter)) == MONTHS


def test_moving_the_watermark_leaves_what_was_taken_as_it_was(quarter):
    before = kept(quarter)
    quarter.edit(watermark="2013-03")
    take(quarter)
    after = kept(quarter)
    old = [f"data/periods/{month}.parquet" for month in MONTHS[:2]]
    assert [after[name] for name in old] == [before[name] for name in old]


def test_lowering_the_watermark_removes_the_periods_after_it(quarter):
    quarter.edit(watermark="2013-01")
    take(quarter)
    assert list(ledger(quarter)) == ["2013-01"]
    assert [file.stem for file in (quarter.root / PERIODS).iterdir()] == ["2013-01"]


def test_lowering_and_raising_the_watermark_gives_the_same_data(quarter):
    before = kept(quarter)
    quarter.edit(watermark="2013-01")
    take(quarter)
    quarter.edit(watermark="2013-02")
    take(quarter)
    assert kept(quarter) == before


def test_all_at_once_gives_the_same_data_as_month_by_month(quarter):
    quarter.edit(watermark="2013-03")
    take(quarter)
    by_month = kept(quarter)
    shutil.rmtree(quarter.root / "data")
    take(quarter)
    assert kept(quarter) == by_month


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_in_an_old_month_is_told_and_nothing_is_taken(quarter, change: Callable):
    before = kept(quarter)
    quarter.edit(watermark="2013-03")
    change(quarter)
    with pytest.raises(ContractError) as told:
        take(quarter)
    message = str(told.value)
    assert "the source changed in periods that were taken before, so nothing was taken" in message
    assert "2013-02: " in message
    assert "--accept 2013-02" in message
    assert "2013-01" not in message
    assert kept(quarter) == before


def test_a_change_that_is_not_answered_is_told_again(quarter):
    edit_values(quarter)
    for _ in range(2):
        with pytest.raises(ContractError, match="2013-02: "):
            take(quarter)


@pytest.mark.parametrize("change", CHANGES)
def test_an_accepted_change_gives_what_a_first_reading_would(quarter, change: Callable):
    change(quarter)
    assert "2013-02: the change at the source was accepted" in take(quarter, accept={"2013-02"})
    accepted = kept(quarter)
    shutil.rmtree(quarter.root / "data")
    take(quarter)
    assert kept(quarter) == accepted


@pytest.mark.parametrize("change", CHANGES)
def test_a_refused_change_leaves_the_old_rows_and_is_not_told_again(quarter, change: Callable):
    before = {name: content for name, content in kept(quarter).items() if name != SEEN.as_posix()}
    change(quarter)
    told = take(quarter, keep={"2013-02"})
    assert "2013-02: the change at the source was refused; what was taken before stays" in told
    assert len(take(quarter)) == 1
    assert {name: content for name, content in kept(quarter).items() if name != SEEN.as_posix()} == before


@pytest.mark.parametrize("change", [edit_values, remove_file])
def test_a_refused_change_is_told_when_the_source_is_verified(quarter, change: Callable):
    change(quarter)
    take(quarter, keep={"all"})
    with pytest.raises(ContractError, match="2013-02: "):
        take(quarter, verify=True)


@pytest.mark.parametrize("change", [edit_values, remove_file])
def test_a_machine_without_memory_notices_a_change(quarter, change: Callable):
    (quarter.root / SEEN).unlink()
    change(quarter)
    with pytest.raises(ContractError, match="2013-02: "):
        take(quarter)


def test_a_second_change_after_a_refused_one_is_told(quarter):
    edit_values(quarter)
    take(quarter, keep={"2013-02"})
    edit_values(quarter)
    with pytest.raises(ContractError, match="2013-02: "):
        take(quarter)


def test_an_answer_is_for_its_period_only(quarter):
    edit_values(quarter)
    quarter.write_month("2013-01", quarter.month("2013-01").slice(1))
    with pytest.raises(ContractError) as told:
        take(quarter, accept={"2013-02"})
    assert "2013-01: " in str(told.value)
    assert "2013-02: " not in str(told.value)


def test_all_changes_can_be_accepted_at_once(quarter):
    edit_values(quarter)
    quarter.write_month("2013-01", quarter.month("2013-01").slice(1))
    told = take(quarter, accept={"all"})
    assert told[1:] == [f"{month}: the change at the source was accepted" for month in MONTHS[:2]]


def test_verifying_an_unchanged_source_reads_all_and_changes_nothing(quarter, reads):
    before = kept(quarter)
    take(quarter, verify=True)
    assert sorted(reads) == MONTHS
    assert kept(quarter) == before


def test_rewriting_a_month_with_the_same_rows_is_no_change(quarter, reads):
    before = ledger(quarter)
    pyarrow.parquet.write_table(
        quarter.month("2013-02"), quarter.source / "2013-02.parquet", compression="none", version="1.0"
    )
    take(quarter)
    assert reads == ["2013-02"]
    assert ledger(quarter) == before


def test_a_month_after_the_watermark_changes_nothing(quarter, flights):
    before = {name: content for name, content in kept(quarter).items() if name != SEEN.as_posix()}
    months = pc.strftime(flights["scheduled_departure"], format="%Y-%m")
    quarter.write_month("2013-04", flights.filter(pc.equal(months, "2013-04")).drop_columns(["delay"]))
    remains = quarter.month("2013-03").slice(10)
    quarter.write_month("2013-03", remains)
    take(quarter)
    assert {name: content for name, content in kept(quarter).items() if name != SEEN.as_posix()} == before


def test_a_fresh_machine_makes_the_same_data_from_the_ledger_and_the_source(quarter):
    before = kept(quarter)
    shutil.rmtree(quarter.root / PERIODS)
    (quarter.root / SEEN).unlink()
    take(quarter)
    assert kept(quarter) == before


def test_a_period_that_was_lost_is_taken_again(quarter, reads):
    before = kept(quarter)
    (quarter.root / PERIODS / "2013-02.parquet").unlink()
    take(quarter)
    assert reads == ["2013-02"]
    assert kept(quarter) == before


def test_a_damaged_period_is_taken_again(quarter):
    before = kept(quarter)
    (quarter.root / PERIODS / "2013-02.parquet").write_bytes(b"PAR1")
    take(quarter)
    assert kept(quarter) == before


def test_what_is_not_on_this_machine_cannot_be_kept(quarter):
    edit_values(quarter)
    (quarter.root / PERIODS / "2013-02.parquet").unlink()
    with pytest.raises(
        ContractError, match="2013-02 cannot be kept: it is not on this machine; get it with `make pull`"
    ):
        take(quarter, keep={"2013-02"})


def test_an_id_that_an_older_month_has_is_refused_with_the_id(quarter):
    before = kept(quarter)
    known = quarter.month("2013-01")["flight_id"][0].as_py()
    march = quarter.month("2013-03")
    ids = pa.chunked_array([[known, *march["flight_id"].to_pylist()[1:]]])
    quarter.write_month("2013-03", with_column(march, "flight_id", ids))
    quarter.edit(watermark="2013-03")
    with pytest.raises(ContractError, match=f"flight_id: the same id twice: 1 row, for example '{known}'"):
        take(quarter)
    assert kept(quarter) == before


def test_an_id_in_two_files_of_one_month_is_refused(quarter):
    quarter.write_month("2013-03-again", quarter.month("2013-03").slice(0, 100))
    quarter.edit(watermark="2013-03")
    with pytest.raises(ContractError, match="flight_id: the same id twice: 100 rows"):
        take(quarter)


def test_another_source_starts_afresh(quarter):
    other = quarter.root / "other"
    shutil.copytree(quarter.source, other)
    (other / "2013-01.parquet").unlink()
    quarter.edit(source={"kind": "files", "path": str(other / "*.parquet")})
    take(quarter)
    assert list(ledger(quarter)) == ["2013-02"]
    assert sorted(file.stem for file in (quarter.root / PERIODS).iterdir()) == ["2013-02"]


def test_other_columns_start_afresh(quarter):
    before = ledger(quarter)
    edit_yaml(quarter.root / "contract.yaml", {"columns": {"distance": {"type": "number"}}})
    for month in MONTHS:
        table = quarter.month(month)
        quarter.write_month(month, with_column(table, "distance", pc.add(table["distance"].cast(pa.float64()), 0.5)))
    take(quarter)
    assert ledger(quarter).keys() == before.keys()
    assert ledger(quarter) != before


def test_another_rule_of_the_contract_reads_the_source_again_and_changes_nothing(quarter, reads):
    before = ledger(quarter)
    edit_yaml(quarter.root / "contract.yaml", {"columns": {"distance": {"maximum": 9000}}})
    take(quarter)
    assert sorted(reads) == MONTHS
    assert ledger(quarter) == before


def test_a_stricter_rule_refuses_what_was_taken_before(quarter):
    edit_yaml(quarter.root / "contract.yaml", {"columns": {"distance": {"maximum": 100}}})
    with pytest.raises(ContractError, match="distance: must be at most 100"):
        take(quarter)


@pytest.mark.parametrize(("days", "stale"), [(30, True), (1_000_000, False), (None, False)])
def test_stale_data_is_told(quarter, days, stale):
    edit_yaml(quarter.root / "contract.yaml", {"freshness_days": days})
    told = [line for line in take(quarter) if line.startswith("stale: the last period ended ")]
    assert bool(told) == stale


def test_data_with_time_needs_a_watermark(quarter):
    quarter.edit(watermark=None)
    with pytest.raises(ContractError, match=r"params\.yaml: watermark is null, and the data has a time column"):
        take(quarter)


def test_data_without_time_has_no_watermark(quarter):
    edit_yaml(
        quarter.root / "contract.yaml", {"columns": {"scheduled_departure": {"role": "unused", "ascending": False}}}
    )
    with pytest.raises(
        ContractError, match=r"params\.yaml: watermark is set, and no column of the contract has role time"
    ):
        take(quarter)


def test_a_watermark_before_all_data_is_told(quarter):
    quarter.edit(watermark="2012-12")
    with pytest.raises(ContractError, match="the source has no rows up to the watermark 2012-12"):
        take(quarter)


@pytest.fixture
def timeless(quarter):
    """A source of one CSV file without a time, drafted."""
    table = quarter.month("2013-01").drop_columns(["scheduled_departure"])
    file = quarter.root / "flights.csv"
    pyarrow.csv.write_csv(table, file)
    draft(quarter.root, table, {"kind": "files", "path": str(file)}, Roles(target="late", ids=["flight_id"]))
    take(quarter)
    return quarter


def test_data_without_time_is_one_period(timeless):
    assert list(ledger(timeless)) == ["all"]
    assert ledger(timeless)["all"].rows == timeless.month("2013-01").num_rows


def test_data_without_time_that_grew_is_told_and_taken_when_accepted(timeless):
    file = timeless.root / "flights.csv"
    more = renamed(timeless.month("2013-01").slice(0, 3)).drop_columns(["scheduled_departure"])
    pyarrow.csv.write_csv(pa.concat_tables([pyarrow.csv.read_csv(file).cast(more.schema), more]), file)
    rows = ledger(timeless)["all"].rows
    with pytest.raises(ContractError, match=f"all: {rows:,} rows were taken; now {rows + 3:,} rows"):
        take(timeless)
    take(timeless, accept={"all"})
    assert ledger(timeless)["all"].rows == rows + 3


@pytest.fixture
def growing(quarter):
    """All months in one CSV file, that is appended to, two of them taken."""
    file = quarter.root / "flights.csv"
    pyarrow.csv.write_csv(pa.concat_tables([quarter.month(month) for month in MONTHS[:2]]), file)
    quarter.edit(source={"kind": "files", "path": str(file)}, watermark="2013-02")
    take(quarter)
    return quarter


def grow(workspace, months: list[str]) -> None:
    tables = pa.concat_tables([workspace.month(month) for month in months])
    pyarrow.csv.write_csv(tables, workspace.root / "flights.csv")


def test_a_growing_file_is_taken_month_by_month(growing):
    before = ledger(growing)
    grow(growing, MONTHS)
    take(growing)
    assert ledger(growing) == before
    growing.edit(watermark="2013-03")
    take(growing)
    assert list(ledger(growing)) == MONTHS
    assert {month: ledger(growing)[month] for month in before} == before


def test_a_month_that_is_still_growing_at_the_source_is_not_looked_at(growing):
    before = ledger(growing)
    grow(growing, MONTHS)
    text = (growing.root / "flights.csv").read_text()
    last = text.splitlines()[-1]
    (growing.root / "flights.csv").write_text(text.replace(last, last.replace("EWR", "???").replace("JFK", "???")))
    take(growing)
    assert ledger(growing) == before


def test_a_growing_file_whose_old_month_changed_is_told(growing):
    text = (growing.root / "flights.csv").read_text()
    lines = text.splitlines(keepends=True)
    (growing.root / "flights.csv").write_text("".join([lines[0], *lines[2:]]))
    with pytest.raises(ContractError, match="2013-01: "):
        take(growing)


def test_a_file_and_a_database_of_the_same_rows_give_the_same_hashes(quarter):
    before = ledger(quarter)
    into_database(quarter)
    take(quarter)
    assert ledger(quarter) == before


def test_verifying_notices_what_the_fingerprint_of_a_query_does_not(quarter):
    database = into_database(quarter)
    take(quarter)
    swap = "UPDATE flights SET carrier = CASE carrier WHEN 'AA' THEN 'UA' ELSE 'AA' END WHERE carrier IN ('AA', 'UA')"
    with sqlite3.connect(database) as connection:
        connection.execute(swap)
    take(quarter)
    with pytest.raises(ContractError, match=r"2013-02: .* with other values"):
        take(quarter, verify=True)


def into_database(workspace) -> Path:
    database = workspace.root / "flights.db"
    table = pa.concat_tables([workspace.month(month) for month in MONTHS])
    frame = with_column(table, "scheduled_departure", table["scheduled_departure"].cast(pa.string())).to_pandas()
    with sqlite3.connect(database) as connection:
        frame.to_sql("flights", connection, index=False)
    workspace.edit(source={"kind": "sql", "url": f"sqlite:///{database}", "query": "SELECT * FROM flights"})
    return database


@pytest.mark.parametrize("parts", [1, 4])
def test_files_that_share_their_months_give_the_same_bytes_as_a_file_a_month(quarter, parts):
    quarter.edit(watermark="2013-03")
    take(quarter)
    before = {name: content for name, content in kept(quarter).items() if name != SEEN.as_posix()}
    rows = pa.concat_tables([quarter.month(month) for month in MONTHS])
    for month in MONTHS:
        (quarter.source / f"{month}.parquet").unlink()
    for part in range(parts):
        quarter.write_month(f"part-{part}", rows.take(list(range(part, rows.num_rows, parts))))
    shutil.rmtree(quarter.root / "data")
    take(quarter)
    assert {name: content for name, content in kept(quarter).items() if name != SEEN.as_posix()} == before


def test_rows_without_time_or_id_keep_the_order_of_the_files(timeless):
    table = timeless.month("2013-01").drop_columns(["scheduled_departure"]).slice(0, 500)
    folder = timeless.root / "parts"
    folder.mkdir()
    for place, start in enumerate((200, 0)):
        pyarrow.parquet.write_table(table.slice(start, 300 if start else 200), folder / f"{place}.parquet")
    edit_yaml(timeless.root / "contract.yaml", {"columns": {"flight_id": {"role": "unused"}}})
    timeless.edit(source={"kind": "files", "path": str(folder / "*.parquet")})
    take(timeless)
    taken = read_periods(timeless.root / PERIODS, ["all"], ["flight_id"])["flight_id"]
    assert taken.to_pylist() == table["flight_id"].to_pylist()[200:] + table["flight_id"].to_pylist()[:200]


KILLED = """
import os, signal
import pyarrow.parquet
from modelyard.training.ingest import main

write = pyarrow.parquet.write_table

def write_and_die(table, path, **settings):
    write(table, path, **settings)
    if path.stem == "2013-03":
        os.kill(os.getpid(), signal.SIGKILL)

pyarrow.parquet.write_table = write_and_die
main(["--accept", "all"], None)
"""


def test_kill_9_midway_leaves_what_was_there_and_the_next_run_takes_all(quarter):
    before = kept(quarter)
    quarter.edit(watermark="2013-03")
    edit_values(quarter)
    killed = subprocess.run([sys.executable, "-c", KILLED], cwd=quarter.root, check=False)
    assert killed.returncode == -signal.SIGKILL
    left = {name for name in kept(quarter) if ".incoming-" in name}
    assert left
    assert {name: content for name, content in kept(quarter).items() if name not in left} == before
    take(quarter, accept={"2013-02"})
    after = kept(quarter)
    shutil.rmtree(quarter.root / "data")
    take(quarter)
    assert kept(quarter) == after


PEAK = """
import sys
from pathlib import Path
from modelyard.runtime.contract import Column, Contract
from modelyard.training.ingest import ingest
from modelyard.training.settings import read_params

columns = {
    "key": Column("string", "id", ""),
    "when": Column("timestamp", "time", ""),
    "size": Column("number", "feature", ""),
    "good": Column("boolean", "target", ""),
}
ingest(Path(), Contract("t", "", "", columns), read_params())
status = Path("/proc/self/status").read_text()
print(status.partition("VmHWM:")[2].split()[0])
"""


def test_the_peak_of_memory_does_not_grow_with_the_number_of_periods(quarter):
    rows, width = 20_000, 800
    for year, months in ((2013, 3), (2014, 12)):
        folder = quarter.root / str(year)
        folder.mkdir()
        for month in range(1, months + 1):
            moment = datetime.datetime(year, month, 1)
            table = pa.table({
                "key": [f"{month}-{row:05}".ljust(width) for row in range(rows)],
                "when": pa.array([moment] * rows, pa.timestamp("us")),
                "size": [1.0] * rows,
                "good": [True] * rows,
            })  # fmt: skip
            pyarrow.parquet.write_table(table, folder / f"{month:02}.parquet")
    peaks = []
    for year, last in ((2013, "2013-03"), (2014, "2014-12")):
        quarter.edit(source={"kind": "files", "path": f"{year}/*.parquet"}, watermark=last)
        run = subprocess.run([sys.executable, "-c", PEAK], cwd=quarter.root, check=True, capture_output=True)
        peaks.append(int(run.stdout) * 1024)
    assert peaks[1] - peaks[0] < 4 * rows * width  # of nine periods more


@pytest.mark.usefixtures("quarter")
def test_the_stage_prints_what_was_taken(capsys):
    main([], project)
    assert capsys.readouterr().out.startswith("periods taken: 0 (0 rows); in all: 2 (")


def test_the_stage_takes_answers(quarter, capsys):
    edit_values(quarter)
    quarter.write_month("2013-01", quarter.month("2013-01").slice(1))
    main(["--accept", "2013-02", "--keep", "2013-01", "--verify"], project)
    assert "2013-02: the change at the source was accepted" in capsys.readouterr().out


def test_the_ledger_names_no_path_of_this_machine(quarter):
    text = (quarter.root / LEDGER).read_text()
    assert str(quarter.root) not in text
    assert json.loads(text)["periods"].keys() == set(MONTHS[:2])
