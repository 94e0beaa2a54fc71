from __future__ import annotations

import asyncio

import pytest
from modelyard.serving.http.body import AT_ONCE, Bodies, Gone
from modelyard.serving.refusal import Refusal


def read(bodies, *messages, length=None, continues=False, sweep=False):
    """Read a body that comes as these messages; after them nothing comes."""
    waiting = list(messages)

    async def receive():
        if not waiting:
            await asyncio.sleep(60)
        return waiting.pop(0)

    async def run():
        task = asyncio.create_task(bodies.read(receive, length, continues))
        if sweep:
            await asyncio.sleep(0.05)
            bodies.sweep()
        return await task

    return asyncio.run(run()), len(waiting)


def part(body, more=True):
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_comes_whole_or_in_parts():
    bodies = Bodies(10)
    assert read(bodies, part(b"abc", False)) == (b"abc", 0)
    assert read(bodies, part(b"abc"), part(b""), part(b"def", False)) == (b"abcdef", 0)


@pytest.mark.parametrize("parts", [[b"x" * 11], [b"x" * 6, b"x" * 5]])
def test_one_byte_too_many_is_too_large_and_is_read_to_its_end(parts):
    messages = [part(body, place < len(parts) - 1) for place, body in enumerate(parts)]
    with pytest.raises(Refusal, match="larger than") as refused:
        read(Bodies(10), *messages)
    assert refused.value.status == 413


def test_what_never_ends_is_not_read_to_its_end():
    with pytest.raises(Refusal, match="larger than"):
        read(Bodies(10), *[part(b"x" * 10) for _ in range(6)])


def test_a_client_that_asks_before_it_sends_is_told_at_once():
    with pytest.raises(Refusal, match="larger than"):
        read(Bodies(10), length=b"11", continues=True)


def test_a_client_that_goes_away_gets_nothing():
    with pytest.raises(Gone):
        read(Bodies(10), part(b"abc"), {"type": "http.disconnect"})


@pytest.mark.parametrize("messages", [[], [part(b"abc")]])
def test_a_slow_body_is_ended(messages):
    with pytest.raises(Refusal, match=r"did not come within 0\.01 s") as refused:
        read(Bodies(10, 0.01), *messages, sweep=True)
    assert refused.value.status == 408
    assert (b"connection", b"close") in refused.value.headers


@pytest.mark.parametrize("length", [b"100000", None])
def test_a_large_body_that_finds_no_room_in_time_is_refused_and_leaves_no_trace(length):
    async def run():
        bodies = Bodies(100_000, 0.01)
        ends = asyncio.Event()
        never = asyncio.Event()

        def sends(*messages):
            waiting = list(messages)

            async def receive():
                return waiting.pop(0) if waiting else await never.wait()

            return receive

        async def answered(receive):
            try:
                await bodies.read(receive, length, False)
                await ends.wait()
            finally:
                bodies.done()

        messages = [part(b"x" * 70_000), part(b"x" * 30_000, False)]
        first = [asyncio.create_task(answered(sends(*messages))) for _ in range(AT_ONCE)]
        last = asyncio.create_task(answered(sends(*messages)))
        await asyncio.sleep(0.05)
        bodies.sweep()
        with pytest.raises(Refusal, match="too many large requests at once") as refused:
            await last
        assert refused.value.status == 503
        ends.set()
        await asyncio.gather(*first)
        await asyncio.wait_for(asyncio.gather(*[answered(sends(*messages)) for _ in range(AT_ONCE)]), 5)

    asyncio.run(run())


def test_a_body_that_is_said_to_be_too_large_is_never_kept():
    with pytest.raises(Refusal, match="larger than"):
        read(Bodies(10), part(b"x"), part(b"x", False), length=b"11")
    assert read(Bodies(10), part(b"x"), part(b"x", False), length=b"2") == (b"xx", 0)


def test_a_sweep_leaves_others_alone():
    async def run():
        bodies = Bodies(10, 60)
        waits = asyncio.Event()

        async def receive():
            await waits.wait()
            return part(b"abc", False)

        task = asyncio.create_task(bodies.read(receive, None, False))
        await asyncio.sleep(0)
        bodies.sweep()
        waits.set()
        return await task

    assert asyncio.run(run()) == b"abc"


def test_one_who_is_cancelled_by_others_is_cancelled():
    async def run():
        bodies = Bodies(10)
        task = asyncio.create_task(bodies.read(lambda: asyncio.sleep(60), None, False))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())
