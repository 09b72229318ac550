"""What the cases share."""

import os
import sys

import trireme

LONG = 60  # seconds; nothing waits this long unless it is broken
SHORT = 0.05
CASES = {}


def case(function):
    CASES[function.__name__.replace("_", "-")] = function
    return function


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


async def fail(text="no"):
    raise ValueError(text)


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
