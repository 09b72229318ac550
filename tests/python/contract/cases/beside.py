"""What runs beside the tasks: functions elsewhere, programs, name resolution, and what is done again and again."""

import errno
import os
import signal
import socket

import trireme

from .support import BlockingGate, case, is_cancelled, raises


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
async def subprocess_of_nothing(rt):
    await raises(ValueError, rt.subprocess([]))


@case
async def subprocess_large_output(rt):
    data = bytes(1 << 20)
    assert (await rt.subprocess(["cat"], stdin=data)).stdout == data


@case
async def subprocess_unread_input(rt):
    for size in (5, 1 << 20):
        assert await rt.subprocess(["sh", "-c", "exec <&-; echo out"], stdin=bytes(size)) == trireme.Completed(0, b"out\n", b"")


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
