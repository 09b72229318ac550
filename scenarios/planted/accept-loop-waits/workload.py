"""A client asks until it is answered; the server has no descriptor for it at first."""

import trireme


async def main(rt, params):
    listener = await rt.listen()
    closed = rt.event()  # one of its connections

    async def serve():
        while True:
            try:
                stream = await listener.accept()
            except OSError:
                closed.clear()
                await closed.wait()
                continue
            await greet(stream)
            stream.close()
            closed.set()

    async def greet(stream):
        try:
            await stream.send_all(b"hello\n")
        except OSError:
            pass  # that client's affair

    async def ask(address):
        """Whether it was answered."""
        with rt.op("ask") as op:
            stream = None
            try:
                async with rt.timeout(params["patience"]):
                    stream = await rt.connect(address)
                    if await stream.recv_until(b"\n") == b"hello\n":
                        op.ok()
                        return True
                    op.fail("no answer")
            except (OSError, trireme.TimeoutExpired) as error:
                op.fail(error)
            finally:
                if stream is not None:
                    stream.close()
        return False

    server = rt.spawn(serve, name="server")
    while not await ask(listener.address):
        await rt.sleep(params["pause"])
    server.cancel()
    try:
        await server.join()
    except trireme.Cancelled:
        pass
    listener.close()
    rt.observe("answered", True)
