"""Workloads whose recorded locks, queues, pools and streams test_what_tasks_wait_for.py looks at.

Each makes one of them, and the tasks 1.1, 1.2, ... do things to it in an order that settle() makes certain.
"""

import trireme

SHORT = 0.02
CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


async def main(rt, params):
    await CASES[params["case"]](rt)


async def hold(lock):
    async with lock:
        pass


async def blocked(rt, fn, *args):
    """A task that is blocked in a call by now."""
    task = rt.spawn(fn, *args)
    await rt.settle()
    assert not task.done()
    return task


async def stopped(task):
    task.cancel()
    await is_cancelled(task)


async def is_cancelled(task):
    try:
        await task.join()
    except trireme.Cancelled:
        return
    raise AssertionError("it was not cancelled")


def refuses(call):
    try:
        call()
    except RuntimeError:
        return
    raise AssertionError("it was allowed")


@case
async def everything_has_a_number(rt):
    rt.lock()
    rt.rlock()
    rt.semaphore(3)
    rt.condition()
    rt.event()
    rt.queue()
    rt.queue(5)
    rt.pool(2)
    listener = await rt.listen()
    one, other = await rt.socketpair()
    for each in (listener, one, other):
        each.close()


@case
async def plain_function_is_the_place(rt):
    def make():
        rt.blocking.lock()

    await rt._backend.run_plain(make, ())


@case
async def lock_alone(rt):
    lock = rt.lock()
    await lock.acquire()
    lock.release()
    await hold(lock)


@case
async def lock_contended(rt):
    lock = rt.lock()
    await lock.acquire()
    task = await blocked(rt, hold, lock)
    lock.release()
    await task.join()


@case
async def lock_cancelled(rt):
    lock = rt.lock()
    await lock.acquire()
    await stopped(await blocked(rt, hold, lock))
    lock.release()


@case
async def lock_timed_out(rt):
    async def wait(lock, seconds):
        try:
            async with rt.timeout(seconds):
                await lock.acquire()
        except trireme.TimeoutExpired:
            pass

    seconds = SHORT
    while True:
        lock = rt.lock()
        await lock.acquire()
        task = rt.spawn(wait, lock, seconds)
        await rt.settle()
        if not task.done():  # else the time was over before it waited, since the machine is busy
            break
        seconds *= 2
    await task.join()
    lock.release()


@case
async def lock_within_two_timeouts(rt):
    lock = rt.lock()
    await lock.acquire()

    async def wait():
        async with rt.timeout(1000), rt.timeout(2000):
            await hold(lock)
        await hold(lock)

    task = await blocked(rt, wait)
    lock.release()
    await task.join()


@case
async def condition_within_a_timeout(rt):
    condition = rt.condition()

    async def wait():
        async with rt.timeout(1000):
            await wait_for(condition)

    task = await blocked(rt, wait)
    async with condition:
        condition.notify()
        await rt.settle()  # it waits for its lock
    await task.join()


@case
async def lock_released_too_often(rt):
    lock = rt.lock()
    refuses(lock.release)
    await hold(lock)
    refuses(lock.release)


@case
async def rlock_levels(rt):
    lock = rt.rlock()
    await lock.acquire()
    await lock.acquire()
    await rt.spawn(refuses, lock.release).join()
    lock.release()
    lock.release()
    refuses(lock.release)


@case
async def semaphore_permits(rt):
    semaphore = rt.semaphore(1)
    await semaphore.acquire()
    task = await blocked(rt, semaphore.acquire)
    semaphore.release()
    await task.join()
    semaphore.release()


async def wait_for(condition):
    async with condition:
        await condition.wait()


@case
async def condition_notified(rt):
    condition = rt.condition()
    refuses(condition.notify)
    task = await blocked(rt, wait_for, condition)
    async with condition:
        condition.notify()
        await rt.settle()  # it cannot have its lock again yet
    await task.join()


@case
async def condition_cancelled(rt):
    condition = rt.condition()
    await stopped(await blocked(rt, wait_for, condition))
    async with condition:
        condition.notify_all()


@case
async def condition_waits_without_its_lock(rt):
    condition = rt.condition()
    try:
        await condition.wait()
    except RuntimeError:
        return
    raise AssertionError


@case
async def condition_levels(rt):
    condition = rt.condition()

    async def wait_twice_locked():
        await condition.acquire()
        if rt.model != "async":  # asyncio's condition is not reentrant
            await condition.acquire()
        await condition.wait()
        condition.release()
        if rt.model != "async":
            condition.release()

    task = await blocked(rt, wait_twice_locked)
    async with condition:
        condition.notify()
    await task.join()


