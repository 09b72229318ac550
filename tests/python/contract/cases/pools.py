"""Pools: their order, their limit, and what becomes of their tasks."""

import trireme

from .support import SHORT, case, fail, is_cancelled, raises, within


@case
async def pool_map_order(rt):
    gate = rt.event()

    async def work(number):
        if number == 0:
            await gate.wait()
        if number == 5:
            gate.set()
        return number * 10

    pool = rt.pool(6)
    assert await pool.map(work, range(6)) == [0, 10, 20, 30, 40, 50]
    await pool.join()


@case
async def pool_cap(rt):
    now, most = [0], [0]
    full = rt.event()

    async def work(_):
        now[0] += 1
        most[0] = max(most[0], now[0])
        if now[0] == 3:
            full.set()
        await full.wait()
        await rt.sleep(0.002)
        now[0] -= 1

    pool = rt.pool(3)
    await pool.map(work, range(12))
    await pool.join()
    assert most == [3]


@case
async def pool_of_no_place(rt):
    refused = None
    try:
        rt.pool(0)
    except ValueError as error:
        refused = str(error)
    assert refused is not None and "pool(0)" in refused


@case
async def pool_submit_result(rt):
    pool = rt.pool(2)
    good, bad = await pool.submit(lambda x: x + 1, 1), await pool.submit(fail, "bad")
    assert await good.join() == 2
    assert str(await raises(ValueError, bad.join())) == "bad"
    await pool.join()


@case
async def pool_join_waits(rt):
    pool, seen = rt.pool(2), []

    async def work():
        await rt.sleep(0.01)
        seen.append(True)

    for _ in range(4):
        await pool.submit(work)
    await pool.join()
    assert len(seen) == 4
    await (await pool.submit(work)).join()
    await pool.join()


@case
async def pool_map_raises_first(rt):
    gate, seen = rt.event(), []

    async def work(number):
        if number == 1:
            await gate.wait()
            raise ValueError("one")
        if number == 2:
            gate.set()
            raise ValueError("two")
        await rt.sleep(0.01)
        seen.append(number)

    pool = rt.pool(4)
    assert str(await raises(ValueError, pool.map(work, range(4)))) == "one"
    assert sorted(seen) == [0, 3]
    await pool.join()


@case
async def pool_map_of_nothing(rt):
    pool = rt.pool(2)
    assert await pool.map(fail, []) == []
    await pool.join()


def lasting(rt):
    """A function that waits for ever and takes its time to clean up, and the items that began and ended in it."""
    began, ended, never = [], [], rt.event()

    async def last(item):
        began.append(item)
        try:
            await never.wait()
        finally:
            await rt.sleep(0.01)
            ended.append(item)

    return last, began, ended


@case
async def pool_map_cancelled_ends_its_tasks(rt):
    for items in (2, 3):  # the third waits for a place, or its task does
        last, began, ended = lasting(rt)
        pool, left = rt.pool(2), []

        async def map_all(pool=pool, last=last, items=items, ended=ended, left=left):
            try:
                await pool.map(last, range(items))
            finally:
                left.extend(ended)

        mapper = rt.spawn(map_all)
        await rt.settle()
        mapper.cancel()
        await is_cancelled(mapper)
        assert sorted(began) == sorted(left) == [0, 1]
        await pool.join()


@case
async def pool_map_late_ends_its_tasks(rt):
    last, began, ended = lasting(rt)
    pool = rt.pool(2)
    await raises(trireme.TimeoutExpired, within(rt, SHORT, lambda: pool.map(last, range(2))))
    assert sorted(began) == sorted(ended)  # a busy machine may not have begun them all
    await pool.join()
