"""The cases of tests/contract/cases.txt as workloads: main runs the one that params name.

A case raises where its contract is broken. What can only be seen in the history is looked at by test_contract.py.
"""

import asyncio
import contextlib
import errno
import os
import resource
import signal
import socket
import sys
import time

import trireme

LONG = 60  # seconds; nothing waits this long unless it is broken
SHORT = 0.05
CASES = {}
COUNTER = [0]


def case(function):
    CASES[function.__name__.replace("_", "-")] = function
    return function


async def main(rt, params):
    await CASES[params["case"]](rt)


async def raises(kind, awaitable):
    """The exception of class `kind` that awaiting this raises."""
    try:
        await awaitable
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


async def is_cancelled(task):
    await raises(trireme.Cancelled, task.join())
    assert task.done()


async def cancel_in(rt, wait):
    """A task blocked in `wait` is stopped in it."""
    reached = []

    async def blocked():
        await wait()
        reached.append(True)

    task = rt.spawn(blocked)
    await rt.settle()
    assert not task.done()
    task.cancel()
    await is_cancelled(task)
    assert not reached


async def expires_in(rt, wait):
    begin = rt.now()
    await raises(trireme.TimeoutExpired, within(rt, SHORT, wait))
    assert SHORT <= rt.now() - begin < LONG / 2


async def within(rt, seconds, wait):
    async with rt.timeout(seconds):
        return await wait()


async def pair(rt):
    """Both ends of a TCP connection."""
    listener = await rt.listen()
    accept = rt.spawn(listener.accept)
    client = await rt.connect(listener.address)
    server = await accept.join()
    listener.close()
    return client, server


# Tasks


@case
async def spawn_returns_result(rt):
    async def double(number):
        await rt.checkpoint()
        return number * 2

    task = rt.spawn(double, 21)
    assert await task.join() == 42
    assert await task.join() == 42


@case
async def spawn_takes_plain_function(rt):
    assert await rt.spawn(lambda: 5).join() == 5


@case
async def spawn_after_waits(rt):
    begin = rt.now()
    assert await rt.spawn_after(SHORT, lambda: rt.now()).join() - begin >= SHORT


async def fail(text="no"):
    raise ValueError(text)


@case
async def join_raises(rt):
    error = await raises(ValueError, rt.spawn(fail, "what").join())
    assert str(error) == "what"


@case
async def join_of_ended_task(rt):
    task = rt.spawn(lambda: 1)
    await rt.settle()
    assert task.done()
    assert await task.join() == 1


@case
async def done_tells_the_end(rt):
    gate = rt.event()
    waits, failed, stopped = rt.spawn(gate.wait), rt.spawn(fail), rt.spawn(gate.wait)
    await rt.settle()
    assert not waits.done() and not stopped.done() and failed.done()
    stopped.cancel()
    gate.set()
    await waits.join()
    await is_cancelled(stopped)
    await raises(ValueError, failed.join())
    assert waits.done() and stopped.done() and failed.done()


@case
async def gather_keeps_argument_order(rt):
    gate = rt.event()

    async def first():
        await gate.wait()
        return "first"

    tasks = [rt.spawn(first), rt.spawn(lambda: gate.set() or "second")]
    assert await rt.gather(*tasks) == ["first", "second"]


@case
async def gather_first_exception_after_all(rt):
    gate, ended = rt.event(), []

    async def late():
        await gate.wait()
        ended.append(True)

    async def first():
        await gate.wait()
        raise ValueError("first")

    tasks = [rt.spawn(first), rt.spawn(fail, "second"), rt.spawn(late)]
    await rt.settle()
    rt.spawn(gate.set)
    assert str(await raises(ValueError, rt.gather(*tasks))) == "first"
    assert ended == [True]


@case
async def gather_of_nothing(rt):
    assert await rt.gather() == []


@case
async def checkpoint_lets_others_run(rt):
    seen = []
    task = rt.spawn(seen.append, 1)
    while not seen:
        await rt.checkpoint()
    await task.join()


