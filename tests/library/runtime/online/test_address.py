from __future__ import annotations

import pytest
from modelyard.errors import ContractError
from modelyard.runtime.online.address import RedisAddress, redis_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("redis://localhost", RedisAddress("localhost", 6379, 0, "modelyard", False)),
        ("redis://10.0.0.7:7000/3?prefix=orders", RedisAddress("10.0.0.7", 7000, 3, "orders", False)),
        ("rediss://cache.example:6380/", RedisAddress("cache.example", 6380, 0, "modelyard", True)),
        ("redis://[::1]:6379/0", RedisAddress("::1", 6379, 0, "modelyard", False)),
    ],
)
def test_an_address_is_read(text, address):
    assert redis_address(text) == address
    assert redis_address(str(address)) == address


@pytest.mark.parametrize("text", ["reports/online.sqlite", "/data/online.sqlite", "redis:6379", "C:\\online.sqlite"])
def test_anything_without_a_scheme_is_a_file(text):
    assert redis_address(text) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("redis://ada:secret@host:1/0", "redis://host:1/0: a name and a password do not belong in the address"),
        ("redis://:secret@host", "set REDIS_USERNAME and REDIS_PASSWORD"),
        ("http://ada:secret@host/0", "http://host/0: an online store is a file or a Redis server"),
        ("redis://host:no/0", "write it as in redis://localhost:6379/0"),
        ("redis://host:99999/0", "write it as in redis://localhost:6379/0"),
        ("redis:///0", "the host is missing"),
        ("redis://host/zero", "'zero' is no number of a database"),
        ("redis://host/0?prefix=a:b", "prefix 'a:b' must be letters"),
        ("redis://host/0?prefix=", "prefix '' must be letters"),
        ("redis://host/0?timeout=3", "there is no setting 'timeout'"),
        ("redis://host/0#orders", "it has a fragment"),
    ],
)
def test_what_is_wrong_with_an_address_is_told_without_the_password(text, message):
    with pytest.raises(ContractError) as told:
        redis_address(text)
    assert message in str(told.value)
    assert "secret" not in str(told.value)
