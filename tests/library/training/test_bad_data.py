"""Each kind of bad data arrives as the next month of a workspace that has taken the months before."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from modelyard.command import run_command
from modelyard.training.edit import edit_yaml
from modelyard.training.ingest import ingest, main

MONTH = "2013-03"
PLACE = 7  # of the row that is spoilt


def cell(name: str, value: object) -> Callable:
    def spoil(folder: Path, month: pa.Table) -> None:
        values = month[name].to_pylist()
        values[PLACE] = value
        parquet(folder, replaced(month, name, pa.array(values, month.schema.field(name).type)))

    return spoil


def column(name: str, value: object) -> Callable:
    def spoil(folder: Path, month: pa.Table) -> None:
        parquet(folder, replaced(month, name, pa.array([value] * len(month))))

    return spoil


def text(old: str, new: bytes) -> Callable:
    """In CSV, with the first `old` of a line in the middle replaced."""

    def spoil(folder: Path, month: pa.Table) -> None:
        file = folder / f"{MONTH}.csv"
        pyarrow.csv.write_csv(month, file)
        lines = file.read_bytes().splitlines(keepends=True)
        assert old.encode() in lines[PLACE]
        lines[PLACE] = lines[PLACE].replace(old.encode(), new, 1)
        file.write_bytes(b"".join(lines))

    return spoil


def replaced(month: pa.Table, name: str, values: pa.Array) -> pa.Table:
    if name not in month.column_names:
        return month.append_column(name, values)
    return month.set_column(month.column_names.index(name), name, values)


def parquet(folder: Path, month: pa.Table) -> None:
    pyarrow.parquet.write_table(month, folder / f"{MONTH}.parquet")


def repeat_a_row(folder: Path, month: pa.Table) -> None:
    parquet(folder, pa.concat_tables([month.slice(0, PLACE), month.slice(PLACE - 1)]))


def turn_around(folder: Path, month: pa.Table) -> None:
    parquet(folder, pa.concat_tables([month.slice(PLACE), month.slice(0, PLACE)]))


def name_a_column_twice(folder: Path, month: pa.Table) -> None:
    file = folder / f"{MONTH}.csv"
    pyarrow.csv.write_csv(month.append_column("distance", month["distance"]), file)


def write_nothing(folder: Path, _: pa.Table) -> None:
    (folder / f"{MONTH}.csv").touch()


def write_a_header(folder: Path, month: pa.Table) -> None:
    pyarrow.csv.write_csv(month.slice(0, 0), folder / f"{MONTH}.csv")


def write_no_rows(folder: Path, month: pa.Table) -> None:
    parquet(folder, month.slice(0, 0))


def cut_off(folder: Path, month: pa.Table) -> None:
    parquet(folder, month)
    file = folder / f"{MONTH}.parquet"
    file.write_bytes(file.read_bytes()[:-100])


def mark_personal(folder: Path, month: pa.Table) -> None:
    parquet(folder, month)
    edit_yaml(folder.parent / "contract.yaml", {"columns": {"dest": {"pii": True}}})


BAD: dict[str, tuple[Callable, str]] = {
    "missing column": (
        lambda folder, month: parquet(folder, month.drop_columns(["distance"])),
        "distance: the contract has this column and the data has not: ALL rows",
    ),
    "extra column": (
        column("colour", "blue"),
        "colour: the data has this column and the contract has not: ALL rows, for example 'blue'",
    ),
    "column twice": (name_a_column_twice, "distance: the data has this column twice: ALL rows"),
    "column of another type": (
        column("distance", "far"),
        "distance: must be of type integer, found string: ALL rows, for example 'far'",
    ),
    "cell of another type": (
        text(",1416,", b",far,"),
        "distance: must be of type integer: 1 row, for example 'far'",
    ),
    "below the range": (cell("distance", -1), "distance: must be at least 0: 1 row, for example -1"),
    "above the range": (cell("temp", 999.0), "temp: must be at most 150.0: 1 row, for example 999.0"),
    "infinity": (cell("temp", -math.inf), "temp: must be finite: 1 row, for example -inf"),
    "unknown category": (cell("origin", "XYZ"), "origin: must be one of the 3 values: 1 row, for example 'XYZ'"),
    "missing value": (cell("distance", None), "distance: must not be missing: 1 row"),
    "nothing but missing values": (column("temp", None), "temp: every value is missing: ALL rows"),
    "id twice": (repeat_a_row, "flight_id: the same id twice: 2 rows, for example '"),
    "time going backwards": (turn_around, "scheduled_departure: must not go backwards: 1 row, for example '2013-"),
    "empty file": (write_nothing, "2013-03.csv is empty: a CSV file needs a header line and rows"),
    "header alone": (write_a_header, "every column: the data has no rows: 0 rows"),
    "no rows": (write_no_rows, "every column: the data has no rows: 0 rows"),
    "truncated Parquet": (cut_off, "2013-03.parquet is no whole Parquet file (truncated, or another format)"),
    "another encoding": (text("IAH", b"\xc9AH"), "2013-03.csv is not UTF-8: byte 0xc9 in line 8; write it as UTF-8"),
    "line with too few cells": (
        text(",1416", b""),
        "2013-03.csv is no valid CSV: line 8 has 15 cells, and the header 16",
    ),
    "personal by its name": (
        column("email", "somebody"),
        "email: is personal data (by its name), and the contract does not allow it: ALL rows",
    ),
    "e-mail addresses": (
        cell("dest", "somebody@example.org"),
        "dest: holds e-mail addresses, and the contract does not mark it as pii: ALL rows",
    ),
    "telephone numbers": (
        cell("dest", "+49 30 1234567"),
        "dest: holds telephone numbers, and the contract does not mark it as pii: ALL rows",
    ),
    "personal without a purpose": (
        mark_personal,
        "contract.yaml: columns.dest: it is marked pii and gives no purpose: drop it at the source, or say",
    ),
}


@dataclass(frozen=True)
class Told:
    """What `ingest` answered to one kind of bad data, and every file before and after."""

    status: str | int | None
    before: dict[str, str]
    after: dict[str, str]


@pytest.fixture(scope="module")
def workspace_with_two_months(made, tmp_path_factory):
    root = tmp_path_factory.mktemp("bad") / "flights"
    shutil.copytree(made.root, root, ignore=shutil.ignore_patterns("data"))
    workspace = dataclasses.replace(made, root=root)
    for file in workspace.source.glob("*.parquet"):
        if file.stem > MONTH:
            file.unlink()
    workspace.edit(watermark="2013-02", source={"kind": "files", "path": f"{workspace.source}/*"})
    ingest(workspace.root, workspace.contract, workspace.params)
    workspace.edit(watermark=MONTH)
    return workspace


@pytest.fixture(scope="module")
def told(workspace_with_two_months) -> dict[str, Told]:
    """The answer to each kind, one after the other; whatever one changes is put back for the next."""
    workspace = workspace_with_two_months
    month = workspace.month(MONTH)
    contract = (workspace.root / "contract.yaml").read_bytes()
    answers = {}
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(workspace.root)
        for kind, (spoil, _) in BAD.items():
            for file in workspace.source.glob(f"{MONTH}.*"):
                file.unlink()
            spoil(workspace.source, month)
            before = hashes(workspace.root)
            with pytest.raises(SystemExit) as ended:
                run_command(lambda: main([], workspace.project))
            answers[kind] = Told(ended.value.code, before, hashes(workspace.root))
            (workspace.root / "contract.yaml").write_bytes(contract)
    workspace.source.joinpath(f"{MONTH}.csv").unlink(missing_ok=True)
    workspace.write_month(MONTH, month)
    return answers


def hashes(root: Path) -> dict[str, str]:
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in root.rglob("*") if file.is_file()}


def expected(kind: str, workspace) -> str:
    return BAD[kind][1].replace("ALL", f"{workspace.month(MONTH).num_rows:,}")


@pytest.mark.parametrize("kind", BAD)
def test_bad_data_is_told_by_column_rule_rows_and_example(told, workspace_with_two_months, kind):
    assert str(told[kind].status).startswith("error: ")
    assert expected(kind, workspace_with_two_months) in str(told[kind].status)


@pytest.mark.parametrize("kind", BAD)
def test_bad_data_changes_no_file(told, kind):
    assert len(told[kind].before) > 10
    assert told[kind].after == told[kind].before


@pytest.mark.parametrize("kind", BAD)
def test_each_kind_of_bad_data_has_a_message_of_its_own(told, workspace_with_two_months, kind):
    own = expected(kind, workspace_with_two_months)
    same = {other for other, answer in told.items() if own in str(answer.status)}
    assert same == ({"header alone", "no rows"} if kind in ("header alone", "no rows") else {kind})


def test_bad_data_ends_the_stage_with_status_1_and_no_traceback(workspace_with_two_months, tmp_path):
    root = tmp_path / "flights"
    shutil.copytree(workspace_with_two_months.root, root)
    workspace = dataclasses.replace(workspace_with_two_months, root=root)
    workspace.edit(source={"kind": "files", "path": "source/*.parquet"})
    workspace.write_month("2013-01", workspace.month("2013-01").drop_columns(["origin"]))
    workspace.write_month("2013-02", workspace.month("2013-02").drop_columns(["carrier"]))
    before = hashes(root)
    ended = subprocess.run(
        [sys.executable, "-m", "flight_delays", "ingest"], cwd=root, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    assert "error: " in ended.stderr
    for column_name in ("origin", "carrier"):
        assert f"{column_name}: the contract has this column and the data has not" in ended.stderr
    # the report is told why; all else stays as it was
    assert json.loads((root / "reports/refusal.json").read_text())["stage"] == "ingest"
    shutil.rmtree(root / "reports")
    assert hashes(root) == before
