"""Each reader asks over a socket pair of its own; the replies come in the opposite order."""


async def main(rt, params):
    pairs = [await rt.socketpair() for _ in range(params["readers"])]

    async def ask(n, stream):
        await stream.send_all(b"%d\n" % n)
        return int(await stream.recv_until(b"\n"))

    readers = [rt.spawn(ask, n, ours, name=f"reader-{n}") for n, (ours, _) in enumerate(pairs)]
    await rt.settle()
    for _, theirs in reversed(pairs):
        await theirs.send_all(await theirs.recv_until(b"\n"))
    rt.observe("replies", [await reader.join() for reader in readers])
    for ours, theirs in pairs:
        ours.close()
        theirs.close()