@case
async def sleep_of_nothing_lets_others_run(rt):
    seen = []

    async def later():
        await rt.sleep(SHORT)
        seen.append(1)

    task = rt.spawn(later)
    while not seen:
        await rt.sleep(0)
    await task.join()


@case
async def sleep_takes_its_time(rt):
    begin = rt.now()
    await rt.sleep(SHORT)
    assert rt.now() - begin >= SHORT


@case
async def current_task_is_the_running_one(rt):
    async def me():
        await rt.checkpoint()
        return rt.current_task()

    task = rt.spawn(me, name="myself")
    assert await task.join() is task
    assert task.name == "myself"
    assert rt.current_task().name == "main"


@case
async def local_per_task(rt):
    local = rt.local()
    local.name = "main"
    gate = rt.event()

    async def other(name):
        assert not hasattr(local, "name")
        local.name = name
        await gate.wait()
        assert local.name == name

    tasks = [rt.spawn(other, "a"), rt.spawn(other, "b")]
    await rt.settle()
    gate.set()
    await rt.gather(*tasks)
    pool = rt.pool(1)
    await pool.map(other, ["c", "d"])  # the same thread may run both
    await pool.join()
    assert local.name == "main"


@case
async def task_paths(rt):
    async def parent():
        await rt.gather(rt.spawn(lambda: None, name="child"), rt.spawn(lambda: None, name="child"))

    await rt.gather(rt.spawn(parent, name="one"), rt.spawn(parent, name="two"))


@case
async def random_per_task(rt):
    async def draw():
        return rt.current_task().path, rt.random.random()

    rt.observe("drawn", [rt.random.random(), *await rt.gather(rt.spawn(draw), rt.spawn(draw))])


@case
async def settle_with_blocked_reader(rt):
    one, other = await rt.socketpair()
    lock, queue, event = rt.lock(), rt.queue(), rt.event()
    await lock.acquire()

    async def lock_and_go():
        async with lock:
            pass

    waits = [rt.spawn(one.recv, 1), rt.spawn(lock_and_go), rt.spawn(queue.get), rt.spawn(event.wait)]
    waits.append(rt.spawn(waits[0].join))
    await rt.settle()
    assert not any(task.done() for task in waits)
    await other.send_all(b"x")
    lock.release()
    await queue.put(1)
    event.set()
    await rt.settle()
    assert all(task.done() for task in waits)
    await rt.gather(*waits)
    one.close()
    other.close()


@case
async def settle_waits_for_runnable(rt):
    done = []

    async def compute():
        for _ in range(200):
            sum(range(1000))
            await rt.checkpoint()
        sum(range(1_000_000))
        done.append(True)

    task = rt.spawn(compute)
    await rt.settle()
    assert done
    await task.join()


@case
async def settle_twice(rt):
    gate = rt.event()
    task = rt.spawn(gate.wait)
    await rt.settle()
    await rt.settle()
    both = [rt.spawn(rt.settle), rt.spawn(rt.settle)]
    await rt.gather(*both)
    gate.set()
    await task.join()


@case
async def unjoined_exception_recorded(rt):
    rt.spawn(fail, "nobody hears", name="alone")
    await rt.settle()


@case
async def joined_exception_not_recorded(rt):
    task = rt.spawn(fail)
    await rt.settle()
    await raises(ValueError, task.join())


@case
async def main_exception_is_end_raised(rt):
    await fail("out of main")


# Cancelling


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


class BlockingGate:
    """Blocks a native thread, whatever is patched."""

    def __init__(self):
        self._read, self._write = os.pipe()
        self._close = os.close
        self._blocking_read = sys.modules["posix"].read

    def wait(self):
        self._blocking_read(self._read, 1)
        self._close(self._read)

    def open(self):
        self._close(self._write)


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
            time.sleep(0.001)
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


# Deadlines


# Faults of the plan: {cancel: "victim*", point: 2}, {timeout: "late*", point: 2}.


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


@case
async def timeout_expires_in_recv(rt):
    one, other = await rt.socketpair()
    await expires_in(rt, lambda: one.recv(1))
    one.close()
    other.close()


@case
async def timeout_expires_in_lock(rt):
    lock = rt.lock()
    held = await lock.acquire()
    task = rt.spawn(expires_in, rt, lock.acquire)
    await task.join()
    lock.release()
    assert held


