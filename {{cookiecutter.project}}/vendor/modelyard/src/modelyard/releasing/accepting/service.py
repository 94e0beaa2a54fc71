"""A running service as its clients see it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ...errors import ContractError

TIMEOUT = 30.0  # seconds for one answer


@dataclass(frozen=True)
class RunningService:
    """The address of a service. headers: the credentials."""

    host: str
    port: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.host}:{self.port}"

    def connect(self) -> ServiceClient:
        """A client of it."""
        return ServiceClient(self)


class ServiceClient:
    """Sends requests over one connection, which is reopened if the service has closed it."""

    def __init__(self, service: RunningService) -> None:
        self._service = service
        self._connection = http.client.HTTPConnection(service.host, service.port, timeout=TIMEOUT)

    def ask(self, path: str, content: Any = None) -> tuple[int, Any]:
        """Send a GET, or a POST if there is content. Returns the status and the parsed answer (None if it is no JSON).

        Raises OSError or http.client.HTTPException where no answer comes.
        """
        body = None if content is None else json.dumps(content).encode()
        kind = {} if body is None else {"content-type": "application/json"}
        try:
            self._connection.request("GET" if body is None else "POST", path, body, {**self._service.headers, **kind})
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()  # the next request must not go to what is left of this one
            raise
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, None

    def must(self, path: str, content: Any = None) -> tuple[int, Any]:
        """As `ask`. Raises ContractError where no answer comes."""
        try:
            return self.ask(path, content)
        except (OSError, http.client.HTTPException) as error:
            raise ContractError(f"{path} was not answered: {type(error).__name__}: {error}") from None

    def close(self) -> None:
        """End the connection."""
        self._connection.close()
