"""Requests that schemathesis generates from the service's own OpenAPI document, to which each answer must conform."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tempfile

from ...errors import ContractError
from .service import RunningService

# Whether all that the document allows is accepted is not checked: it cannot say that all columns have one length
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,negative_data_rejection,ignored_auth,unsupported_method,missing_required_header"
)
PHASES = "examples,coverage,fuzzing"
MOST_FAILURES = 5  # after which it stops
SECONDS = 900.0  # for the whole run, which usually takes half a minute
LAST = 80  # lines of its output
SUMMARY = re.compile(r"(\d+) generated")


def check_openapi(service: RunningService, examples: int, seed: int, phases: str = PHASES) -> str:
    """Run schemathesis; returns a line on its requests. examples: how many are generated for each operation.

    Raises ContractError with what schemathesis found, each with the request that shows it.
    """
    if importlib.util.find_spec("schemathesis") is None:
        raise ContractError("schemathesis is not installed; `make setup` installs it")
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{service.url}/openapi.json", "--checks", CHECKS,
               "--phases", phases, "--max-examples", str(examples), "--seed", str(seed), "--request-timeout", "20",
               "--max-failures", str(MOST_FAILURES), "--generation-database", "none", "--warnings", "off",
               "--no-color"]  # fmt: skip
    command += [part for name, value in service.headers.items() for part in ("--header", f"{name}: {value}")]
    no_proxy = {"NO_PROXY": service.host, "no_proxy": service.host}
    with tempfile.TemporaryDirectory() as folder:  # it writes its cache into the current folder
        try:
            process = subprocess.run(  # noqa: S603
                command,
                cwd=folder,
                env={**os.environ, **no_proxy},
                capture_output=True,
                text=True,
                check=False,
                timeout=SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise ContractError(f"schemathesis did not end within {SECONDS:g} seconds; use fewer --examples") from None
    output = f"{process.stdout}{process.stderr}".strip()
    summary = SUMMARY.search(output)
    if process.returncode or summary is None:
        shown = "\n".join(output.splitlines()[-LAST:])
        raise ContractError(f"the service does not do what its /openapi.json says, or fails:\n{shown}")
    return f"{summary[1]} requests that schemathesis made of /openapi.json (seed {seed}): each answered as it says"