@case
async def timeout_expires_in_queue_get(rt):
    await expires_in(rt, rt.queue().get)


@case
async def timeout_expires_in_sleep(rt):
    await expires_in(rt, lambda: rt.sleep(LONG))


@case
async def timeout_expires_in_join(rt):
    gate = rt.event()
    task = rt.spawn(gate.wait)
    await expires_in(rt, task.join)
    assert not task.done()
    gate.set()
    await task.join()


@case
async def timeout_over_drip(rt):
    one, other = await rt.socketpair()

    async def drip():
        while True:
            await rt.sleep(0.01)
            await other.send_all(b"x")

    async def read():
        while True:
            await one.recv(1)

    dripping = rt.spawn(drip)
    await expires_in(rt, read)
    dripping.cancel()
    await is_cancelled(dripping)
    one.close()
    other.close()


@case
async def timeout_block_without_expiry(rt):
    async with rt.timeout(SHORT):
        await rt.checkpoint()
    await rt.sleep(2 * SHORT)
    await rt.checkpoint()


@case
async def timeout_native_exception_inside(rt):
    seen = []

    async def wait():
        try:
            await rt.sleep(LONG)
        except BaseException as error:
            seen.append(error)
            raise

    await raises(trireme.TimeoutExpired, within(rt, SHORT, wait))
    kind = type(seen[0])
    if rt.runtime.startswith("eventlet"):
        import eventlet

        assert kind is eventlet.Timeout
    elif rt.model == "async":
        assert kind is asyncio.CancelledError
    else:
        assert issubclass(kind, TimeoutError)
    assert kind is not trireme.TimeoutExpired


@case
async def timeout_fires_once(rt):
    seen = []
    async with rt.timeout(SHORT):
        try:
            await rt.sleep(LONG)
        except BaseException:
            seen.append("caught")
        await rt.sleep(2 * SHORT)
        await rt.checkpoint()
        seen.append("went on")
    assert seen == ["caught", "went on"]


@case
async def nested_timeouts_inner_first(rt):
    async with rt.timeout(LONG):
        await raises(trireme.TimeoutExpired, within(rt, SHORT, lambda: rt.sleep(LONG)))
        await rt.checkpoint()


@case
async def nested_timeouts_outer_first(rt):
    inner = []

    async def wait():
        try:
            async with rt.timeout(LONG):
                await rt.sleep(LONG)
        except trireme.TimeoutExpired:
            inner.append(True)
            raise

    await raises(trireme.TimeoutExpired, within(rt, SHORT, wait))
    assert not inner


@case
async def timeout_is_an_exception(rt):
    try:
        with rt.op("wait") as op:
            async with rt.timeout(SHORT):
                await rt.sleep(LONG)
    except Exception as error:
        assert isinstance(error, trireme.TimeoutExpired)
    with rt.op("told") as op:
        op.fail(trireme.TimeoutExpired("x"))


# Pools


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


# Coordination


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


# Streams


async def echo(rt, listener):
    async def serve():
        stream = await listener.accept()
        while data := await stream.recv(100):
            await stream.send_all(data)
        stream.close()

    server = rt.spawn(serve)
    stream = await rt.connect(listener.address)
    await stream.send_all(b"hello")
    assert await stream.recv_exactly(5) == b"hello"
    stream.close()
    await server.join()
    listener.close()


@case
async def echo_over_tcp(rt):
    await echo(rt, await rt.listen())


@case
async def echo_over_unix(rt):
    await echo(rt, await rt.listen(path="echo.sock"))
    assert not os.path.exists("echo.sock")


@case
async def recv_returns_empty_at_end(rt):
    client, server = await pair(rt)
    await client.send_all(b"x")
    client.close()
    assert await server.recv(10) == b"x"
    assert await server.recv(10) == b""
    assert await server.recv(10) == b""
    server.close()


