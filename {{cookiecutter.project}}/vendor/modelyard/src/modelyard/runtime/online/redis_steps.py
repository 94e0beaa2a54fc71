"""Steps in Redis: a sorted set for each feature and entity, with the times as scores.

Each look-up asks, in one transaction, for the version of the store too, and so notices another in its place.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from ...errors import ContractError
from .address import RedisAddress
from .redis_client import redis_client, redis_told, set_name
from .steps import Check, StepKey

SECONDS = 0.1  # a request waits for it
BATCH = 1000  # keys that are asked for at once
EXACT = 2**53  # scores are doubles: whole numbers are exact up to this, which is the year 2255
REPLACED = 5  # times in a row that the store may be replaced between two questions


class RedisSteps:
    """The steps in a database of a Redis server."""

    def __init__(self, address: RedisAddress, check: Check) -> None:
        self._address, self._check = address, check
        self._client = redis_client(address, SECONDS)
        with redis_told(address, "read"):
            self._version = self._opened()

    def newest(self, keys: Sequence[StepKey]) -> list[tuple[object] | None]:
        """The values, as `StepStore` says."""
        found: list[tuple[object] | None] = []
        with redis_told(self._address, "read"):
            for begin in range(0, len(keys), BATCH):
                found += self._batch(keys[begin : begin + BATCH])
        return found

    def _batch(self, keys: Sequence[StepKey]) -> list[tuple[object] | None]:
        for _ in range(REPLACED):
            asked = self._version
            pipe = self._client.pipeline()
            pipe.get(f"{self._address.prefix}:version")
            for key in keys:
                name = set_name(self._address, asked, key.feature, key.entity)
                moment = max(min(key.moment, EXACT), -EXACT)
                pipe.zrange(name, moment, "-inf", desc=True, byscore=True, offset=0, num=1)
            version, *members = pipe.execute()
            if version == asked:
                return [(json.loads(some[0].partition(b":")[2]),) if some else None for some in members]
            self._version = self._opened()
        raise ContractError(f"the online store {self._address} is replaced again and again; look who does it")

    def _opened(self) -> bytes:
        """The version that is there, if its definitions are those of the contract."""
        pipe = self._client.pipeline()
        pipe.get(f"{self._address.prefix}:version")
        pipe.hgetall(f"{self._address.prefix}:features")
        version, features = pipe.execute()
        if version is None:
            raise ContractError(f"there is no online store at {self._address}; make it with `materialize`")
        self._check({name.decode(): made.decode() for name, made in features.items()})
        opened: bytes = version
        return opened
