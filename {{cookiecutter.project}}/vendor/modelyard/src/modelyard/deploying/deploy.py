"""Deploy to a Docker host, the engine that DOCKER_HOST names, or to a Kubernetes namespace, the kubeconfig's.

Which of the two stands in pyproject.toml: deploy_target.

staging   bring a version to a stage as its only one, without a gap
smoke     ask a stage what only its version answers rightly
canary    try a version on live requests beside the one that serves, and promote it or roll it back, by policy.yaml
promote   let the canary that is there take over, whatever its trial would say; or a version, by --image
rollback  let what served before take over again: the canary goes, or where there is none, stable's version
status    say what runs there

What runs is read from the host itself, so a deployment that was killed is gone on with, or rolled back, from any
machine. Ends with 0 where the version serves, 1 where it was rolled back, 2 where that could not be done. Writes
reports/deploy.json and reports/deploy.md.

Environment: for Docker DOCKER_HOST; DEPLOY_SSH_KEY and DEPLOY_KNOWN_HOSTS (texts) for ssh; DEPLOY_PORT, the port on the
host (8000); DEPLOY_KEYS, the text of the service's keys file (`make key` writes one). For Kubernetes KUBECONFIG, or
DEPLOY_KUBECONFIG with its text. For both DEPLOY_API_KEY, one of the service's keys that may predict and read.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import signal
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .asked import Asked
from .record import EXIT, RECORD, Record
from .state import Release
from ..runtime.contract import ContractError

ACTIONS = ("staging", "smoke", "canary", "promote", "rollback", "status")


def deploy(asked: Asked, record: Record, target: str) -> None:
    """Do what was asked, and say in the record what came of it. Raises ContractError where it could not be done."""
    if target == "none":
        raise ContractError('pyproject.toml: deploy_target is "none", and so nothing for deploying is here')
    try:  # a project holds the module of its own target
        module = importlib.import_module(f".deploying.{target}.target", __package__)
    except ModuleNotFoundError as error:
        if not str(error.name).endswith(f".deploying.{target}"):
            raise
        raise ContractError(
            f"pyproject.toml: deploy_target is {target!r}, and there is no ops/deploying/{target}: say the target that "
            "is there, or generate the project anew"
        ) from None
    module.deploy(asked, record, os.environ)


def _asked(given: argparse.Namespace, name: str) -> Asked:
    key = os.environ.get("DEPLOY_API_KEY")
    return Asked(
        given.action,
        name,
        _actor(),
        given.image,
        {"authorization": f"Bearer {key}"} if key else {},
        _probe(given.bundle),
        os.environ.get("DEPLOY_KEYS") or None,
        given.wait,
    )


def _actor() -> str:
    run = os.environ.get("GITHUB_RUN_ID")
    who = os.environ.get("GITHUB_ACTOR") or os.environ.get("USER", "somebody")
    return f"{who}, run {run}" if run else who


def _probe(bundle: Path | None) -> Mapping[str, Any] | None:
    if bundle is None:
        return None
    path = bundle / "probe.json"
    if not path.is_file():
        raise ContractError(f"{path}: no such file; give the folder of the bundle that the image was made from")
    found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _release(given: argparse.Namespace) -> Release | None:
    if given.action in ("staging", "canary") and not (given.image and given.version):
        raise ContractError(f"{given.action} needs --image and --version: the version to deploy, and its image")
    if given.image and not given.version:
        raise ContractError("--image needs --version: the name of that version")
    return Release(given.image, given.version, given.bundle_sha256) if given.image else None


def parser() -> argparse.ArgumentParser:
    """The arguments of the verb."""
    made = argparse.ArgumentParser(
        prog="deploy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("action", choices=ACTIONS)
    made.add_argument("--stage", help="where (staging for the action of that name, else production)")
    made.add_argument("--image", help="the image to deploy, best by digest: registry/name@sha256:...")
    made.add_argument("--version", help="its version, such as 1.2.0")
    made.add_argument("--bundle-sha256", default="", help="the hash of the bundle that must be in it")
    made.add_argument("--bundle", type=Path, help="the bundle's folder, for its probe rows (the image's own)")
    made.add_argument("--wait", type=float, default=0.0, help="seconds to wait for another deployment to end (0)")
    return made


def main(arguments: list[str] | None = None) -> None:
    """The verb `deploy`."""
    given = parser().parse_args(arguments)
    for path in (RECORD, RECORD.with_suffix(".md")):
        path.unlink(missing_ok=True)
    record = Record(given.action, given.stage or ("staging" if given.action == "staging" else "production"))
    # a runner that cancels says so by SIGTERM; then the lock must go, and the connection end
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        record.release = _release(given)
        settings = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
        deploy(_asked(given, settings["project"]["name"]), record, settings["tool"]["trainyard"]["deploy_target"])
    except ContractError as error:
        record.result, record.reason = "failed", str(error)
    record.write()
    print(f"{record.stage}: {record.result}: {record.reason}", file=sys.stderr if EXIT[record.result] else sys.stdout)
    sys.exit(EXIT[record.result])
