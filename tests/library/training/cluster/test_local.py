"""The verb `cluster`, and that its workers have the settings of those in containers."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys

import pytest
from library.training.cluster.dask_cluster import pids
from modelyard.errors import ContractError
from modelyard.training.cluster.local import SETTINGS, local_cluster
from modelyard.training.strict_yaml import read_yaml
from sample import ROOT

DASK = ROOT / "{{cookiecutter.project}}/deploy/cluster/dask.yaml"


def test_the_verb_prints_the_address_and_leaves_nothing_behind(tmp_path):
    command = [sys.executable, "-m", "flight_delays", "cluster", "--workers", "1"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "1 worker on this machine; Ctrl-C stops them. In another terminal:\n"
        found = re.fullmatch(r"export DASK_SCHEDULER_ADDRESS=(tcp://127\.0\.0\.1:\d+)\n", process.stdout.readline())
        assert found
        started = list(pids(found[1]).values())
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "stopped\n"
    assert process.returncode == 0
    assert len(started) == 2
    for pid in started:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_port_that_is_taken_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = r"the scheduler ended: OSError: .*already in use"
        with pytest.raises(ContractError, match=told), local_cluster(1, port=port):
            pass


def test_no_worker_is_too_few():
    with pytest.raises(ContractError, match="WORKERS is 0: at least 1 is needed"), local_cluster(0):
        pass


def test_containers_have_the_same_settings():
    def flat(value, path=""):
        if not isinstance(value, dict):
            return {path: str(value)}
        return {name: one for key, more in value.items() for name, one in flat(more, f"{path}__{key}").items()}

    found = {
        name.upper().replace("-", "_").strip("_"): one for name, one in flat(read_yaml(DASK)["distributed"]).items()
    }
    assert {name: one for name, one in found.items() if not name.startswith("COMM__")} == SETTINGS
