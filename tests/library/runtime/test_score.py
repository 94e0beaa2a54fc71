from __future__ import annotations

import csv
import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from modelyard.errors import ContractError
from modelyard.runtime import score, table_files

from flight_delays import project


@pytest.fixture
def probe(made):
    return json.loads((made.root / "bundle/probe.json").read_text())


@pytest.fixture
def given(probe, tmp_path):
    """The probe rows, each with an id and its target, as CSV and as Parquet."""

    def write(kind, rows=None):
        path = tmp_path / f"given.{kind}"
        table = [{"flight_id": f"f{number}", "late": None, **row} for number, row in enumerate(rows or probe["rows"])]
        if kind == "csv":
            with path.open("w", newline="") as opened:
                lines = csv.DictWriter(opened, table[0])
                lines.writeheader()
                lines.writerows(table)
        else:
            pq.write_table(pa.Table.from_pylist(table), path)
        return path

    return write


def run(made, *arguments):
    score.main([*map(str, arguments), "--bundle", str(made.root / "bundle")], project)


def read(path):
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    with path.open() as opened:
        return [row | {"prediction": float(row["prediction"])} for row in csv.DictReader(opened)]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("into", ["csv", "parquet"])
def test_each_row_is_answered_in_order_and_to_the_last_bit(made, given, probe, tmp_path, kind, into, monkeypatch):
    monkeypatch.setattr(table_files, "CHUNK", 30)
    output = tmp_path / f"answers.{into}"
    run(made, given(kind), output)
    rows = read(output)
    assert [row["prediction"] for row in rows] == probe["answers"]
    assert [row["flight_id"] for row in rows] == [f"f{number}" for number in range(len(rows))]
    threshold = project.predictor(made.root / "bundle").threshold
    assert [str(row["decision"]).lower() for row in rows] == [str(one >= threshold).lower() for one in probe["answers"]]


def test_without_an_output_csv_goes_to_stdout(made, given, probe, capsys):
    run(made, given("csv"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "flight_id,prediction,decision"
    assert [float(line.split(",")[1]) for line in lines[1:]] == probe["answers"]


def test_several_classes_have_a_column_each(made_multiclass, tmp_path):
    probe = json.loads((made_multiclass.root / "bundle/probe.json").read_text())
    path, output = tmp_path / "given.parquet", tmp_path / "answers.parquet"
    pq.write_table(pa.Table.from_pylist(probe["rows"]), path)
    run(made_multiclass, path, output)
    rows = read(output)
    names = ["prediction_early", "prediction_late", "prediction_on time"]
    assert [[row[name] for name in names] for row in rows] == probe["answers"]
    assert {row["decision"] for row in rows} <= {"early", "late", "on time"}


def test_a_number_is_its_own_decision(made_regression, tmp_path):
    probe = json.loads((made_regression.root / "bundle/probe.json").read_text())
    path, output = tmp_path / "given.parquet", tmp_path / "answers.parquet"
    pq.write_table(pa.Table.from_pylist(probe["rows"]), path)
    run(made_regression, path, output)
    assert [row["decision"] for row in read(output)] == probe["answers"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_rows_that_break_the_contract_are_named_and_nothing_is_written(made, given, probe, tmp_path, kind, monkeypatch):
    monkeypatch.setattr(table_files, "CHUNK", 10)
    rows = [dict(row) for row in probe["rows"]]
    rows[3]["origin"] = "XYZ"
    for row in rows[40:]:
        row["distance"] = -1
    output = tmp_path / "answers.csv"
    output.write_text("before")
    with pytest.raises(ContractError) as refused:
        run(made, given(kind, rows), output)
    told = str(refused.value).splitlines()
    first = "line 5" if kind == "csv" else "row 4"
    assert told[0] == f"{tmp_path / f'given.{kind}'} breaks the contract, so nothing was scored:"
    assert told[1].startswith(f"  {first}: origin = 'XYZ': must be one of ")
    assert told[-1] == f"and {len(rows[40:]) + 1 - score.SHOWN} more"
    assert len(told) == 2 + score.SHOWN
    assert output.read_text() == "before"
    assert {path.name for path in tmp_path.iterdir()} == {f"given.{kind}", "answers.csv"}


def test_an_interrupted_run_leaves_nothing(made, given, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(score, "answer", stop)
    with pytest.raises(KeyboardInterrupt):
        run(made, given("csv"), tmp_path / "answers.csv")
    assert {path.name for path in tmp_path.iterdir()} == {"given.csv"}


def test_an_output_in_no_folder_is_refused_before_anything_is_read(made, given, tmp_path):
    with pytest.raises(ContractError, match="there is no folder"):
        run(made, given("csv"), tmp_path / "nowhere/answers.csv")


def peak(made, *arguments, chunk=10_000) -> tuple[int, str]:
    """The peak memory in KiB of a process that scores, and what it printed or said when it refused.

    It is what the kernel says of the process itself: `ru_maxrss` has the memory of the process that started it too.
    """
    code = (
        "import re, sys\n"
        "from pathlib import Path\n"
        "from flight_delays import project\n"
        "from modelyard.command import run_command\n"
        "from modelyard.runtime import score, table_files\n"
        f"table_files.CHUNK = {chunk}\n"
        "try: run_command(lambda: score.main(sys.argv[1:], project))\n"
        "finally: print(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1], file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, *arguments, "--bundle", made.root / "bundle"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    highest, _, said = next((line, "", done.stderr) for line in done.stderr.splitlines() if line.isdigit())
    return int(highest), done.stdout + said


@pytest.mark.parametrize(("kind", "into"), [("csv", "csv"), ("csv", None), ("parquet", "parquet")])
def test_many_rows_take_no_more_memory_than_few(made, probe, tmp_path, kind, into):
    """Twenty times the rows: what is in memory at once is one chunk, so the peak moves by little.

    The rows of a Parquet file are one group, as pandas writes up to a million.
    """
    peaks = []
    for times in (5, 100):
        path = tmp_path / f"{times}.{kind}"
        rows = [{**row, "flight_id": f"f{number}"} for number, row in enumerate(times * probe["rows"])]
        if kind == "parquet":
            pq.write_table(pa.Table.from_pylist(rows), path)
        else:
            with path.open("w", newline="") as opened:
                lines = csv.DictWriter(opened, rows[0])
                lines.writeheader()
                lines.writerows(rows)
        output = tmp_path / f"answers.{into}"
        highest, printed = peak(made, path, *([output] if into else []), chunk=250)
        peaks.append(highest)
        answers = len(read(output)) if into else printed.count("\nf")
        assert answers == times * len(probe["rows"])
    assert peaks[1] < 1.15 * peaks[0]


@pytest.mark.parametrize("start", ["", 'x,"'], ids=["no line ends", "a quote is open"])
def test_a_record_without_an_end_is_refused_before_it_fills_the_memory(made, given, tmp_path, start):
    header = given("csv").read_text().partition("\n")[0]
    peaks = []
    for megabytes in (20, 80):
        path = tmp_path / f"{megabytes}.csv"
        with path.open("w") as opened:
            opened.write(f"{header}\n{start}")
            for _ in range(megabytes):
                opened.write("x" * 999_999 + ("\n" if start else " "))
        highest, said = peak(made, path, tmp_path / "answers.csv")
        assert f"error: {path} is no valid CSV: line 2: more than 16,777,216 characters without an end; is a" in said
        peaks.append(highest)
    assert peaks[1] < 1.15 * peaks[0]
