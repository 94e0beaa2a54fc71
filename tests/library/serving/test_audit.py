from __future__ import annotations

import datetime
import json
import stat
import subprocess
import sys

from modelyard.serving.log.audit import Audit


def test_an_act_is_one_line_with_who_what_when_and_how_it_ended(capsys):
    Audit().write("boss", "reload", "done", models=["flight-delays"])
    told = json.loads(capsys.readouterr().err)
    assert datetime.datetime.fromisoformat(told.pop("time")).utcoffset() == datetime.timedelta(0)
    assert told == {"audit": "reload", "caller": "boss", "outcome": "done", "models": ["flight-delays"]}


def test_acts_are_added_to_a_file_that_only_its_owner_reads(tmp_path, capsys):
    path = tmp_path / "audit.jsonl"
    for outcome in ("done", "refused: no\nbundle"):
        Audit(path).write("boss", "reload", outcome)
    assert [json.loads(line)["outcome"] for line in path.read_text().splitlines()] == ["done", "refused: no\nbundle"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert capsys.readouterr().err == ""


def test_lines_of_several_processes_do_not_mix(tmp_path):
    code = (
        "import sys; from pathlib import Path\n"
        "from modelyard.serving.log.audit import Audit\n"
        "for n in range(200): Audit(Path(sys.argv[1])).write('boss', 'x' * 500, str(n))"
    )
    path = tmp_path / "audit.jsonl"
    running = [subprocess.Popen([sys.executable, "-c", code, path]) for _ in range(2)]
    assert [one.wait(60) for one in running] == [0, 0]
    assert len([json.loads(line) for line in path.read_text().splitlines()]) == 400


def test_where_the_file_cannot_be_written_the_act_is_told_on_stderr_with_the_reason(tmp_path, capsys):
    Audit(tmp_path / "none/audit.jsonl").write("boss", "reload", "done")
    told = json.loads(capsys.readouterr().err)
    assert told["outcome"] == "done"
    assert told["unwritten"].endswith("audit.jsonl: No such file or directory")
