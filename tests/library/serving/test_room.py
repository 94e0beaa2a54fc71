from __future__ import annotations

import asyncio

import pytest
from modelyard.serving.http.room import SMALL, WAITING, Room
from modelyard.serving.refusal import Refusal

LARGE = SMALL + 1


async def hold(room: Room, size: int, entered: list[int], ends: asyncio.Event) -> None:
    try:
        await room.take(size)
        entered.append(size)
        await ends.wait()
    finally:
        room.leave()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_who_finds_no_room_waits_and_nobody_overtakes():
    async def run() -> None:
        room, entered = Room(2 * LARGE), []
        ends = [asyncio.Event() for _ in range(4)]
        sizes = (LARGE, LARGE + 1, LARGE, SMALL)
        tasks = [asyncio.create_task(hold(room, size, entered, end)) for size, end in zip(sizes, ends, strict=True)]
        await settle()
        assert entered == [LARGE, SMALL]  # what is small is not counted, and the third waits behind the second
        assert [room.waits(task) for task in tasks] == [False, True, True, False]
        ends[0].set()
        await settle()
        assert entered == [LARGE, SMALL, LARGE + 1]
        ends[1].set()
        await settle()
        assert entered == [LARGE, SMALL, LARGE + 1, LARGE]
        for end in ends:
            end.set()
        await asyncio.gather(*tasks)
        await asyncio.wait_for(room.take(2 * LARGE), 1)

    asyncio.run(run())


@pytest.mark.parametrize("when", ["while it waits", "when it may enter"])
def test_one_who_goes_away_leaves_room_to_the_others(when):
    async def run() -> None:
        room, entered = Room(LARGE), []
        first, second, third = (asyncio.Event() for _ in range(3))
        tasks = [asyncio.create_task(hold(room, LARGE, entered, end)) for end in (first, second, third)]
        await settle()
        if when == "while it waits":
            tasks[1].cancel()
            await settle()
            first.set()
        else:
            first.set()
            await asyncio.sleep(0)  # the first leaves, and the second has not run yet
            tasks[1].cancel()
        await settle()
        assert len(entered) == 2
        third.set()
        assert [type(one) for one in await asyncio.gather(*tasks, return_exceptions=True)][1] is asyncio.CancelledError
        await asyncio.wait_for(room.take(LARGE), 1)

    asyncio.run(run())


def test_a_request_takes_its_room_once():
    async def run() -> None:
        room = Room(LARGE)
        await room.take(LARGE)
        await room.take(LARGE)
        room.leave()
        room.leave()
        await room.take(LARGE)

    asyncio.run(asyncio.wait_for(run(), 1))


def test_no_more_than_so_many_wait():
    async def run() -> None:
        room, entered, ends = Room(LARGE), [], asyncio.Event()
        tasks = [asyncio.create_task(hold(room, LARGE, entered, ends)) for _ in range(WAITING + 1)]
        await settle()
        with pytest.raises(Refusal, match="too many large requests at once") as refused:
            await room.take(LARGE)
        assert (refused.value.status, (b"retry-after", b"1") in refused.value.headers) == (503, True)
        ends.set()
        await asyncio.gather(*tasks)
        assert len(entered) == WAITING + 1

    asyncio.run(run())
