"""The cluster of deploy/cluster on a real Docker engine: searches and fits, also where the scheduler stops."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from modelyard.training.edit import edit_yaml

from projects import BIN, Project, generate, made_small, run

from .conftest import docker

pytestmark = pytest.mark.xdist_group("images")

NAME = "flight-delays-cluster-test"
IMAGE = "flight-delays-pipeline:2.0.0"
TUNE = ("python", "-m", "flight_delays", "tune", "--trials")


@pytest.fixture(scope="module")
def scaled(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with the scale `cluster`, the data and the model of a small one, and its pipeline's image."""
    small = made_small(tmp_path_factory)
    made, _ = generate(tmp_path_factory.mktemp("scaled"), {"scale": "cluster"})
    made.run("uv", "add", "--optional", "train", "xgboost-cpu>=3.2,<4")
    with (made.package / "model.py").open("a") as file:
        file.write('\nfrom modelyard import xgboost  # noqa: E402\n\nESTIMATORS["xgboost"] = xgboost\n')
    for name in ("bundle", "model", "evaluation", "data", "params.yaml"):
        run(["cp", "-r", small.root / name, made.root], made.root)
    made.commit("Take the data and the model of another")
    print(made.run("make", "image", "VERSION=2.0.0", "ARGS=--image pipeline", env={"BASE_IMAGE": engine}))
    return made


def compose(scaled: Project, *words: str) -> str:
    """What docker compose printed."""
    env = {"PIPELINE_IMAGE": IMAGE, "COMPOSE_PROJECT_NAME": NAME, "CLUSTER_PORT": "0", "WORKERS": "2"}
    return run([BIN / "docker-compose", *words], scaled.root / "deploy/cluster", env)


@pytest.fixture(scope="module")
def certificates(scaled: Project) -> Iterator[dict[str, str]]:
    """The environment that lets a client in, made as the README says; the cluster is removed afterwards."""
    folder = scaled.root / "deploy/cluster"
    text = (folder / "README.md").read_text()
    (certificates,) = re.findall(r"^    (mkdir .*)$", text, re.MULTILINE)
    run(["bash", "-c", certificates], folder)
    assert "tls" not in scaled.git("status", "--porcelain", "--untracked-files=all")
    try:
        names = re.findall(r"^    export (DASK_\w+)=\$PWD/(\S+)$", text, re.MULTILINE)
        assert len(names) == 3
        yield {name: str(scaled.root / path) for name, path in names}
    finally:
        print(compose(scaled, "logs", "--tail", "40"))
        compose(scaled, "down", "--volumes")


@pytest.fixture
def environment(scaled: Project, certificates: dict[str, str]) -> dict[str, str]:
    """All that a client needs, with the cluster up."""
    compose(scaled, "up", "--detach")
    port = compose(scaled, "port", "scheduler", "8786").strip().rpartition(":")[2]
    return certificates | {"DASK_SCHEDULER_ADDRESS": f"tls://127.0.0.1:{port}"}


def best(printed: str) -> str:
    """What a search found best."""
    return re.findall(r"best log_loss .*? with .*?;", printed)[0]


def test_a_search_on_it_finds_what_one_here_does(scaled: Project, environment: dict[str, str]) -> None:
    there = best(scaled.run(*TUNE, "4", env=environment))
    scaled.git("checkout", "--", "params.yaml")
    run(["rm", "-r", "tuning"], scaled.root)
    assert best(scaled.run(*TUNE, "4")) == there


def test_nobody_without_the_certificate_is_let_in(scaled: Project, environment: dict[str, str]) -> None:
    address = environment["DASK_SCHEDULER_ADDRESS"]
    told = scaled.run(*TUNE, "8", env={"DASK_SCHEDULER_ADDRESS": address}, ok=False)
    assert f"error: {address} needs certificates; set DASK_DISTRIBUTED__COMM__TLS__CA_FILE" in told
    plain = address.replace("tls://", "tcp://")
    assert f"no Dask scheduler answers at {plain}" in scaled.run(
        *TUNE, "8", env={"DASK_SCHEDULER_ADDRESS": plain}, ok=False
    )


