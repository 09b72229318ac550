"""How a trial ends: as it is reported, with what is left, and as the next one finds it."""

import asyncio

import trireme

from .beside import native_thread
from .support import LONG, SHORT, case, pair, raises


@case
async def unsupported_is_reported(rt):
    raise trireme.Unsupported("no such thing here")


@case
async def websocket_not_available(rt):
    for call in (lambda: rt.websocket_server(None), lambda: rt.websocket_connect("")):
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


COUNTER = [0]


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
