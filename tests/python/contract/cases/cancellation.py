"""Cancellation: in each wait, before, after, once."""

import contextlib
import os
import resource
import time

import trireme

from .support import LONG, SHORT, BlockingGate, cancel_in, case, expires_in, is_cancelled, raises


@case
async def cancel_before_start(rt):
    ran = []
    if rt.model == "native":  # a thread starts at once; one that waits for a place of a pool does not
        gate, pool = rt.event(), rt.pool(1)
        busy = await pool.submit(gate.wait)
        task = await pool.submit(ran.append, 1)
        task.cancel()
        gate.set()
        await busy.join()
        await is_cancelled(task)
        await pool.join()
    else:
        task = rt.spawn(ran.append, 1)
        task.cancel()
        await is_cancelled(task)
    assert not ran


@case
async def cancel_in_recv(rt):
    one, other = await rt.socketpair()
    await cancel_in(rt, lambda: one.recv(1))
    await other.send_all(b"x")
    assert await one.recv(1) == b"x"
    one.close()
    other.close()


@case
async def cancel_in_accept(rt):
    listener = await rt.listen()
    await cancel_in(rt, listener.accept)
    listener.close()


@case
async def cancel_in_send(rt):
    one, other = await rt.socketpair()
    await cancel_in(rt, lambda: one.send_all(bytes(8 << 20)))
    one.close()
    other.close()


@case
async def cancel_in_lock(rt):
    lock = rt.lock()
    async with lock:
        await cancel_in(rt, lock.acquire)
    async with lock:
        pass


@case
async def cancel_before_release(rt):
    lock = rt.lock()
    async with lock:
        stopped = [rt.spawn(lock.acquire) for _ in range(3)]
        await rt.settle()
        other = rt.spawn(lock.acquire)
        await rt.settle()
        for task in stopped:
            task.cancel()
    await other.join()
    for task in stopped:
        await is_cancelled(task)


@case
async def cancel_in_semaphore(rt):
    semaphore = rt.semaphore(1)
    async with semaphore:
        await cancel_in(rt, semaphore.acquire)
    async with semaphore:
        task = rt.spawn(semaphore.acquire)
        await rt.settle()
        assert not task.done()
    await task.join()


@case
async def cancel_in_condition(rt):
    condition = rt.condition()
    held = []

    async def waits():
        async with condition:
            try:
                await condition.wait()
            finally:
                held.append(True)  # releasing below would raise if it were not held

    task = rt.spawn(waits)
    await rt.settle()
    task.cancel()
    await is_cancelled(task)
    assert held
    async with condition:
        condition.notify_all()


@case
async def cancel_in_event(rt):
    await cancel_in(rt, rt.event().wait)


@case
async def cancel_in_queue_get(rt):
    queue = rt.queue()
    await cancel_in(rt, queue.get)
    await queue.put(1)
    assert await queue.get() == 1


@case
async def cancel_in_queue_put(rt):
    queue = rt.queue(1)
    await queue.put(1)
    await cancel_in(rt, lambda: queue.put(2))
    assert await queue.get() == 1
    task = rt.spawn(queue.get)
    await rt.settle()
    assert not task.done()
    await queue.put(3)
    assert await task.join() == 3


@case
async def cancel_in_sleep(rt):
    begin = rt.now()
    await cancel_in(rt, lambda: rt.sleep(LONG))
    assert rt.now() - begin < LONG / 2


@case
async def cancel_in_join(rt):
    gate = rt.event()
    joined = rt.spawn(gate.wait)
    await cancel_in(rt, joined.join)
    await rt.settle()
    assert not joined.done()
    gate.set()
    await joined.join()


@case
async def cancel_in_offload(rt):
    gate = BlockingGate()
    await cancel_in(rt, lambda: rt.offload(gate.wait))
    gate.open()


@case
async def cancel_in_http_request(rt):
    gate = rt.event()

    async def handler(request):
        await gate.wait()
        return trireme.Response()

    server = await rt.http_server(handler)
    await cancel_in(rt, lambda: rt.http_request("GET", server.url))
    gate.set()
    server.close()


@case
async def waits_without_a_descriptor(rt):
    mine, theirs = await rt.socketpair()
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))  # what is open stays so
    try:
        with contextlib.suppress(OSError):
            raise AssertionError(f"descriptor {os.dup(0)} could be opened")
        received = []

        async def receive():
            received.append(await theirs.recv(1))

        receiver = rt.spawn(receive)
        await mine.send_all(b"x")
        await receiver.join()
        assert received == [b"x"]
        blocked = rt.spawn(receive)
        await rt.sleep(SHORT)
        blocked.cancel()
        await is_cancelled(blocked)
        await expires_in(rt, lambda: theirs.recv(1))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    mine.close()
    theirs.close()


@case
async def cancel_at_next_call(rt):
    steps, gate = [], rt.event()

    async def compute():
        await gate.wait()
        while not steps:
            if rt.model != "native":
                rt.spawn(steps.append, 1)
                me.cancel()
                break
            time.sleep(0.001)  # a turn of a busy task: no call of rt's, where it would be cancelled too early
        steps.append("computed")
        await rt.checkpoint()
        steps.append("went on")

    me = rt.spawn(compute)
    await rt.settle()
    gate.set()
    if rt.model == "native":
        me.cancel()
        steps.append("cancelled")
    await is_cancelled(me)
    assert "went on" not in steps
    assert "computed" in steps or rt.model == "native"


@case
async def cancel_after_end(rt):
    task = rt.spawn(lambda: 7)
    await rt.settle()
    task.cancel()
    assert await task.join() == 7


@case
async def cancel_runs_finally(rt):
    seen = []

    async def tidy():
        try:
            await rt.sleep(LONG)
        finally:
            await rt.sleep(0.001)
            seen.append("tidied")

    task = rt.spawn(tidy)
    await rt.settle()
    task.cancel()
    await is_cancelled(task)
    assert seen == ["tidied"]


@case
async def cancel_is_one_shot(rt):
    gate = rt.event()

    async def stubborn():
        try:
            await rt.sleep(LONG)
        except BaseException:
            pass
        await gate.wait()
        await rt.checkpoint()
        return "went on"

    task = rt.spawn(stubborn)
    await rt.settle()
    task.cancel()
    await rt.settle()
    assert not task.done()
    gate.set()
    assert await task.join() == "went on"


@case
async def join_of_cancelled_raises(rt):
    task = rt.spawn(rt.sleep, LONG)
    await rt.settle()
    task.cancel()
    error = await raises(trireme.Cancelled, task.join())
    assert isinstance(error, Exception)
    unheard = rt.spawn(rt.sleep, LONG)
    await rt.settle()
    unheard.cancel()
    await rt.settle()
    assert unheard.done()


@case
async def cancel_self(rt):
    seen = []

    async def suicidal():
        rt.current_task().cancel()
        seen.append("after cancel")
        await rt.checkpoint()
        seen.append("after checkpoint")

    await is_cancelled(rt.spawn(suicidal))
    assert seen == ["after cancel"]
