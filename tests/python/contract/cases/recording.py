"""What a workload puts into its history, and what it is told of its runtime."""

import errno
import socket
import time

import trireme

from .support import LONG, cancel_in, case, fail, pair, within


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
async def keys_that_json_has_one_name_for_are_refused(rt):
    rt.observe("apart", {1: "a", None: "b", 2.5: "c"})
    try:
        rt.observe("one", {1: "a", "1": "b"})
    except TypeError as error:
        rt.observe("refused", str(error))


@case
async def sets_are_one_value_however_they_were_filled(rt):
    for key, inner in (("there", [0, 8, "a"]), ("back", ["a", 8, 0])):
        rt.observe(key, {frozenset(inner), frozenset([1]), "z"})


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
async def now_is_what_the_clock_shows(rt):
    before = time.monotonic()
    now = rt.now()
    assert before <= now <= time.monotonic()


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
