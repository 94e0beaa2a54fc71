"""What goes wrong in a deployment."""

from __future__ import annotations

from ..runtime.contract import ContractError


class DeployError(ContractError):
    """What was asked of a host or a cluster, what it said, and what to do."""
