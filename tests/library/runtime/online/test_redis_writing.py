"""Steps in a real Redis server: the same values as from a file, and a writer that fails leaves what was there."""

from __future__ import annotations

import signal
import subprocess
import sys

import numpy as np
import pytest
from modelyard.errors import ContractError
from modelyard.runtime.online.address import redis_address
from modelyard.runtime.online.file_steps import FileSteps, write_file
from modelyard.runtime.online.redis_steps import EXACT, RedisSteps
from modelyard.runtime.online.redis_writing import write_redis
from modelyard.runtime.online.steps import StepKey
from redis_server import needs_redis, redis_server

pytestmark = needs_redis
DEFINITIONS = {"mean": "1", "way": "2"}
ENTITIES = ['["north"]', '["süd:1"]', "[7, true]"]
STEPS = {
    "mean": [('["a"]', 0, 1.5), ('["a"]', 10, None), ('["a"]', 20, 0.1 + 0.2)],
    "way": [('["a"]', -5, "post"), ('["b"]', 3, True)],
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with redis_server(tmp_path_factory.mktemp("redis")) as started, pytest.MonkeyPatch.context() as patch:
        patch.setenv("REDIS_PASSWORD", started.password)
        yield started


def any_definition(_):
    """A check that takes every store."""


def keys(server, prefix):
    return sorted({key.decode() for key in server.client.scan_iter(f"{prefix}:*")})  # SCAN may give one twice


def drawn():
    """Random steps of some entities, the latest as late as Redis can tell times apart."""
    draw = np.random.default_rng(5)
    steps = []
    for entity in ENTITIES:
        moments = sorted({*draw.integers(-EXACT, EXACT, 400).tolist(), EXACT - 1, EXACT})
        values = [None, *draw.normal(0, 1e6, 200).tolist(), *range(9)]
        steps += [(entity, moment, values[draw.integers(len(values))]) for moment in moments]
    return {"mean": steps, "way": []}


def test_random_steps_are_looked_up_as_from_a_file(server, tmp_path):
    steps = drawn()
    address = redis_address(server.address("random"))
    assert write_redis(address, DEFINITIONS, steps) == write_file(tmp_path / "s", DEFINITIONS, steps)
    draw = np.random.default_rng(6)
    moments = [moment + near for _, moment, _ in steps["mean"] for near in (-1, 0, 1)]
    moments += draw.integers(-2 * EXACT, 2 * EXACT, 500).tolist()
    names = [*ENTITIES, "[0]"]
    asked = [StepKey("way" if draw.random() < 0.1 else "mean", names[draw.integers(4)], moment) for moment in moments]
    found = RedisSteps(address, any_definition).newest(asked)
    assert found == FileSteps(tmp_path / "s", any_definition).newest(asked)
    assert sum(one is not None for one in found) > 1000
    assert [type(one[0]) for one in found if one] == [
        type(one[0]) for one in FileSteps(tmp_path / "s", any_definition).newest(asked) if one
    ]


def test_a_store_replaces_the_one_before_and_nothing_of_it_stays(server):
    address = redis_address(server.address("replaced"))
    write_redis(address, DEFINITIONS, STEPS)
    opened = RedisSteps(address, any_definition)
    asked = [StepKey("mean", '["a"]', 12), StepKey("way", '["a"]', 0), StepKey("way", '["b"]', 2)]
    assert opened.newest(asked) == [(None,), ("post",), None]
    write_redis(address, DEFINITIONS, {"mean": [('["a"]', 11, 4.0)], "way": []})
    assert opened.newest(asked) == [(4.0,), None, None]
    assert len(keys(server, "replaced")) == 3


def test_stores_of_other_prefixes_are_left_alone(server):
    write_redis(redis_address(server.address("one")), DEFINITIONS, STEPS)
    before = keys(server, "one")
    write_redis(redis_address(server.address("o")), DEFINITIONS, STEPS)
    write_redis(redis_address(server.address("one.more")), DEFINITIONS, {"mean": [], "way": []})
    assert keys(server, "one") == before


def test_records_that_cannot_be_read_leave_the_store_as_it_was(server):
    address = redis_address(server.address("failing"))
    write_redis(address, DEFINITIONS, STEPS)
    before = keys(server, "failing")

    def steps():
        yield '["a"]', 1, 1.0
        raise ContractError("the records end in the middle")

    with pytest.raises(ContractError, match="in the middle"):
        write_redis(address, DEFINITIONS, {"mean": STEPS["mean"], "way": steps()})
    with pytest.raises(ContractError, match="after the year 2255"):
        write_redis(address, DEFINITIONS, {"mean": STEPS["mean"], "way": [('["a"]', EXACT + 1, 1.0)]})
    assert keys(server, "failing") == before


def test_a_second_writer_is_refused_and_what_a_killed_one_has_left_is_removed(server):
    address = redis_address(server.address("killed"))
    code = f"""
import itertools, time
from modelyard.runtime.online.address import redis_address
from modelyard.runtime.online.redis_writing import write_redis
def steps():
    yield from (('["a"]', moment, 1.0) for moment in range(20_000))
    print("written", flush=True)
    time.sleep(60)
    yield '["a"]', 20_000, 1.0
write_redis(redis_address({server.address("killed")!r}), {DEFINITIONS!r}, {{"mean": steps()}})
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as writer:
        assert writer.stdout.readline() == b"written\n"
        with pytest.raises(ContractError, match="is being written by another `materialize`"):
            write_redis(address, DEFINITIONS, STEPS)
        writer.send_signal(signal.SIGKILL)
    with pytest.raises(ContractError, match="there is no online store at redis://"):
        RedisSteps(address, any_definition)
    assert 0 < server.client.pttl("killed:writing") <= 120_000
    server.client.delete("killed:writing")  # as the server does when that time is over
    write_redis(address, DEFINITIONS, STEPS)
    assert len(keys(server, "killed")) == 2 + 3


def test_a_writer_that_slept_until_another_began_publishes_nothing(server):
    address = redis_address(server.address("slept"))
    write_redis(address, DEFINITIONS, STEPS)
    before = keys(server, "slept")

    def steps():
        yield '["a"]', 1, 1.0
        server.client.set("slept:writing", "another")

    with pytest.raises(ContractError, match="cannot be written"):
        write_redis(address, DEFINITIONS, {"mean": steps(), "way": []})
    assert server.client.get("slept:writing") == b"another"
    server.client.delete("slept:writing")
    assert keys(server, "slept") == before


def test_a_server_that_is_full_keeps_what_was_there(tmp_path, monkeypatch):
    with redis_server(tmp_path, "--maxmemory", "4mb") as small:
        monkeypatch.setenv("REDIS_PASSWORD", small.password)
        address = redis_address(small.address("full"))
        write_redis(address, DEFINITIONS, STEPS)
        before = keys(small, "full")
        many = ((f'["Ada {number}"]', number, 1.0) for number in range(200_000))
        with pytest.raises(
            ContractError, match=r"written: command not allowed .*; give the server memory for two"
        ) as told:
            write_redis(address, DEFINITIONS, {"mean": many})
        assert "Ada" not in str(told.value)
        assert keys(small, "full") == before


def test_a_server_that_drops_keys_is_refused(tmp_path, monkeypatch):
    with redis_server(tmp_path, "--maxmemory-policy", "allkeys-lru") as dropping:
        monkeypatch.setenv("REDIS_PASSWORD", dropping.password)
        with pytest.raises(ContractError, match=r"drops any key .* set maxmemory-policy noeviction"):
            write_redis(redis_address(dropping.address("any")), DEFINITIONS, STEPS)


def test_a_wrong_password_and_no_server_are_told(server, monkeypatch):
    address = redis_address(server.address("any"))
    monkeypatch.setenv("REDIS_PASSWORD", "wrong")
    with pytest.raises(ContractError, match=r"cannot be read: .*(WRONGPASS|invalid username-password)"):
        RedisSteps(address, any_definition)
    with pytest.raises(ContractError, match="cannot be written"):
        write_redis(address, DEFINITIONS, STEPS)
    with pytest.raises(ContractError, match=r"cannot be read: .* set REDIS_USERNAME and REDIS_PASSWORD"):
        RedisSteps(address, any_definition)
    monkeypatch.delenv("REDIS_PASSWORD")
    with pytest.raises(ContractError, match=r"cannot be read: .* set REDIS_USERNAME and REDIS_PASSWORD"):
        RedisSteps(address, any_definition)
    with pytest.raises(ContractError, match=r"cannot be read: .* see whether the server runs"):
        RedisSteps(redis_address("redis://127.0.0.1:1"), any_definition)


def test_without_the_package_the_command_that_adds_it_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ContractError, match="uv add --optional serve 'redis>=7,<9'"):
        RedisSteps(redis_address("redis://localhost"), any_definition)
