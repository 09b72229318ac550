"""Clients give a question up after a while and ask the next one on the same connection."""

import trireme


async def main(rt, params):
    listener = await rt.listen()
    right = []

    async def serve(stream, slow):
        """Answers each question by itself; the first one only when the client has given it up."""
        try:
            while question := await stream.recv_until(b"\n"):
                if question == b"question 0\n":
                    await slow.wait()
                await stream.send_all(question)
        except OSError:
            pass  # the client left with an answer unread
        stream.close()

    async def client(name):
        given_up = rt.event()
        stream, server = await connected(name, given_up)
        for n in range(params["questions"]):
            with rt.op("ask", 1) as op:
                question = b"question %d\n" % n
                try:
                    # Only the first one has to wait.
                    async with rt.timeout(0.1 if n == 0 else 60):
                        await stream.send_all(question)
                        answer = await stream.recv_until(b"\n")
                except trireme.TimeoutExpired:
                    op.fail("timeout")
                    given_up.set()
                    continue
                if answer == question:
                    right.append(name)
                op.ok(1)
        stream.close()
        await server.join()

    async def connected(name, slow):
        async with one_at_a_time:
            stream = await rt.connect(listener.address)
            server = rt.spawn(serve, await listener.accept(), slow, name=f"server-{name}")
        return stream, server

    one_at_a_time = rt.lock()
    await rt.gather(*[rt.spawn(client, n, name=f"client-{n}") for n in range(params["clients"])])
    listener.close()
    rt.observe("right answers", len(right))
