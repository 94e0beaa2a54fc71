"""What is too old goes by policy, and a person's rows by the values of their ids, wherever a copy of them lies."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dvc.cli import main as dvc_command
from library.production.logged import PLAIN, ROW, line_text, ship_lines, table
from modelyard.errors import YardError
from modelyard.production.compact import compact
from modelyard.production.forget import (
    audit,
    forget_in_corrections,
    forget_in_dvc,
    forget_in_figures,
    forget_in_files,
    forget_in_store,
    parse_ids,
)
from modelyard.production.ledger import read_ledger
from modelyard.production.predictions import newest
from modelyard.production.retention import retain
from modelyard.production.store import Store

FIGURES = ("monitor.json", "monitor.md", "monitor.html", "labels.json")


def put_labels(store: Store, columns: str, rows: str, name: str = "labels/000001-0123456789abcdef.parquet") -> None:
    path = Path(str(store.folder)) / "made.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    duckdb.execute(f"COPY (SELECT * FROM (VALUES {rows}) AS t({columns})) TO '{path}' (FORMAT parquet)")  # noqa: S608
    store.put(path, name)
    path.unlink()


def labels(store: Store) -> list[tuple]:
    names = [f"{store.folder}/{name}" for name in store.names("labels")]
    return duckdb.read_parquet(names).order("ALL").fetchall() if names else []


def test_what_is_older_than_policy_says_goes(store: Store) -> None:
    for number, day in enumerate(("01", "02", "03"), 1):
        ship_lines(store, line_text([ROW], request=f"r{day}", time=f"2024-02-{day}T10:00:00"), number)
    ends = (("a", "01T23:00:00"), ("b", "02T01:00:00"))
    ship_lines(store, b"".join(line_text([ROW], request=name, time=f"2024-02-{end}") for name, end in ends), 4)
    known = "('r01', 0, TIMESTAMP '2024-02-01 10:00'), ('r02', 0, TIMESTAMP '2024-02-02 10:00')"
    put_labels(store, "request, row, known", known)
    ledger = compact(store, PLAIN)
    said: list[str] = []
    retain(store, ledger, None, said.append)
    retain(store, ledger, 3, said.append)
    assert said == []
    retain(store, ledger, 2, said.append)
    assert said == ["keep_days: 1 day before 2024-02-02, 1 log file and 1 label of that time were removed"]
    assert list(newest(store)) == ["2024-02-02", "2024-02-03"]
    assert [row[0] for row in table(store)] == ["b", "r02", "r03"]
    assert [row[0] for row in labels(store)] == ["r02"]
    before = store.names()
    compact(store, PLAIN)
    assert store.names() == before  # nothing comes back


def test_log_files_with_torn_lines_only_go_as_those_of_their_time_do(store: Store) -> None:
    torn = ship_lines(store, b"torn\n", 1)
    ship_lines(store, line_text([ROW], request="r1", time="2024-02-01T10:00:00"), 2)
    retain(store, compact(store, PLAIN), 2)
    for day in ("02", "03"):
        ship_lines(store, line_text([ROW], request=f"r{day}", time=f"2024-02-{day}T10:00:00"), int(day) + 2)
        assert torn in store.names("raw")
        retain(store, compact(store, PLAIN), 2)
    assert torn not in store.names("raw")
    assert read_ledger(store).totals() == {"lines": 2, "torn": 0, "duplicates": 0, "days": 2}


def test_a_persons_rows_leave_log_predictions_and_labels(store: Store) -> None:
    mine, others = {**ROW, "loan": "L 1"}, {**ROW, "loan": "L 12"}
    ship_lines(store, line_text([mine, others, ROW], request="r1") + b"torn\n", 1)
    ship_lines(store, b"[1]\n\n{}\n" + line_text([mine], request="r4")[:-3] + b"\n", 4, count=3)
    ship_lines(store, line_text([others], request="r2", time="2024-02-04T10:00:00"), 2)
    ship_lines(store, line_text([mine], request="r3", time="2024-02-05T10:00:00"), 3)  # all of its day
    compact(store, PLAIN)
    put_labels(store, "request, row, label", "('r1', 0, 'a'), ('r1', 1, 'b')")
    put_labels(store, '"id.loan", label', "('L 1', 'yes'), ('L 12', 'no')", "labels/000002-0123456789abcdef.parquet")
    removed = forget_in_store(store, {"loan": ["L 1"]}, PLAIN)
    assert removed == {"log lines": 3, "labels": 2, "predictions": 2}
    assert table(store) == [("r1", 1), ("r1", 2), ("r2", 0)]
    assert not any(b'"L 1"' in gzip.decompress(store.read(name)) for name in store.names("raw"))
    before = {name: store.read(name) for name in store.names()}
    assert compact(store, PLAIN).totals() == {"lines": 6, "torn": 3, "duplicates": 0, "days": 3}
    assert {name: store.read(name) for name in store.names()} == before  # the same as if made of the log anew
    assert forget_in_store(store, {"loan": ["L 1"]}, PLAIN) == {"log lines": 0, "labels": 0, "predictions": 0}
    store.remove("ledger.json")
    compact(store, PLAIN)
    assert table(store) == [("r1", 1), ("r1", 2), ("r2", 0)]
    assert read_ledger(store).totals() == {"lines": 6, "torn": 3, "duplicates": 0, "days": 2}


def test_of_a_log_file_that_is_cut_off_the_rest_is_kept_and_its_loss_too(store: Store) -> None:
    rows = [{**ROW, "loan": f"L {number}"} for number in range(200)]
    name = ship_lines(store, line_text(rows))
    store.write(name, store.read(name)[:-40])
    torn = compact(store, PLAIN).totals()["torn"]
    whole = 200 - torn
    assert 1 < whole < 200
    assert forget_in_store(store, {"loan": ["L 1"]}, PLAIN) == {"log lines": 1, "labels": 0, "predictions": 1}
    assert len(table(store)) == whole - 1
    store.remove("ledger.json")
    assert compact(store, PLAIN).totals() == {"lines": 199, "torn": torn, "duplicates": 0, "days": 1}
    assert len(table(store)) == whole - 1


def test_a_run_that_is_killed_is_repeated(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2):
        ship_lines(store, line_text([{**ROW, "loan": "L 1"}, ROW], request=f"r{number}"), number)
    compact(store, PLAIN)
    real, left = Store.remove, [1]

    def remove(self: Store, name: str) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        real(self, name)

    monkeypatch.setattr(Store, "remove", remove)
    with pytest.raises(KeyboardInterrupt):
        forget_in_store(store, {"loan": ["L 1"]}, PLAIN)
    monkeypatch.undo()
    forget_in_store(store, {"loan": ["L 1"]}, PLAIN)
    assert table(store) == [("r0", 1), ("r1", 1)]
    assert not any(b'"L 1"' in gzip.decompress(store.read(name)) for name in store.names("raw"))


def test_dvc_loses_every_copy_of_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for key in [key for key in os.environ if key.startswith("GIT_")]:
        monkeypatch.delenv(key)

    def dvc(*arguments: str) -> None:
        assert dvc_command([*arguments, "--quiet"]) == 0

    subprocess.run(["git", "init", "--quiet"], check=True)
    dvc("init")
    dvc("remote", "add", "--default", "there", str(tmp_path / "remote"))
    periods = Path("data/periods")
    periods.mkdir(parents=True)
    pq.write_table(pa.table({"loan": ["L 1", "L 2"], "years": [1, 2]}), periods / "2024-01.parquet")
    pq.write_table(pa.table({"loan": ["L 2"], "years": [3]}), periods / "2024-02.parquet")
    dvc("add", "data/periods")
    dvc("push")
    shutil.copytree(periods, "champion/periods")
    shutil.copyfile(periods / "2024-01.parquet", "champion/predictions.parquet")
    values = {"loan": ["L 1"]}
    assert forget_in_files(Path(), values) == {"rows of data": 3}
    assert not any(b"L 1" in path.read_bytes() for path in Path("champion").rglob("*.parquet"))
    assert pq.read_table(periods / "2024-01.parquet").to_pylist() == [{"loan": "L 2", "years": 2}]
    assert pq.read_schema(periods / "2024-01.parquet").equals(
        pq.read_schema(periods / "2024-02.parquet")
    )  # or it would not fit to what arrives later
    assert forget_in_dvc(Path(), values, print) == {"files in DVC's cache": 1, "files in DVC's remote": 1}
    copies = [path for place in ("remote", ".dvc/cache") for path in (tmp_path / place).rglob("*") if path.is_file()]
    assert len([path for path in copies if path.read_bytes()[:4] == b"PAR1"]) == 2
    assert not any(b"L 1" in path.read_bytes() for path in copies)


def test_figures_that_name_the_person_go_and_others_stay(store: Store, tmp_path: Path) -> None:
    for name, person in (("here", "L 1"), ("not here", "L 2")):
        reports = tmp_path / name / "reports"
        reports.mkdir(parents=True)
        for file in (
            "monitor.json",
            "monitor.md",
            "monitor.html",
            "labels.json",
            "report.md",
            "report.html",
            "others.md",
        ):
            (reports / file).write_text(json.dumps({"lines": [f"different labels: {person}/x"]}))
        store.write("figures/latest.json", (reports / "monitor.json").read_bytes())
        gone = forget_in_figures(tmp_path / name, store, {"loan": ["L 1"]})
        assert gone == {"files with figures": 7 if name == "here" else 0}
        assert store.has("figures/latest.json") == (name != "here")
        assert len(list(reports.iterdir())) == (1 if name == "here" else 7)


def test_the_audit_line_says_what_went_and_not_whose(store: Store, tmp_path: Path) -> None:
    for place in (store, None):
        for _ in range(2):
            line = audit(place, {"loan": ["L 1"]}, {"log lines": 2}, tmp_path / "reports/audit.jsonl")
        assert json.loads(line)["removed"] == {"log lines": 2}
        assert "L 1" not in line
    assert store.read("audit.jsonl").count(b"\n") == 2
    assert (tmp_path / "reports/audit.jsonl").read_text().count("\n") == 2


@pytest.mark.parametrize("given", ["years=3", "loan", "loan=", "other=1"])
def test_what_is_no_id_is_refused(given: str) -> None:
    with pytest.raises(YardError, match="there are: loan"):
        parse_ids([given], PLAIN)
    assert parse_ids(["loan=a=b", "loan=c"], PLAIN) == {"loan": ["a=b", "c"]}


def test_a_persons_lines_leave_the_reviewed_labels(tmp_path: Path) -> None:
    assert forget_in_corrections(tmp_path, {"loan": ["L 1"]}) == {}
    folder = tmp_path / "corrections"
    folder.mkdir()
    head = "loan,period,given,label,reviewer,reason\n"
    other = "L 12,2024-02,true,false,Ada,by phone\n"
    (folder / "one.csv").write_text(f'{head}L 1,2024-02,true,false,Ada,"as she\nsaid"\n{other}')
    (folder / "two.csv").write_text(f"{head}{other}L 1,2024-02,true,,,\n")
    assert forget_in_corrections(tmp_path, {"loan": ["L 1"]}) == {"lines of reviewed labels": 2}
    assert [path.read_text() for path in sorted(folder.iterdir())] == [head + other] * 2
    assert forget_in_corrections(tmp_path, {"loan": ["L 1"]}) == {"lines of reviewed labels": 0}
