"""A namespace of a Kubernetes cluster, by kubectl: runs commands in it, and gives advice if one fails.

The kubeconfig names cluster and namespace: the file in KUBECONFIG, or its text in DEPLOY_KUBECONFIG.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..failure import DeployError

Object = dict[str, Any]

TIMEOUT = 60.0  # seconds for one command
REQUEST_TIMEOUT = 20  # seconds for one request of it
SHOWN = 1500  # characters at the end of what a failed command printed
MANAGER = "modelyard-deploy"  # whose fields those are that are applied
ADVICE = {
    "current-context is not set": "put a kubeconfig's text into DEPLOY_KUBECONFIG, or its path into KUBECONFIG",
    "connection refused": "nothing listens there; check the server's address in the kubeconfig",
    "i/o timeout": "the server does not answer; check its address, and the network between",
    "Unauthorized": "the token or certificate in the kubeconfig is no longer good; make a new one",
    "forbidden": "the account in the kubeconfig may not do that; deploy/kubernetes/deployer.yaml lists what it needs",
    'no matches for kind "HTTPRoute"': "the cluster has no Gateway API; install its standard channel, or change "
    "deploy/kubernetes/base/route.yaml to the router that you have",
    "the server doesn't have a resource type": "the cluster lacks that kind; for httproutes install the Gateway API",
    "x509": "the server's certificate is not the one that the kubeconfig expects",
}


@dataclass(frozen=True)
class Kubectl:
    """kubectl with the environment that names cluster and namespace."""

    environment: Mapping[str, str] = field(repr=False)

    def run(self, *arguments: str, text: str | None = None, timeout: float = TIMEOUT) -> str:
        """What a command printed; `text` is its standard input. Raises DeployError."""
        command = ["kubectl", *arguments]
        shown = f"`{' '.join(command[:4])}`"
        try:
            process = subprocess.run(  # noqa: S603 - a list, and no shell
                command,
                env=dict(self.environment),
                input=text or "",
                capture_output=True,
                text=True,
                check=False,
                timeout=timeout,
            )
        except FileNotFoundError:
            raise DeployError("kubectl was not found: it is needed here, 1.30 or newer") from None
        except subprocess.TimeoutExpired:
            raise DeployError(
                f"{shown} did not end within {timeout:g} seconds; see how the cluster is, and run this again"
            ) from None
        if process.returncode:
            raise DeployError(_explain(shown, process.stderr or process.stdout))
        return process.stdout

    def ask(self, *arguments: str, text: str | None = None) -> str:
        """As `run`, for what asks the cluster: one request has REQUEST_TIMEOUT seconds."""
        return self.run(*arguments, f"--request-timeout={REQUEST_TIMEOUT}s", text=text)

    def get(self, kinds: str, *arguments: str) -> list[Object]:
        """The objects of some kinds. Raises DeployError."""
        answer: Object = json.loads(self.ask("get", kinds, *arguments, "--output=json"))
        items: list[Object] = answer.get("items", [answer])
        return items

    def find(self, kind: str, name: str) -> Object | None:
        """An object, None where it is not there. Raises DeployError."""
        text = self.ask("get", kind, name, "--ignore-not-found", "--output=json")
        return json.loads(text) if text.strip() else None

    def apply(self, objects: Sequence[Object]) -> None:
        """Make objects what they say; the server refuses fields that it does not know. Raises DeployError."""
        how = ["--server-side", f"--field-manager={MANAGER}", "--force-conflicts", "--validate=strict"]
        self.ask("apply", *how, "--filename=-", text="\n".join(map(json.dumps, objects)))


def _explain(what: str, output: str) -> str:
    text = output.strip()[-SHOWN:] or "it printed nothing"
    advice = [hint for sign, hint in ADVICE.items() if sign.lower() in output.lower()]
    return f"{what} failed: {text}" + (f"\n{advice[0]}" if advice else "")


@contextmanager
def connect_cluster(environ: Mapping[str, str]) -> Iterator[Kubectl]:
    """kubectl for the cluster and namespace that the environment names."""
    text = environ.get("DEPLOY_KUBECONFIG", "")
    environment = {key: value for key, value in environ.items() if key != "DEPLOY_KUBECONFIG"}
    if not text:
        yield Kubectl(environment)
        return
    with tempfile.TemporaryDirectory(prefix="deploy-") as folder:
        path = Path(folder) / "kubeconfig"
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as opened:
            opened.write(text)
        yield Kubectl({**environment, "KUBECONFIG": str(path)})
