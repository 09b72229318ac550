"""Faults of the plan that strike tasks: {cancel: "victim*", point: 2}, {timeout: "late*", point: 2}."""

import trireme

from .support import LONG, case, is_cancelled, raises


async def cancelled_at(rt, kind, call):
    """The victim is cancelled where it makes the call, its twin is not."""
    lock = rt.lock()

    async def with_lock():
        async with lock:
            await call()

    await is_cancelled(rt.spawn(with_lock, name=f"victim-{kind}"))
    async with lock:
        pass
    await rt.spawn(with_lock, name=f"twin-{kind}").join()


@case
async def fault_cancels_at_a_wait(rt):
    async def nothing():
        pass

    async def within():
        async with rt.timeout(LONG):
            await rt.sleep(0.001)

    ended = rt.spawn(nothing)
    await cancelled_at(rt, "sleep", lambda: rt.sleep(0.001))
    await cancelled_at(rt, "checkpoint", rt.checkpoint)
    await cancelled_at(rt, "join", ended.join)
    await cancelled_at(rt, "offload", lambda: rt.offload(int))
    await cancelled_at(rt, "timeout", within)


@case
async def fault_cancels_at_a_primitive(rt):
    lock, semaphore, event, queue, pool = rt.lock(), rt.semaphore(), rt.event(), rt.queue(3), rt.pool(1)
    event.set()
    await queue.put(1)

    async def take():
        async with lock:
            pass

    async def acquire():
        async with semaphore:
            pass

    async def submit():
        await (await pool.submit(int)).join()

    await cancelled_at(rt, "lock", take)
    await cancelled_at(rt, "semaphore", acquire)
    await cancelled_at(rt, "event", event.wait)
    await cancelled_at(rt, "queue-put", lambda: queue.put(2))
    assert queue.qsize() == 2
    await cancelled_at(rt, "queue-get", queue.get)
    assert queue.qsize() == 1
    await cancelled_at(rt, "pool", submit)
    await pool.join()


@case
async def fault_cancels_at_a_condition(rt):
    condition, notified = rt.condition(), []

    async def wait():
        async with condition:
            await condition.wait_for(lambda: notified)

    await is_cancelled(rt.spawn(wait, name="victim-condition"))
    twin = rt.spawn(wait, name="twin-condition")
    await rt.settle()
    async with condition:
        notified.append(True)
        condition.notify()
    await twin.join()


@case
async def fault_cancels_at_a_stream(rt):
    mine, theirs = await rt.socketpair()
    listener, served = await rt.listen(), await rt.listen()
    server = await rt.http_server(lambda request: trireme.Response(200))
    await mine.send_all(b"xy")
    pending = await rt.connect(served.address)

    async def accept():
        (await served.accept()).close()

    async def connect():
        (await rt.connect(listener.address)).close()

    await cancelled_at(rt, "recv", lambda: theirs.recv(1))
    await cancelled_at(rt, "send", lambda: mine.send_all(b"z"))
    await cancelled_at(rt, "accept", accept)
    await cancelled_at(rt, "connect", connect)
    await cancelled_at(rt, "http", lambda: rt.http_request("GET", server.url + "/"))
    assert await theirs.recv_exactly(2) == b"yz"
    server.close()
    for each in (mine, theirs, listener, served, pending):
        each.close()


@case
async def fault_ends_the_time_of_a_block(rt):
    async def late():
        await rt.checkpoint()
        async with rt.timeout(10 * LONG):
            await raises(trireme.TimeoutExpired, timed(rt.timeout(LONG), rt.sleep(LONG)))
            await rt.sleep(0.001)

    await rt.spawn(late, name="late").join()


async def timed(block, wait):
    async with block:
        await wait


@case
async def fault_ends_time_outside_a_block(rt):
    async def late():
        await rt.checkpoint()
        await rt.sleep(LONG)

    await raises(trireme.TimeoutExpired, rt.spawn(late, name="late").join())


@case
async def fault_strikes_once(rt):
    caught = []

    async def victim():
        await rt.checkpoint()
        try:
            await rt.sleep(LONG)
        except BaseException:
            caught.append(True)
        await rt.sleep(0.001)

    await rt.spawn(victim, name="victim").join()
    assert caught
