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


@pytest.mark.parametrize("large", [False, True])
def test_a_call_runs_in_another_thread_and_its_result_and_error_come_back(apart, large):
    def fail():
        raise KeyError("x")

    assert asyncio.run(apart.run(threading.current_thread, large)) is not threading.current_thread()
    with pytest.raises(KeyError, match="x"):
        asyncio.run(apart.run(fail, large))
    assert asyncio.run(apart.run(lambda: 1, large)) == 1


def test_how_long_a_call_runs_is_known_while_it_does(apart):
    ends = threading.Event()

    async def run():
        call = asyncio.ensure_future(apart.run(ends.wait, False))
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


def test_cycles_are_not_searched_for_during_a_large_call(apart):
    assert gc.isenabled()
    assert asyncio.run(apart.run(gc.isenabled, False)) is True
    assert asyncio.run(apart.run(gc.isenabled, True)) is False
    assert gc.isenabled()
    gc.disable()
    try:
        asyncio.run(apart.run(int, True))
        assert not gc.isenabled()
    finally:
        gc.enable()


HOLDS = """
import asyncio, sys, time
from modelyard.serving.http.apart import Apart
asyncio.run(Apart(int(sys.argv[1])).run(lambda: (print("begun", flush=True), time.sleep(60)), True))
"""


def test_large_calls_of_two_processes_take_turns_and_one_that_is_killed_gives_its_turn_away():
    lock = turns()
    command = [sys.executable, "-c", HOLDS, str(lock)]
    other = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, pass_fds=[lock])
    apart = Apart(lock)
    try:
        assert other.stdout
        assert other.stdout.readline() == "begun\n"
        assert asyncio.run(apart.run(lambda: 1, False)) == 1  # what is not large waits for nobody

        async def run():
            call = asyncio.ensure_future(apart.run(lambda: 2, True))
            await asyncio.sleep(0.1)
            assert (call.done(), apart.seconds) == (False, 0.0)
            other.kill()
            assert await call == 2

        asyncio.run(asyncio.wait_for(run(), 30))
    finally:
        other.kill()
        other.communicate()
        apart.close()
