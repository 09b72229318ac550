"""Two clients tell a server their names, and have them back in a reply of one size."""


async def main(rt, params):
    listener = await rt.listen()
    buffer = bytearray(params["bytes"])
    replying = rt.event()

    async def serve(stream):
        name = (await stream.recv_until(b"\n")).strip()
        buffer[:] = (name + b".").ljust(params["bytes"], b".")
        replying.set()
        with memoryview(buffer) as reply:
            await stream.send_all(reply)
        stream.close()

    async def ask(name):
        stream = await rt.connect(listener.address)
        await stream.send_all(b"%s\n" % name)
        await stream.recv_exactly(params["bytes"])
        stream.close()
        rt.observe("answered", name.decode())

    first = rt.spawn(ask, b"client-0", name="client-0")
    servers = [rt.spawn(serve, await listener.accept(), name="server-0")]
    await replying.wait()
    second = rt.spawn(ask, b"client-1", name="client-1")
    servers.append(rt.spawn(serve, await listener.accept(), name="server-1"))
    await rt.gather(first, second, *servers)
    listener.close()
