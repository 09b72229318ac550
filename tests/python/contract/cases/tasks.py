"""Tasks: what they return and raise, when they run, what is their own."""

from .support import SHORT, case, fail, is_cancelled, raises


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
