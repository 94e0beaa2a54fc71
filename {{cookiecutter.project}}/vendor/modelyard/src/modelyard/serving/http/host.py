"""The header `Host`: one, and only one, names the service (RFC 9112, section 3.2)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..refusal import Refusal

HOST = re.compile(rb"[A-Za-z0-9._~%!$&'()*+,;=:\[\]-]*")


def check_hosts(hosts: Sequence[bytes], version: str) -> None:
    """Raise Refusal unless a request has one valid `Host`; before HTTP/1.1 it may have none.

    What stands between client and service may choose another of two than the service does.
    """
    if not hosts and version in ("0.9", "1.0"):
        return
    if len(hosts) != 1:
        found = "none" if not hosts else str(len(hosts))
        detail = f"a request must have one header `Host`, and this one has {found}"
    elif not HOST.fullmatch(hosts[0]):
        detail = "the header `Host` is no name and port"
    else:
        return
    raise Refusal(400, "bad host", detail, headers=[(b"connection", b"close")])
