"""A remote on S3 and a source on S3, against a real S3 API on this machine."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from projects import Project, generate, run

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of an S3 server."""
    command = [sys.executable, "-u", "-m", "moto.server", "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        assert server.stdout
        try:
            for line in server.stdout:
                if found := re.search(r"Running on (http://127\.0\.0\.1:\d+)", line):
                    yield found[1]
                    break
            else:
                pytest.fail("the S3 server did not start")
        finally:
            server.terminate()


@pytest.mark.xdist_group("s3")
def test_data_and_model_go_through_s3_to_another_machine(s3: str, tmp_path: Path) -> None:
    project, _ = generate(tmp_path, {"dvc_remote": "s3"})
    env = {**KEYS, "AWS_ENDPOINT_URL": s3}
    project.run("make", "setup")
    bucket = "import boto3, sys; [boto3.client('s3').create_bucket(Bucket=name) for name in sys.argv[1:]]"
    run([sys.executable, "-c", bucket, "flight-delays-dvc", "incoming"], tmp_path, env)
    project.run("dvc", "remote", "modify", "--local", "storage", "endpointurl", s3)

    # the source is on S3 as well: two months of the sample, each a file
    upload = (
        "import fsspec, pyarrow.parquet as pq, pyarrow.compute as pc\n"
        "from modelyard.training.data.sources.sample import SampleSource\n"
        "flights = SampleSource().read('').drop_columns(['delay'])\n"
        "month = pc.month(flights['scheduled_departure'])\n"
        "for number in (1, 2, 3):\n"
        "    with fsspec.open(f's3://incoming/2013-{number:02}.parquet', 'wb') as opened:\n"
        "        pq.write_table(flights.filter(pc.equal(month, number)).slice(0, 5000), opened)\n"
    )
    project.run("python", "-c", upload, env=env)
    params = project.root / "params.yaml"
    params.write_text(
        params.read_text()
        .replace("  kind: sample", "  kind: files\n  path: s3://incoming/*.parquet")
        .replace('watermark: "2013-12"', 'watermark: "2013-03"')
        .replace("window: null", "window: 1")
    )
    project.run("dvc", "repro", env=env)
    project.commit("Take the data from S3")
    assert "pushed" in project.run("dvc", "push", env=env)

    run(["git", "clone", "--quiet", project.root, tmp_path / "other/flight-delays"], tmp_path)
    other = Project(tmp_path / "other/flight-delays")
    (other.root / ".venv").symlink_to(project.root / ".venv")
    other.run("dvc", "remote", "modify", "--local", "storage", "endpointurl", s3)
    other.run("dvc", "pull", env=env)
    manifest = "bundle/manifest.json"
    assert (other.root / manifest).read_bytes() == (project.root / manifest).read_bytes()
    assert "up to date" in other.run("dvc", "status")
