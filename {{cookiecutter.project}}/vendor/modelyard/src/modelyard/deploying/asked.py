"""What a person or a workflow asks of `ops deploy`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Asked:
    """An action on a stage of the project, and what goes with it.

    by: who asks. image: to deploy, None where none was named. headers: what lets us ask the service. probe: rows to
    ask, and their answers, where the image's own will not do. keys: the text of the service's keys file, None where it
    stays as it is. wait: seconds to wait for another deployment to end.
    """

    action: str
    project: str
    by: str
    image: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    probe: Mapping[str, Any] | None = None
    keys: str | None = field(default=None, repr=False)
    wait: float = 0.0

    @property
    def holder(self) -> dict[str, str] | None:
        """Who holds the stage's lock; None where only a question is asked."""
        return None if self.action in ("status", "smoke") else {"action": self.action, "by": self.by}
