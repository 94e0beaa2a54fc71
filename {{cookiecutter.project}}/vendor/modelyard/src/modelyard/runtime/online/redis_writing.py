"""Write an online store into Redis: under keys of its own, and then `PREFIX:version` names it.

So a reader sees the store before or the new one, and never a part of it.
"""

from __future__ import annotations

import itertools
import json
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from ...errors import ContractError
from .address import RedisAddress
from .redis_client import import_redis, redis_client, redis_told, set_name, start
from .redis_steps import EXACT
from .steps import Step, Steps

SECONDS = 60.0  # that the server may take for one answer
BLOCK = 10_000  # steps that are written at once
KEPT_SECONDS = 120  # after which a writer that was killed is forgotten


def write_redis(address: RedisAddress, definitions: Mapping[str, str], steps: Steps) -> dict[str, int]:
    """Write the steps of each feature and let them be the store; return how many each has.

    Raises ContractError if they cannot be written, or another is writing; the store that was there is then as before.
    """
    redis, client = import_redis(), redis_client(address, SECONDS)
    with redis_told(address, "written"):
        _check_keeps(client, address)
        lock = client.lock(f"{address.prefix}:writing", timeout=KEPT_SECONDS)
        if not lock.acquire(blocking=False):
            raise ContractError(
                f"{address} is being written by another `materialize`; one that was killed is forgotten after "
                f"{KEPT_SECONDS} s"
            )
        try:
            return _Written(client, address, lock.reacquire).put(definitions, steps)
        finally:
            with suppress(redis.RedisError):  # an error before says more
                lock.release()


class _Written:
    """A store that is being written. reacquire: goes on having the lock; raises if another has it by now."""

    def __init__(self, client: Any, address: RedisAddress, reacquire: Callable[[], object]) -> None:
        self._client, self._address, self._reacquire = client, address, reacquire
        self._version = secrets.token_hex(8).encode()

    def put(self, definitions: Mapping[str, str], steps: Steps) -> dict[str, int]:
        """Write all of it, and remove what was there, or what a writer that was killed has left."""
        try:
            counts = {name: self._feature(name, found) for name, found in steps.items()}
            self._reacquire()
            pipe = self._client.pipeline()
            pipe.set(f"{self._address.prefix}:version", self._version)
            pipe.delete(f"{self._address.prefix}:features")
            pipe.hset(f"{self._address.prefix}:features", mapping=dict(definitions))
            pipe.execute()
        except BaseException:
            with suppress(import_redis().RedisError):  # the next one removes it
                # an answer may be lost on the way, and the store be published all the same
                if self._client.get(f"{self._address.prefix}:version") != self._version:
                    self._remove(lambda key: key.startswith(self._start))
            raise
        self._remove(lambda key: not key.startswith(self._start))
        return counts

    @property
    def _start(self) -> bytes:
        return start(self._address, self._version).encode()

    def _feature(self, name: str, steps: Iterable[Step]) -> int:
        count, remaining = 0, iter(steps)
        while block := list(itertools.islice(remaining, BLOCK)):
            sets: dict[str, dict[str, int]] = defaultdict(dict)
            for entity, moment, value in block:
                if abs(moment) > EXACT:
                    raise ContractError(f"{name}: a record of {entity} has a time after the year 2255; Redis has none")
                sets[entity][f"{moment}:{json.dumps(value)}"] = moment
            pipe = self._client.pipeline(transaction=False)
            for entity, members in sets.items():
                pipe.zadd(set_name(self._address, self._version, name, entity), members)
            pipe.execute()
            self._reacquire()
            count += len(block)
        return count

    def _remove(self, is_old: Callable[[bytes], bool]) -> None:
        """Remove sorted sets of this prefix."""
        found = self._client.scan_iter(f"{self._address.prefix}:of:*", count=BLOCK)
        while some := list(itertools.islice(found, BLOCK)):
            if old := [key for key in some if is_old(key)]:
                self._client.unlink(*old)


def _check_keeps(client: Any, address: RedisAddress) -> None:
    """Raise ContractError if the server drops keys when its memory is full: values would be missing in silence."""
    policy = client.info("memory").get("maxmemory_policy", "noeviction")
    if policy.startswith("allkeys"):
        raise ContractError(
            f"{address} drops any key when its memory is full (maxmemory-policy {policy}), so values would be missing "
            "in silence: set maxmemory-policy noeviction, or one that begins with volatile"
        )
