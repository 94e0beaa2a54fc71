from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading

import pytest
from modelyard.serving.http.apart import Apart
from modelyard.serving.process.turns import turns


@pytest.fixture
def apart():
    one = Apart(turns())
    yield one
    one.close()


def test_a_call_runs_in_another_thread_and_its_result_and_error_come_back(apart):
    def fail():
        raise KeyError("x")

    assert asyncio.run(apart.run(threading.current_thread)) is not threading.current_thread()
    with pytest.raises(KeyError, match="x"):
        asyncio.run(apart.run(fail))
    assert asyncio.run(apart.run(lambda: 1)) == 1


def test_how_long_a_call_runs_is_known_while_it_does(apart):
    ends = threading.Event()

    async def run():
        call = asyncio.ensure_future(apart.run(ends.wait))
        while not apart.seconds:
            await asyncio.sleep(0.001)
        before = apart.seconds
        await asyncio.sleep(0.01)
        assert apart.seconds > before
        ends.set()
        await call

    assert apart.seconds == 0.0
    asyncio.run(asyncio.wait_for(run(), 30))
    assert apart.seconds == 0.0


async def alone(apart, call):
    async with apart.alone():
        return await apart.run(call)


def test_cycles_are_not_searched_for_during_a_large_request(apart):
    assert gc.isenabled()
    assert asyncio.run(apart.run(gc.isenabled)) is True
    assert asyncio.run(alone(apart, gc.isenabled)) is False
    assert gc.isenabled()
    gc.disable()
    try:
        asyncio.run(alone(apart, int))
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_large_requests_of_one_process_take_turns_until_the_end_of_each(apart):
    told = []

    async def request(name):
        async with apart.alone():
            await apart.run(lambda: told.append(f"{name} is answered"))
            await asyncio.sleep(0.01)
            told.append(f"{name} is logged")

    async def both():
        await asyncio.gather(request("one"), request("two"))

    asyncio.run(asyncio.wait_for(both(), 30))
    assert told == ["one is answered", "one is logged", "two is answered", "two is logged"]


def test_a_large_request_that_fails_or_is_cancelled_gives_its_turn_away(apart):
    async def run():
        with pytest.raises(KeyError):
            await alone(apart, lambda: {}["x"])
        async with apart.alone():
            waiting = asyncio.ensure_future(alone(apart, int))
            await asyncio.sleep(0.01)
            waiting.cancel()
        assert await alone(apart, lambda: 3) == 3

    asyncio.run(asyncio.wait_for(run(), 30))


HOLDS = """
import asyncio, sys
from modelyard.serving.http.apart import Apart

async def hold():
    async with Apart(int(sys.argv[1])).alone():
        print("begun", flush=True)
        await asyncio.sleep(60)

asyncio.run(hold())
"""


def test_large_calls_of_two_processes_take_turns_and_one_that_is_killed_gives_its_turn_away():
    lock = turns()
    command = [sys.executable, "-c", HOLDS, str(lock)]
    other = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, pass_fds=[lock])
    apart = Apart(lock)
    try:
        assert other.stdout
        assert other.stdout.readline() == "begun\n"
        assert asyncio.run(apart.run(lambda: 1)) == 1  # what is not large waits for nobody

        async def run():
            call = asyncio.ensure_future(alone(apart, lambda: 2))
            await asyncio.sleep(0.1)
            assert (call.done(), apart.seconds) == (False, 0.0)
            other.kill()
            assert await call == 2

        asyncio.run(asyncio.wait_for(run(), 30))
    finally:
        other.kill()
        other.communicate()
        apart.close()
