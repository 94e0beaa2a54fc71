"""Requests of any kind, made by schemathesis from the service's own OpenAPI document: none may be a fault of it."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tempfile

from ...runtime.contract import ContractError
from .service import Service

# Not among them: whether all that the document allows is taken. JSON Schema cannot say that columns have one length.
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,negative_data_rejection,ignored_auth,unsupported_method,missing_required_header"
)
PHASES = "examples,coverage,fuzzing"
MOST_FAILURES = 5  # after which it stops
SECONDS = 900.0  # for all of it, which takes half a minute
LAST = 80  # lines of what it said
SUMMARY = re.compile(r"(\d+) generated")


def check_openapi(service: Service, examples: int, seed: int, phases: str = PHASES) -> str:
    """What was asked, as a line. examples: of requests that are drawn, for each operation.

    Raises ContractError with what schemathesis found, each with the request that shows it.
    """
    if importlib.util.find_spec("schemathesis") is None:
        raise ContractError("schemathesis is not there; `make setup` brings it")
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{service.url}/openapi.json", "--checks", CHECKS,
               "--phases", phases, "--max-examples", str(examples), "--seed", str(seed), "--request-timeout", "20",
               "--max-failures", str(MOST_FAILURES), "--generation-database", "none", "--warnings", "off",
               "--no-color"]  # fmt: skip
    command += [part for name, value in service.headers.items() for part in ("--header", f"{name}: {value}")]
    here = {"NO_PROXY": service.host, "no_proxy": service.host}
    with tempfile.TemporaryDirectory() as folder:  # it leaves what it has learned where it is run
        try:
            done = subprocess.run(  # noqa: S603
                command,
                cwd=folder,
                env={**os.environ, **here},
                capture_output=True,
                text=True,
                check=False,
                timeout=SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise ContractError(f"schemathesis did not end within {SECONDS:g} seconds; take fewer --examples") from None
    said = f"{done.stdout}{done.stderr}".strip()
    asked = SUMMARY.search(said)
    if done.returncode or asked is None:
        shown = "\n".join(said.splitlines()[-LAST:])
        raise ContractError(f"the service does not do what its /openapi.json says, or fails:\n{shown}")
    return f"{asked[1]} requests that schemathesis made of /openapi.json (seed {seed}): each answered as it says"
