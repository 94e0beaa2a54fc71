"""Whether requests may come: a service with several processes is ready when all of them are."""

from __future__ import annotations

from ..access.access import Access
from ..log.metrics import Metrics


class OidcReadiness:
    """Whether all workers have the keys of the provider; whichever is asked answers for all."""

    def __init__(self, access: Access, metrics: Metrics, workers: int) -> None:
        self._access, self._metrics, self._workers = access, metrics, workers
        self._put = metrics.level("oidc_ready_workers")
        self.publish()

    def publish(self) -> None:
        """Tell the other workers whether this one has them; to be called once a second."""
        self._put(float(self._access.has_keys()))

    def everywhere(self) -> bool:
        """Whether all have them."""
        self.publish()
        return self._metrics.total("oidc_ready_workers") >= self._workers