@case
async def recv_exactly_collects(rt):
    client, server = await pair(rt)

    async def send():
        for byte in b"abcdef":
            await client.send_all(bytes([byte]))
            await rt.checkpoint()
        client.close()

    task = rt.spawn(send)
    assert await server.recv_exactly(4) == b"abcd"
    await raises(EOFError, server.recv_exactly(4))
    await task.join()
    server.close()


@case
async def recv_until_separator(rt):
    client, server = await pair(rt)
    await client.send_all(b"one\ntwo\nthree")
    assert await server.recv_until(b"\n") == b"one\n"
    assert await server.recv_until(b"\n") == b"two\n"
    assert await server.recv_exactly(2) == b"th"
    assert await server.recv(100) == b"ree"
    client.close()
    server.close()


@case
async def recv_until_end(rt):
    client, server = await pair(rt)
    await client.send_all(b"no end")
    client.close()
    assert await server.recv_until(b"\n") == b""
    server.close()


@case
async def recv_until_long_separator(rt):
    client, server = await pair(rt)

    async def send():
        await client.send_all(b"head\r\n\r")
        await rt.settle()
        await client.send_all(b"\nbody")

    task = rt.spawn(send)
    assert await server.recv_until(b"\r\n\r\n") == b"head\r\n\r\n"
    assert await server.recv_exactly(4) == b"body"
    await task.join()
    client.close()
    server.close()


@case
async def send_all_large(rt):
    client, server = await pair(rt)
    data = bytes(range(256)) * (8 << 12)

    async def send(stream):
        await stream.send_all(data)
        stream.shutdown()

    async def read(stream):
        received = bytearray()
        while part := await stream.recv(1 << 16):
            received += part
        return bytes(received)

    sending = [rt.spawn(send, client), rt.spawn(send, server)]
    await rt.settle()
    for received in await rt.gather(rt.spawn(read, server), rt.spawn(read, client)):
        assert received == data
    await rt.gather(*sending)
    client.close()
    server.close()


@case
async def half_close(rt):
    client, server = await pair(rt)
    client.shutdown()
    assert await server.recv(1) == b""
    await server.send_all(b"still here")
    assert await client.recv_exactly(10) == b"still here"
    client.close()
    server.close()


@case
async def close_twice(rt):
    client, server = await pair(rt)
    for stream in (client, server, client, server):
        stream.close()
    listener = await rt.listen()
    listener.close()
    listener.close()


@case
async def use_after_close(rt):
    client, server = await pair(rt)
    client.close()
    for call in (client.recv(1), client.send_all(b"x"), client.recv_until(b"x"), client.recv_exactly(1)):
        error = await raises(OSError, call)
        assert error.errno == errno.EBADF
    server.close()


@case
async def close_wakes_nobody_else(rt):
    client, server = await pair(rt)
    task = rt.spawn(server.recv, 1)
    await rt.settle()
    client.close()
    assert await task.join() == b""
    server.close()


@case
async def connect_refused(rt):
    listener = await rt.listen()
    listener.close()
    await raises(ConnectionRefusedError, rt.connect(listener.address))


@case
async def send_to_closed_peer(rt):
    client, server = await pair(rt)
    server.close()

    async def send():
        while True:
            await client.send_all(b"x" * 1000)

    try:
        await send()
    except (BrokenPipeError, ConnectionResetError):
        client.close()
        return
    raise AssertionError


@case
async def dup_is_another_descriptor(rt):
    client, server = await pair(rt)
    copy = client.dup()
    assert copy.fileno() != client.fileno()
    client.close()
    await copy.send_all(b"x")
    assert await server.recv(1) == b"x"
    copy.close()
    assert await server.recv(1) == b""
    server.close()


@case
async def fileno_is_a_socket(rt):
    client, server = await pair(rt)
    assert os.readlink(f"/proc/self/fd/{client.fileno()}").startswith("socket:")
    client.close()
    server.close()


@case
async def two_listeners_two_ports(rt):
    one, other = await rt.listen(), await rt.listen()
    assert one.address != other.address
    one.close()
    other.close()


# HTTP


