"""All models in service."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from ...errors import ContractError
from ...runtime.project import Project
from ..config import Config
from ..log.metrics import Metrics
from ..log.prediction_log import PredictionLog
from .live import Live

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Models:
    """All models in service; a reload creates a new object."""

    project: Project
    config: Config
    live: Mapping[str, Live]

    @classmethod
    def load(cls, project: Project, config: Config, metrics: Metrics, log: PredictionLog | None) -> Models:
        """Load the bundles of all models. Raises ContractError as `Served` does, or because of any other fault."""
        try:
            return cls(project, config, {name: Live(project, name, config, metrics, log) for name in config.models})
        except ContractError:
            raise
        except Exception as error:
            _log.exception("the bundles cannot be loaded")
            raise ContractError(f"the bundles cannot be loaded: {type(error).__name__}: {error}") from error

    def bundles(self) -> dict[str, str]:
        """The first 12 digits of the hash of each model's bundle."""
        return {name: live.served.bundle for name, live in self.live.items()}

    def announce(self, answers: bool) -> None:
        """Set in the metrics whether these bundles are in service."""
        for live in self.live.values():
            live.announce(answers)

    def close(self) -> None:
        """Stop the background threads."""
        for live in self.live.values():
            live.served.close()
