from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from modelyard import command
from modelyard.command import COST, REFUSAL, ended_by, run_stage
from modelyard.runtime.contract import ContractError


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def refuse() -> None:
    raise ContractError("rows are late\nand wrong")


def test_a_stage_leaves_what_it_cost():
    run_stage("train", lambda: sum(range(1_000_000)))
    cost = json.loads((COST / "train.json").read_text())
    assert cost["seconds"] > 0
    assert 10 < cost["peak_mb"] < 100_000
    assert not REFUSAL.exists()


def test_a_stage_that_refuses_leaves_why_and_no_cost():
    with pytest.raises(SystemExit, match="error: rows are late"):
        run_stage("ingest", refuse)
    assert json.loads(REFUSAL.read_text()) == {"stage": "ingest", "message": "rows are late\nand wrong"}
    assert not COST.exists()


def test_the_refusal_of_an_earlier_run_does_not_stay():
    with pytest.raises(SystemExit):
        run_stage("ingest", refuse)
    run_stage("ingest", lambda: None)
    assert not REFUSAL.exists()


def test_a_mistake_of_ours_keeps_its_traceback_and_is_told():
    with pytest.raises(ZeroDivisionError):
        run_stage("train", lambda: 1 / 0)
    message = json.loads(REFUSAL.read_text())["message"]
    assert message == "ZeroDivisionError: division by zero; the log has the traceback"


def test_a_stage_that_is_killed_is_told():
    dies = "lambda: os.kill(os.getpid(), 9)"
    script = f"import os\nfrom {command.__name__} import run_stage\nrun_stage('train', {dies})"
    path = str(Path(command.__file__).parent.parent)
    done = subprocess.run([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": path}, check=False)
    assert done.returncode == -9
    assert json.loads(REFUSAL.read_text())["message"].startswith("it ended without a word")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (-9, "by the signal SIGKILL, as the kernel ends a process when memory runs out"),
        (137, "by the signal SIGKILL, as the kernel ends a process when memory runs out"),
        (-4, "by the signal SIGILL: an instruction that this processor does not have"),
        (132, "by the signal SIGILL: an instruction that this processor does not have"),
        (-11, "by the signal SIGSEGV"),
        (-15, "by the signal SIGTERM"),
    ],
)
def test_a_stage_that_a_signal_ended_is_told_by_the_signals_name(status, said, monkeypatch):
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    printed = f"ERROR: failed to reproduce 'train': failed to run: python -m flights train, exited with {status}\n"
    assert ended_by(printed) == f"it ended without a word, {said}"


def test_the_kernels_that_were_asked_for_are_named_where_the_processor_lacks_an_instruction(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "SkylakeX")
    said = ended_by("exited with -4")
    assert said.endswith("; OPENBLAS_CORETYPE is SkylakeX, so see whether it has those of that one")
    assert "OPENBLAS" not in ended_by("exited with -9")


@pytest.mark.parametrize("printed", ["", "exited with 1", "exited with 255", "exited with -9\n... exited with 2"])
def test_a_stage_that_no_signal_ended_has_none(printed):
    assert ended_by(printed) is None


@pytest.mark.parametrize("given", [None, "SkylakeX"])
def test_a_process_begins_again_with_kernels_that_every_machine_of_its_kind_has(given):
    program = "import os; from modelyard.command import pin_kernels; pin_kernels(); print(os.environ.get(NAME))"
    program = program.replace("NAME", "'OPENBLAS_CORETYPE'")
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    environment |= {"OPENBLAS_CORETYPE": given} if given else {}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    usual = "Haswell" if " avx2 " in Path("/proc/cpuinfo").read_text() else "None"
    assert done.stdout.strip() == (given or usual)


def test_a_reader_that_has_ended_is_no_traceback():
    code = "from modelyard.command import run_command\nrun_command(lambda: [print(one) for one in range(100_000)])"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "0\n"
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_a_broken_connection_keeps_its_traceback():
    def fail() -> None:
        raise BrokenPipeError("the server has gone")

    with pytest.raises(BrokenPipeError, match="gone"):
        command.run_command(fail)
