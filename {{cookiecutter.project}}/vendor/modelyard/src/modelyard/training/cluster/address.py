"""Which Dask cluster is used, and whether it may be spoken to.

Dask unpickles what comes over its ports, so that everybody who reaches one runs code there. So an address beyond this
machine is `tls://`, and both sides show a certificate; `tcp://` is for this machine alone.
"""

from __future__ import annotations

import ipaddress
import os
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from ...errors import ContractError

VARIABLE = "DASK_SCHEDULER_ADDRESS"
HERE = "local"  # as its value: no cluster, whatever params.yaml says
# Dask's own settings, by the names that it reads from the environment
TLS = {
    "ca-file": "DASK_DISTRIBUTED__COMM__TLS__CA_FILE",
    "client.cert": "DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT",
    "client.key": "DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY",
}
LOCAL = "tcp://127.0.0.1:8786"
REMOTE = "tls://scheduler.example.com:8786"


def scheduler_address(setting: str | None, environment: Mapping[str, str] = os.environ) -> str | None:
    """The scheduler's address, as the environment names it, else as params.yaml does; None if all runs here.

    Raises ContractError if it is no address, or `tcp://` to another machine.
    """
    name, address = (
        (VARIABLE, environment[VARIABLE]) if environment.get(VARIABLE) else ("params.yaml: cluster", setting)
    )
    if not address or address == HERE:
        return None
    scheme, host, port = _parts(address)
    if scheme not in ("tcp", "tls") or not host or not port:
        raise ContractError(f"{name} is {address!r}: an address such as {LOCAL} or {REMOTE} is expected")
    if scheme == "tcp" and not _is_loopback(host):
        raise ContractError(
            f"{name} is {address!r}: Dask runs what comes over its port, so tcp:// is for this machine only. Use "
            f"tls://, with the cluster's certificates in {', '.join(TLS.values())}"
        )
    return address


def import_distributed() -> ModuleType:
    """Dask's package for clusters. Raises ContractError, with the command that adds it, if it is not installed."""
    try:
        import distributed
    except ImportError:
        raise ContractError(
            "a cluster needs Dask, which is not installed; add it, and Optuna for the workers, with "
            "`uv add --optional train 'distributed>=2026.8' 'optuna>=4.5'`"
        ) from None
    return distributed


def check_certificates(address: str) -> None:
    """Raise ContractError if Dask's settings lack a file that an address with `tls://` needs."""
    if not address.startswith("tls://"):
        return
    import dask

    import_distributed()  # which has the settings
    for key, variable in TLS.items():
        path = dask.config.get(f"distributed.comm.tls.{key}")
        if not path:
            raise ContractError(f"{address} needs certificates; set {variable} to the file of the cluster's {key}")
        if not Path(path).is_file():
            raise ContractError(f"{variable} is {path!r}: no such file")


def _parts(address: str) -> tuple[str, str | None, int | None]:
    try:
        found = urllib.parse.urlsplit(address)
        return found.scheme, found.hostname, found.port
    except ValueError:
        return "", None, None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