@pytest.mark.usefixtures("environment")
def test_only_the_tls_ports_can_be_reached(scaled: Project) -> None:
    program = (
        "import psutil\n"
        "found = [one.laddr for one in psutil.net_connections('tcp') if one.status == 'LISTEN']\n"
        "print(*{f'{ip}:{port}' for ip, port in found})"
    )
    for service, reachable in (("scheduler", 1), ("worker", 2)):  # a worker and its nanny
        sockets = compose(scaled, "exec", "--no-TTY", service, "/opt/venv/bin/python", "-c", program).split()
        ports = {one.rpartition(":")[2] for one in sockets if not one.startswith("127.")}
        assert len(ports) == reachable, sockets


def begun(scaled: Project, environment: dict[str, str], *command: str | Path) -> subprocess.Popen[str]:
    """A command that runs."""
    return subprocess.Popen(
        command,
        cwd=scaled.root,
        env={**os.environ, **environment, "PATH": f"{scaled.root / '.venv/bin'}:{BIN}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def without_scheduler(scaled: Project, process: subprocess.Popen[str]) -> list[str]:
    """The lines that a command prints once the scheduler is gone; it ends with an error, within a minute."""
    compose(scaled, "kill", "scheduler")
    begin = time.monotonic()
    printed, _ = process.communicate(timeout=120)
    assert time.monotonic() - begin < 60
    assert process.returncode
    return printed.splitlines()


def test_a_scheduler_that_stops_midway_is_told(scaled: Project, environment: dict[str, str]) -> None:
    changed = [scaled.root / "params.yaml", *(scaled.root / "tuning").iterdir()]
    before = [path.read_bytes() for path in changed]
    program = "import pathlib; print(len(list(pathlib.Path('/tmp').rglob('*.parquet'))))"
    workers = docker("ps", "--quiet", "--filter", f"name={NAME}-worker").split()
    process = begun(scaled, environment, scaled.root / ".venv/bin/python", *TUNE[1:], "8")
    end = time.monotonic() + 60
    while not all(int(docker("exec", one, "/opt/venv/bin/python", "-c", program)) for one in workers):
        assert time.monotonic() < end
    address = environment["DASK_SCHEDULER_ADDRESS"]
    lost = f"error: the scheduler at {address} is gone; what was measured is kept, so `make tune` goes on from there"
    assert without_scheduler(scaled, process)[-1] == lost
    assert [path.read_bytes() for path in changed] == before


def with_xgboost(scaled: Project, rounds: int) -> None:
    """Let the model be fitted in two partitions, in so many rounds."""
    edit_yaml(
        scaled.root / "params.yaml",
        {"model": {"estimator": "xgboost", "partitions": 2, "xgboost": {"n_estimators": rounds}}},
    )


def test_a_fit_on_it_is_proven_here_and_told_where_the_scheduler_stops(
    scaled: Project, environment: dict[str, str]
) -> None:
    scaled.git("checkout", "--", "params.yaml")
    with_xgboost(scaled, 20)
    printed = scaled.run("make", "pipeline", env=environment)
    assert f"each on a worker of {environment['DASK_SCHEDULER_ADDRESS']}" in printed
    scaled.commit("Fit XGBoost in two partitions")
    proven = scaled.run("make", "prove", env=environment)
    assert "2 partitions, each on a worker of this machine" in proven
    assert "identical" in proven.splitlines()[-1]

    with_xgboost(scaled, 2000)
    process = begun(scaled, environment, "make", "pipeline")
    assert process.stdout
    while "fitting xgboost" not in (line := process.stdout.readline()):
        assert line
    printed = without_scheduler(scaled, process)
    address = environment["DASK_SCHEDULER_ADDRESS"]
    again = "nothing was written, so `make pipeline` begins again"
    assert f"error: the scheduler at {address} is gone; {again}" in printed, "\n".join(printed)
    # DVC removes what a stage makes before it runs; nothing is there in part
    found = {line.strip() for line in scaled.git("status", "--porcelain").splitlines()}
    assert found == {"M params.yaml", *(f"D model/{name}.json" for name in ("environment", "reference", "training"))}
    assert not (scaled.root / "model/model.onnx").exists()
