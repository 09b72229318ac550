"""A client and a server forget their sockets."""

_kept = []


async def main(rt, params):
    listener = await rt.listen()
    client = await rt.connect(listener.address)
    ours = await listener.accept()
    with rt.op("exchange") as op:
        await client.send_all(b"ping\n")
        op.ok(await ours.recv_until(b"\n"))
    _kept.extend([listener, client, ours])
    rt.observe("ended", True)
