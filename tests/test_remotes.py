"""A remote on S3 and a source on S3, against a real S3 API on this machine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from projects import Project, generate, run


@pytest.mark.xdist_group("s3")
def test_data_and_model_go_through_s3_to_another_machine(s3: dict[str, str], tmp_path: Path) -> None:
    project, _ = generate(tmp_path, {"dvc_remote": "s3"})
    project.run("make", "setup")
    bucket = "import boto3, sys; [boto3.client('s3').create_bucket(Bucket=name) for name in sys.argv[1:]]"
    run([sys.executable, "-c", bucket, "flight-delays-dvc", "incoming"], tmp_path, s3)
    project.run("dvc", "remote", "modify", "--local", "storage", "endpointurl", s3["AWS_ENDPOINT_URL"])

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
    project.run("python", "-c", upload, env=s3)
    params = project.root / "params.yaml"
    params.write_text(
        params.read_text()
        .replace("  kind: sample", "  kind: files\n  path: s3://incoming/*.parquet")
        .replace('watermark: "2013-12"', 'watermark: "2013-03"')
        .replace("window: null", "window: 1")
    )
    project.run("dvc", "repro", env=s3)
    project.commit("Take the data from S3")
    assert "pushed" in project.run("dvc", "push", env=s3)

    run(["git", "clone", "--quiet", project.root, tmp_path / "other/flight-delays"], tmp_path)
    other = Project(tmp_path / "other/flight-delays")
    (other.root / ".venv").symlink_to(project.root / ".venv")
    other.run("dvc", "remote", "modify", "--local", "storage", "endpointurl", s3["AWS_ENDPOINT_URL"])
    other.run("dvc", "pull", env=s3)
    manifest = "bundle/manifest.json"
    assert (other.root / manifest).read_bytes() == (project.root / manifest).read_bytes()
    assert "up to date" in other.run("dvc", "status")
