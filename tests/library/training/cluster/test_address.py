"""Which cluster a search takes, and which it may not take."""

from __future__ import annotations

import subprocess
import sys

import pytest
from modelyard.errors import ContractError
from modelyard.training.cluster.address import TLS, VARIABLE, check_certificates, scheduler_address

LOCAL, REMOTE = "tcp://127.0.0.1:8786", "tls://10.0.0.7:8786"


@pytest.mark.parametrize(
    ("setting", "environment", "taken"),
    [
        (None, {}, None),
        (None, {VARIABLE: ""}, None),
        (LOCAL, {}, LOCAL),
        (LOCAL, {VARIABLE: REMOTE}, REMOTE),
        (REMOTE, {VARIABLE: "local"}, None),
        ("tcp://localhost:1", {}, "tcp://localhost:1"),
        ("tcp://[::1]:1", {}, "tcp://[::1]:1"),
        (None, {VARIABLE: REMOTE}, REMOTE),
    ],
)
def test_the_environment_names_the_scheduler_or_else_the_settings(setting, environment, taken):
    assert scheduler_address(setting, environment) == taken


@pytest.mark.parametrize(
    "address", ["127.0.0.1:8786", "http://127.0.0.1:1", "tcp://127.0.0.1", "tls://a:b", "tls://:1"]
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(
        ContractError, match=r"params\.yaml: cluster is '.*': an address such as tcp://127.0.0.1:8786 or"
    ):
        scheduler_address(address, {})


@pytest.mark.parametrize("address", ["tcp://10.0.0.7:8786", "tcp://scheduler:8786", "tcp://0.0.0.0:8786"])
def test_another_machine_is_reached_with_certificates_only(address):
    with pytest.raises(
        ContractError, match=f"{VARIABLE} is '{address}': Dask runs what comes over its port.* Use tls://"
    ):
        scheduler_address(None, {VARIABLE: address})


def test_an_absent_certificate_is_named(tmp_path, monkeypatch):
    check_certificates(LOCAL)
    program = f"from modelyard.training.cluster.address import check_certificates; check_certificates({REMOTE!r})"

    def told(env: dict[str, str]) -> str:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        return done.stderr.strip().splitlines()[-1]

    assert told({}).endswith(f"{REMOTE} needs certificates; set {TLS['ca-file']} to the file of the cluster's ca-file")
    path = tmp_path / "cert.pem"
    assert told(dict.fromkeys(TLS.values(), str(path))).endswith(f"{TLS['ca-file']} is {str(path)!r}: no such file")


def test_without_dask_the_command_that_adds_it_is_told():
    program = "import sys; sys.modules['distributed'] = None; from modelyard.training.cluster.address import *"
    command = [sys.executable, "-c", f"{program}; import_distributed()"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr.strip().endswith(
        "a cluster needs Dask, which is not installed; add it, and Optuna for the workers, with "
        "`uv add --optional train 'distributed>=2026.8' 'optuna>=4.5'`"
    )