@case
async def event_set(rt):
    event = rt.event()
    task = await blocked(rt, event.wait)
    event.set()
    await task.join()
    await event.wait()
    assert event.is_set()
    event.clear()
    assert not event.is_set()
    await stopped(await blocked(rt, event.wait))


@case
async def queue_full_and_empty(rt):
    queue = rt.queue(1)
    await queue.put("a")
    putter = await blocked(rt, queue.put, "b")
    assert await queue.get() == "a"
    await putter.join()
    assert await queue.get() == "b"
    getter = await blocked(rt, queue.get)
    await queue.put("c")
    assert await getter.join() == "c"


@case
async def queue_cancelled(rt):
    queue = rt.queue(1)
    await stopped(await blocked(rt, queue.get))
    await queue.put("a")
    await stopped(await blocked(rt, queue.put, "b"))
    assert queue.full() and queue.qsize() == 1
    assert await queue.get() == "a" and queue.empty()


@case
async def queue_when_both_sides_wait(rt):
    queue = rt.queue(1)
    await queue.put(0)
    putters = [await blocked(rt, queue.put, number) for number in (1, 2)]
    assert sorted([await queue.get(), await queue.get(), await queue.get()]) == [0, 1, 2]
    await rt.gather(*putters)


@case
async def pool_of_one_place(rt):
    pool, gate = rt.pool(1), rt.event()
    opener = rt.spawn(open_when_settled, rt, gate)
    for task in [await pool.submit(gate.wait), await pool.submit(lambda: None)]:
        await task.join()
    await opener.join()
    await pool.join()


async def open_when_settled(rt, gate):
    await rt.settle()
    gate.set()


@case
async def pool_cancelled_without_a_place(rt):
    pool, gate = rt.pool(1), rt.event()
    busy = await pool.submit(gate.wait)
    submitter = rt.spawn(pool.submit, lambda: None)
    await rt.settle()
    unplaced = submitter if rt.model == "green" else await submitter.join()
    unplaced.cancel()
    gate.set()
    await busy.join()
    await is_cancelled(unplaced)
    await pool.join()


@case
async def pool_joined(rt):
    pool, gate = rt.pool(2), rt.event()
    await pool.submit(gate.wait)
    joiner = await blocked(rt, pool.join)
    gate.set()
    await joiner.join()


@case
async def pool_within_a_full_one(rt):
    """Of green threads: the function runs in place of the one that submits it."""
    pool = rt.pool(1)

    async def outer():
        task = await pool.submit(lambda: 7)
        if rt.model == "green":
            assert await task.join() == 7

    await (await pool.submit(outer)).join()
    await pool.join()


@case
async def join_of_a_task(rt):
    gate = rt.event()
    task = rt.spawn(gate.wait)
    joiner = await blocked(rt, task.join)
    gate.set()
    await joiner.join()


@case
async def stream_read_and_written(rt):
    one, other = await rt.socketpair()
    reader = await blocked(rt, one.recv_exactly, 2)
    await other.send_all(b"x\n")
    await reader.join()
    one.close()
    one.close()
    other.close()


@case
async def stream_duplicated(rt):
    one, other = await rt.socketpair()
    copy = one.dup()
    one.close()
    await copy.send_all(b"x")
    copy.close()
    other.close()


@case
async def listener_accepts(rt):
    listener = await rt.listen()
    accepting = await blocked(rt, listener.accept)
    client = await rt.connect(listener.address)
    server = await accepting.join()
    for each in (client, server, listener):
        each.close()


class Telling:
    """What the runtime has below one of rt's; it observes the name of each call before it makes it."""

    def __init__(self, rt, target):
        self._rt, self._target = rt, target

    def __getattr__(self, name):
        self._rt.observe(name, None)
        return getattr(self._target, name)


@case
async def given_to_others(rt):
    lock, semaphore, event, condition = rt.lock(), rt.semaphore(0), rt.event(), rt.condition()
    await lock.acquire()
    await condition.acquire()
    lock._lock, semaphore._lock = Telling(rt, lock._lock), Telling(rt, semaphore._lock)
    event._event, condition._condition = Telling(rt, event._event), Telling(rt, condition._condition)
    condition._lock = Telling(rt, condition._lock)
    for give in (lock.release, semaphore.release, event.set, event.clear, condition.notify, condition.release):
        give()


@case
async def crowd(rt):
    lock, semaphore, queue, condition = rt.lock(), rt.semaphore(2), rt.queue(2), rt.condition()
    pool = rt.pool(2)

    async def work():
        for number in range(100):
            async with lock, semaphore:
                pass
            await queue.put(number)
            await queue.get()
            async with condition:
                condition.notify_all()

    await rt.gather(*[rt.spawn(work) for _ in range(4)])
    await pool.map(lambda _: None, range(20))
    await pool.join()