@case
async def http_status_body_order(rt):
    async def handler(request):
        await rt.checkpoint()
        status = 404 if request.path.endswith("3") else 200
        return trireme.Response(status=status, body=request.path.encode(), headers={"X-Path": request.path})

    server = await rt.http_server(handler)

    async def ask(client):
        replies = []
        for number in range(4):
            reply = await rt.http_request("GET", f"{server.url}/{client}/{number}?q=1")
            assert reply.headers["x-path"] == f"/{client}/{number}?q=1"
            replies.append((reply.status, reply.body.decode()))
        return replies

    for client, replies in enumerate(await rt.gather(*[rt.spawn(ask, number) for number in range(3)])):
        assert replies == [(200, f"/{client}/{number}?q=1") for number in range(4)], replies
    assert (await rt.http_request("GET", server.url + "/3")).status == 404
    server.close()


@case
async def http_post_body(rt):
    seen = []

    async def handler(request):
        seen.append((request.method, request.path, request.headers["CONTENT-length"], request.body))
        return trireme.Response(body=request.body[::-1])

    server = await rt.http_server(handler)
    body = bytes(range(256)) * 1000
    assert (await rt.http_request("POST", server.url + "/x", body)).body == body[::-1]
    assert seen == [("POST", "/x", "256000", body)]
    server.close()


