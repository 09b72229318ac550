"""Two green threads read one end of a socket pair, which Eventlet's asyncio hub cannot do."""

import eventlet.hubs.hub

import trireme


async def main(rt, params):
    eventlet.hubs.hub.g_prevent_multiple_readers = False  # as hub_prevent_multiple_readers(False) before use_hub("asyncio")
    ours, theirs = await rt.socketpair()

    async def read():
        with rt.op("read") as op:
            op.ok(await ours.recv(1))

    readers = []
    for n in (1, 2):
        readers.append(rt.spawn(read, name=f"reader-{n}"))
        await rt.settle()
    await theirs.send_all(b"1")
    await readers[0].join()
    await theirs.send_all(b"2")
    readers[1].cancel()
    try:
        await readers[1].join()
    except trireme.Cancelled:
        pass
    ours.close()
    theirs.close()
    rt.observe("ended", True)
