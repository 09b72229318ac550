"""Locks, semaphores, conditions, events and queues."""

from .support import case, raises


@case
async def lock_excludes(rt):
    lock, counter = rt.lock(), [0]

    async def add():
        for _ in range(20):
            async with lock:
                value = counter[0]
                await rt.checkpoint()
                counter[0] = value + 1

    await rt.gather(rt.spawn(add), rt.spawn(add))
    assert counter == [40]


@case
async def lock_released_by_exception(rt):
    lock = rt.lock()

    async def broken():
        async with lock:
            raise ValueError

    await raises(ValueError, broken())
    async with lock:
        pass


@case
async def rlock_reenters(rt):
    lock = rt.rlock()
    inside = []

    async def other():
        async with lock:
            inside.append(True)

    async with lock:
        async with lock:
            task = rt.spawn(other)
            await rt.settle()
        await rt.settle()
        assert not inside
    await task.join()
    assert inside


@case
async def semaphore_counts(rt):
    semaphore, inside, gate = rt.semaphore(2), [], rt.event()

    async def enter(number):
        async with semaphore:
            inside.append(number)
            await gate.wait()

    tasks = [rt.spawn(enter, number) for number in range(3)]
    await rt.settle()
    assert len(inside) == 2
    gate.set()
    await rt.gather(*tasks)
    assert len(inside) == 3


@case
async def condition_notify_one(rt):
    condition, woken = rt.condition(), []

    async def waits(number):
        async with condition:
            await condition.wait()
            woken.append(number)

    tasks = [rt.spawn(waits, number) for number in range(3)]
    await rt.settle()
    async with condition:
        condition.notify()
    await rt.settle()
    assert len(woken) == 1
    async with condition:
        condition.notify_all()
    await rt.gather(*tasks)
    assert len(woken) == 3


@case
async def event_set_wakes_all(rt):
    event = rt.event()
    tasks = [rt.spawn(event.wait) for _ in range(3)]
    await rt.settle()
    event.set()
    await rt.gather(*tasks)
    await event.wait()
    assert event.is_set()
    event.clear()
    task = rt.spawn(event.wait)
    await rt.settle()
    assert not task.done()
    event.set()
    await task.join()


@case
async def queue_fifo(rt):
    queue = rt.queue()
    for number in range(5):
        await queue.put(number)
    assert [await queue.get() for _ in range(5)] == [0, 1, 2, 3, 4]


@case
async def queue_put_blocks_when_full(rt):
    queue = rt.queue(2)
    await queue.put(1)
    await queue.put(2)
    task = rt.spawn(queue.put, 3)
    await rt.settle()
    assert not task.done()
    assert await queue.get() == 1
    await task.join()
    assert [await queue.get(), await queue.get()] == [2, 3]