@case
async def http_cut_body(rt):
    seen = []

    async def handler(request):
        seen.append(request.body)
        return trireme.Response()

    server = await rt.http_server(handler)
    stream = await rt.connect(server.address)
    await stream.send_all(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nwh")
    stream.shutdown()
    while await stream.recv(4096):
        pass
    assert not seen, seen
    stream.close()
    assert (await rt.http_request("POST", server.url, b"whole")).status == 200
    assert seen == [b"whole"]
    server.close()


@case
async def http_keep_alive_pipelining(rt):
    server = await rt.http_server(lambda request: trireme.Response(body=request.path.encode()))
    stream = await rt.connect(server.address)
    await stream.send_all(b"".join(b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(5)))
    for number in range(5):
        head = await stream.recv_until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert await stream.recv_exactly(2) == b"/%d" % number
    stream.close()
    server.close()


@case
async def http_handler_waits(rt):
    gate = rt.event()

    async def handler(request):
        if request.path == "/slow":
            await gate.wait()
        return trireme.Response(body=b"ok")

    server = await rt.http_server(handler)
    slow = rt.spawn(rt.http_request, "GET", server.url + "/slow")
    await rt.settle()
    assert (await rt.http_request("GET", server.url + "/fast")).body == b"ok"
    assert not slow.done()
    gate.set()
    assert (await slow.join()).body == b"ok"
    server.close()


@case
async def http_handler_raises(rt):
    async def handler(request):
        raise ValueError("handler")

    server = await rt.http_server(handler)
    assert (await rt.http_request("GET", server.url)).status == 500
    server.close()


@case
async def http_refused_after_close(rt):
    server = await rt.http_server(lambda request: trireme.Response())
    idle = await rt.connect(server.address)
    await idle.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await idle.recv_until(b"\r\n\r\n")
    server.close()
    server.close()
    await raises(ConnectionRefusedError, rt.http_request("GET", server.url))
    assert await idle.recv(1) == b""
    idle.close()


@case
async def http_server_address(rt):
    server = await rt.http_server(lambda request: trireme.Response(body=b"raw"))
    stream = await rt.connect(server.address)
    await stream.send_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert (await stream.recv_until(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    assert await stream.recv_exactly(3) == b"raw"
    assert await stream.recv(1) == b""
    stream.close()
    server.close()


@case
async def http_unknown_host_refused(rt):
    listener = await rt.listen()
    listener.close()
    host, port = listener.address
    await raises(ConnectionRefusedError, rt.http_request("GET", f"http://{host}:{port}/"))


# Outside


def native_thread():
    return int(os.readlink("/proc/thread-self").rpartition("/")[2])


@case
async def offload_runs_elsewhere(rt):
    assert await rt.offload(native_thread) != native_thread()

    def broken():
        raise ValueError("offloaded")

    assert str(await raises(ValueError, rt.offload(broken))) == "offloaded"
    assert await rt.offload(lambda a, b: a + b, 1, 2) == 3


@case
async def offload_lets_others_run(rt):
    gate = BlockingGate()
    task = rt.spawn(rt.offload, gate.wait)
    await rt.sleep(0.01)
    assert not task.done()
    gate.open()
    await task.join()


@case
async def subprocess_output(rt):
    done = await rt.subprocess(["sh", "-c", "cat; echo err >&2"], stdin=b"in")
    assert done == trireme.Completed(0, b"in", b"err\n"), done


@case
async def subprocess_status(rt):
    assert (await rt.subprocess(["sh", "-c", "exit 3"])).returncode == 3
    assert (await rt.subprocess(["sh", "-c", "kill -9 $$"])).returncode == -signal.SIGKILL


@case
async def subprocess_missing_program(rt):
    error = await raises(OSError, rt.subprocess(["./no such program"]))
    assert error.errno == errno.ENOENT


@case
async def subprocess_large_output(rt):
    data = bytes(1 << 20)
    assert (await rt.subprocess(["cat"], stdin=data)).stdout == data


@case
async def resolve_localhost(rt):
    assert {"127.0.0.1", "::1"} & set(await rt.resolve("localhost"))


@case
async def resolve_fails(rt):
    try:
        await rt.resolve("name.invalid")
    except socket.gaierror as error:
        with rt.op("resolve") as op:
            op.fail(error)


@case
async def periodic_ticks(rt):
    ticks, enough = [], rt.event()

    async def tick():
        ticks.append(rt.now())
        if len(ticks) == 3:
            enough.set()

    begin = rt.now()
    task = rt.periodic(0.01, tick)
    await enough.wait()
    task.cancel()
    await is_cancelled(task)
    assert ticks[2] - begin >= 0.03


@case
async def periodic_does_not_overlap(rt):
    inside, most, count, enough = [0], [0], [0], rt.event()

    async def tick():
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        await rt.sleep(0.01)
        inside[0] -= 1
        count[0] += 1
        if count[0] == 3:
            enough.set()

    task = rt.periodic(0.002, tick)
    await enough.wait()
    task.cancel()
    await is_cancelled(task)
    assert most == [1]


# Recording


@case
async def op_ok(rt):
    with rt.op("o", 1) as op:
        op.ok(2)


@case
async def op_fail(rt):
    with rt.op("o", 1) as op:
        op.fail("why")


@case
async def op_fail_by_exception(rt):
    with rt.op("handled") as op:
        try:
            raise ConnectionResetError(errno.ECONNRESET, "gone")
        except OSError as error:
            op.fail(error)
    with rt.op("made") as op:
        op.fail(trireme.TimeoutExpired("late"))


@case
async def op_left_open_is_info(rt):
    with rt.op("o", 1):
        pass


@case
async def op_left_by_exception_is_info(rt):
    try:
        with rt.op("o"):
            raise ConnectionResetError(errno.ECONNRESET, "gone")
    except ConnectionResetError:
        pass


@case
async def op_within_cancelled_task(rt):
    async def work():
        with rt.op("o"):
            await rt.sleep(LONG)

    await cancel_in(rt, work)


VALUES = [1, -(1 << 62), 2.5, "text \u00e9", True, None, [1, "a"], {"k": [1]}, b"\x00\xff", [b"\x01"]]


@case
async def values_of_every_kind(rt):
    for number, value in enumerate(VALUES):
        rt.observe(str(number), value)
        with rt.op("o", value) as op:
            op.ok(value)


@case
async def observe_outcome_metric(rt):
    rt.observe("key", [1, 2])
    rt.outcome("fifo")
    rt.metric("speed", 2.5, "m/s")


@case
async def errors_have_families(rt):
    client, server = await pair(rt)
    client._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    client.close()
    listener = await rt.listen()

    async def read_to_end():
        one, other = await rt.socketpair()
        other.close()
        try:
            await one.recv_exactly(1)
        finally:
            one.close()

    async def write_to_closed():
        one, other = await rt.socketpair()
        other.close()
        try:
            await one.send_all(b"x")
        finally:
            one.close()

    async def cancelled():
        task = rt.spawn(rt.sleep, LONG)
        await rt.settle()
        task.cancel()
        await task.join()

    async def refused():
        free = await rt.listen()
        free.close()
        await rt.connect(free.address)

    async def other():
        raise RuntimeError

    calls = {
        "reset": lambda: server.recv(1),
        "refused": refused,
        "end-of-stream": read_to_end,
        "broken-pipe": write_to_closed,
        "timeout": lambda: within(rt, 0.001, lambda: rt.sleep(LONG)),
        "cancelled": cancelled,
        "address-in-use": lambda: rt.listen(*listener.address),
        "value": fail,
        "other": other,
    }
    for family, call in calls.items():
        try:
            with rt.op(family):
                await call()
        except Exception:
            pass
    server.close()
    listener.close()


@case
async def runtime_and_model(rt):
    rt.observe("runtime", rt.runtime)
    rt.observe("model", rt.model)
    rt.observe("seed", rt.seed)
    rt.observe("interpreter", rt.interpreter)


@case
async def now_is_monotonic(rt):
    times = [rt.now()]
    for _ in range(10):
        await rt.sleep(0.001)
        times.append(rt.now())
    assert times == sorted(times)
    assert 0.01 <= times[-1] - times[0] < LONG


@case
async def waits_are_points(rt):
    one, other = await rt.socketpair()

    async def read():
        await rt.checkpoint()
        await one.recv(1)

    task = rt.spawn(read)
    await rt.settle()
    await other.send_all(b"x")
    await task.join()
    one.close()
    other.close()


# How a trial ends


@case
async def unsupported_is_reported(rt):
    raise trireme.Unsupported("no such thing here")


@case
async def websocket_not_available(rt):
    for call in (lambda: rt.websocket_server(None), lambda: rt.websocket_connect(""), lambda: rt.datagram()):
        assert "not available yet" in str(await raises(trireme.Unsupported, call()))
    try:
        rt.workers(1, None)
    except trireme.Unsupported as error:
        assert "not available yet" in str(error)


@case
async def task_left_waiting_in_census(rt):
    rt.spawn(rt.event().wait, name="forgotten")
    await rt.settle()


KEPT = []


@case
async def descriptor_left_open_in_census(rt):
    async def open_one():
        KEPT.append(await rt.listen())

    await rt.spawn(open_one).join()


@case
async def clean_trial_has_no_census(rt):
    client, server = await pair(rt)
    http = await rt.http_server(lambda request: trireme.Response())
    await rt.http_request("GET", http.url)
    http.close()
    client.close()
    server.close()
    assert (await rt.subprocess(["true"])).returncode == 0


@case
async def idle_pool_is_no_leak(rt):
    pool = rt.pool(3)
    await pool.map(lambda x: x, range(5))
    await pool.join()
    await rt.offload(native_thread)
    await rt.resolve("localhost")


@case
async def trials_are_independent(rt):
    COUNTER[0] += 1
    rt.observe("count", COUNTER[0])


@case
async def suspended_is_reported(rt):
    class Foreign:
        def __await__(self):
            yield None

    if rt.model == "async":
        await asyncio.sleep(0)
        rt.observe("suspended", "fine here")
        return
    await Foreign()


@case
async def plain_main_with_blocking(rt):
    def plain(rt, params):
        blocking = rt.blocking
        one, other = blocking.socketpair()
        task = blocking.spawn(one.recv_until, b"\n", name="reader")
        with blocking.op("o", 1) as op:
            other.send_all(b"line\n")
            op.ok(task.join().decode())
        with blocking.lock():
            pass
        try:
            with blocking.timeout(SHORT):
                blocking.sleep(LONG)
        except trireme.TimeoutExpired:
            blocking.observe("expired", True)
        waits = blocking.spawn(lambda: blocking.sleep(LONG))
        blocking.settle()
        waits.cancel()
        try:
            waits.join()
        except trireme.Cancelled:
            blocking.observe("cancelled", True)
        pool = blocking.pool(2)
        blocking.observe("map", pool.map(lambda x: x * 2, [1, 2, 3]))
        pool.join()
        one.close()
        other.close()
        blocking.observe("path", blocking.current_task().path)

    await rt._backend.run_plain(plain, (rt, {}))
