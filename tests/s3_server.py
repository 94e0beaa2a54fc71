"""A real S3 API on this machine, for what stores or reads there."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture(scope="session")
def s3() -> Iterator[dict[str, str]]:
    """The variables with which a program finds the server, and may use it."""
    command = [sys.executable, "-u", "-m", "moto.server", "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        assert server.stdout
        try:
            for line in server.stdout:
                if found := re.search(r"Running on (http://127\.0\.0\.1:\d+)", line):
                    yield {**KEYS, "AWS_ENDPOINT_URL": found[1]}
                    break
            else:
                pytest.fail("the S3 server did not start")
        finally:
            server.terminate()
