"""The error of a deployment."""

from __future__ import annotations

from ..errors import YardError


class DeployError(YardError):
    """A failed request to a host or a cluster: what was requested, the answer, and what to do."""
