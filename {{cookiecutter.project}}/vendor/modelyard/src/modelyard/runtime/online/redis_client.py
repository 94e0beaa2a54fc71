"""The Redis client, redis-py, and what its errors mean for an online store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from ...errors import ContractError
from .address import RedisAddress


def import_redis() -> ModuleType:
    """The client's package. Raises ContractError, with the command that adds it, if it is not installed."""
    try:
        import redis
    except ImportError:
        raise ContractError(
            "an online store in Redis needs the package redis, which is not installed; add it with "
            "`uv add --optional serve 'redis>=7,<9'`, and to `train` for `materialize`"
        ) from None
    return redis


def redis_client(address: RedisAddress, seconds: float) -> Any:
    """A client, not yet connected. seconds: how long it waits for a connection, and for each answer."""
    redis = import_redis()
    return redis.Redis(
        address.host,
        address.port,
        address.database,
        username=os.environ.get("REDIS_USERNAME") or None,
        password=os.environ.get("REDIS_PASSWORD") or None,
        ssl=address.tls,
        protocol=2,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0),  # a request waits; closed connections are noticed before
    )


@contextmanager
def redis_told(address: RedisAddress, done: str) -> Iterator[None]:
    """Raise errors of the client as ContractError. done: what cannot be done, such as `read`."""
    redis = import_redis()
    try:
        yield
    except redis.RedisError as error:
        # before this, the client shows the command, with an entity and its value
        said = str(error).rpartition("of pipeline caused error: ")[2].rstrip(".")
        raise ContractError(f"the online store {address} cannot be {done}: {said}; {_advice(error)}") from None


def _advice(error: Exception) -> str:
    redis = import_redis()
    if isinstance(error, redis.AuthenticationError | redis.exceptions.NoPermissionError):
        return "set REDIS_USERNAME and REDIS_PASSWORD to those of a user who may"
    if isinstance(error, redis.exceptions.OutOfMemoryError):
        return "give the server memory for two stores, as a new one is written beside the one before"
    if isinstance(error, redis.ConnectionError | redis.TimeoutError):
        return "see whether the server runs, and can be reached from here"
    return "see what the server's log says"


def set_name(address: RedisAddress, version: bytes, feature: str, entity: str) -> str:
    """The key of the sorted set of an entity's steps."""
    return f"{start(address, version)}{feature}:{entity}"


def start(address: RedisAddress, version: bytes) -> str:
    """What the keys of a version's sorted sets begin with."""
    return f"{address.prefix}:of:{version.decode()}:"
