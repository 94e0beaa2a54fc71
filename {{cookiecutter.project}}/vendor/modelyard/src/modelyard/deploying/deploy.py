"""Deploy a version to a stage, on the target that pyproject.toml names: tool.modelyard.deploy_target.

staging deploy a version to a stage as its only one, without downtime smoke check that a stage gives the answers of its
version canary try a version on live requests beside the one that serves, then promote it or roll it back, by
policy.yaml promote make the canary serve alone without finishing its trial; or another version, by --image rollback
restore what served before: remove the canary, or if there is none, replace stable's version status show what runs in a
stage

The state is read from the target itself, so any machine can continue a deployment that was killed, or roll it back.
Exit status: 0 the version serves, 1 it was rolled back, 2 that failed. Writes reports/deploy.json and
reports/deploy.md.

Environment: DEPLOY_API_KEY, one of the service's keys that may predict and read.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import signal
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import ContractError, YardError
from ..runtime.project import Project
from .record import EXIT, RECORD, Record
from .request import DeployRequest
from .state import DeployedVersion

ACTIONS = ("staging", "smoke", "canary", "promote", "rollback", "status")
TARGETS = ("compose", "kubernetes")  # one folder each; its docstring lists what it requires


def deploy(request: DeployRequest, record: Record, target: str) -> None:
    """Do what is requested, and note the result in the record. Raises YardError where it could not be done."""
    if target not in TARGETS:
        raise ContractError(
            f"pyproject.toml: tool.modelyard.deploy_target is {target!r}; to deploy, {' or '.join(TARGETS)} is needed"
        )
    importlib.import_module(f".{target}.target", __package__).deploy(request, record, os.environ)


def _request(options: argparse.Namespace, name: str) -> DeployRequest:
    key = os.environ.get("DEPLOY_API_KEY")
    return DeployRequest(
        options.action,
        name,
        _actor(),
        options.image,
        {"authorization": f"Bearer {key}"} if key else {},
        _probe(options.bundle),
        os.environ.get("DEPLOY_KEYS") or None,
        options.wait,
    )


def _actor() -> str:
    run = os.environ.get("GITHUB_RUN_ID")
    name = os.environ.get("GITHUB_ACTOR") or os.environ.get("USER", "somebody")
    return f"{name}, run {run}" if run else name


def _probe(bundle: Path | None) -> Mapping[str, Any] | None:
    if bundle is None:
        return None
    path = bundle / "probe.json"
    if not path.is_file():
        raise ContractError(f"{path}: no such file; give the folder of the bundle that the image was made from")
    probe: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return probe


def _release(options: argparse.Namespace) -> DeployedVersion | None:
    if options.action in ("staging", "canary") and not (options.image and options.version):
        raise ContractError(f"{options.action} needs --image and --version: the version to deploy, and its image")
    if options.image and not options.version:
        raise ContractError("--image needs --version: the name of that version")
    if not options.image:
        return None
    return DeployedVersion(options.image, options.version, options.bundle_sha256, options.pipeline_image)


def parser() -> argparse.ArgumentParser:
    """The arguments of the verb."""
    notes = [str(importlib.import_module(f".{target}", __package__).__doc__) for target in TARGETS]
    result = argparse.ArgumentParser(
        prog="deploy",
        description=__doc__,
        epilog="\n".join(f"{target}: {note}" for target, note in zip(TARGETS, notes, strict=True)),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument("action", choices=ACTIONS)
    result.add_argument("--stage", help="where (staging for the action of that name, else production)")
    result.add_argument("--image", help="the image to deploy, best by digest: registry/name@sha256:...")
    result.add_argument("--version", help="its version, such as 1.2.0")
    result.add_argument("--bundle-sha256", default="", help="the hash of the bundle that must be in it")
    result.add_argument(
        "--pipeline-image", default="", help="the pipeline's image of that version, which ships the log"
    )
    result.add_argument("--bundle", type=Path, help="the bundle's folder, for its probe rows (the image's own)")
    result.add_argument("--wait", type=float, default=0.0, help="seconds to wait for another deployment to end (0)")
    return result


def main(arguments: Sequence[str], _project: Project) -> None:
    """The verb `deploy`."""
    options = parser().parse_args(arguments)
    for path in (RECORD, RECORD.with_suffix(".md")):
        path.unlink(missing_ok=True)
    record = Record(options.action, options.stage or ("staging" if options.action == "staging" else "production"))
    # a cancelled job gets SIGTERM: exit in order, which releases the lock and closes the connection
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        record.release = _release(options)
        settings = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
        request = _request(options, settings["project"]["name"])
        deploy(request, record, settings["tool"]["modelyard"]["deploy_target"])
    except YardError as error:
        record.result, record.reason = "failed", str(error)
    record.write()
    print(f"{record.stage}: {record.result}: {record.reason}", file=sys.stderr if EXIT[record.result] else sys.stdout)
    sys.exit(EXIT[record.result])
