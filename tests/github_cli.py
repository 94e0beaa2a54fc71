"""GitHub's command line for the tests: `gh attestation verify` of a file and `gh workflow run`, of a local GitHub.

The real one verifies a signature of Sigstore, which github.com makes; here the server says which workflow, at which
ref, has attested a digest. What neither the library nor a workflow calls is refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path


def install(folder: Path) -> None:
    """Put `gh` into a folder of programs."""
    program = folder / "gh"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{__file__}" "$@"\n')
    program.chmod(0o755)


def ask(path: str, body: object = None) -> bytes:
    """What the local GitHub answers. Exits with its refusal."""
    token = os.environ.get("GH_TOKEN") or os.environ.get("GITHUB_TOKEN")
    if not token:
        sys.exit("To use GitHub CLI in a GitHub Actions workflow, set the GH_TOKEN environment variable.")
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(os.environ["GITHUB_API_URL"] + path, data, headers)  # noqa: S310 - of a test
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return answer.read()
    except urllib.error.HTTPError as error:
        sys.exit(f"HTTP {error.code}: {error.read().decode()} ({path})")


def verify(path: Path, repository: str, identity: str) -> None:
    """Exit with 1 if no workflow of that identity has attested a file."""
    digest = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    found = [one["identity"] for one in json.loads(ask(f"/repos/{repository}/attestations/{digest}"))["attestations"]]
    if identity not in found:
        sys.exit(f"Error: verifying with issuer: expected SAN value to match {identity!r}, got {', '.join(found)!r}")


def main(arguments: list[str]) -> None:
    """Answer the two commands that are known."""
    match arguments:
        case [
            "attestation", "verify", path, "--repo", repository, "--cert-identity", identity,
            "--deny-self-hosted-runners",
        ]:  # fmt: skip
            verify(Path(path), repository, identity)
        case ["workflow", "run", file, "--repo", repository, "--ref", ref, *fields] if set(fields[::2]) == {"-f"}:
            inputs = dict(field.split("=", 1) for field in fields[1::2])
            ask(f"/repos/{repository}/actions/workflows/{file}/dispatches", {"ref": ref, "inputs": inputs})
        case _:
            sys.exit(f"gh: this stand-in does not know {arguments}")


if __name__ == "__main__":
    main(sys.argv[1:])
