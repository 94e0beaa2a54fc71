"""What a person or a workflow asks of the verb `deploy`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class DeployRequest:
    """An action on a stage of the project, with its options.

    actor: who asks. image: to deploy, None if none was named. headers: the credentials for the service. probe: rows and
    their answers, to use instead of the image's own. keys: the text of the service's keys file, None to keep the
    current one. wait: seconds to wait for another deployment to end.
    """

    action: str
    project: str
    actor: str
    image: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    probe: Mapping[str, Any] | None = None
    keys: str | None = field(default=None, repr=False)
    wait: float = 0.0

    @property
    def holder(self) -> dict[str, str] | None:
        """The holder of the stage's lock; None for an action that changes nothing."""
        return None if self.action in ("status", "smoke") else {"action": self.action, "by": self.actor}
