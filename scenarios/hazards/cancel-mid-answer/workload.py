"""A task is cancelled in the middle of an answer; another one uses its connection."""

import trireme


async def main(rt, params):
    listener = await rt.listen()
    given_up = rt.event()

    async def answer(stream):
        while question := await stream.recv_until(b"\n"):
            if question == b"one\n":
                await stream.send_all(b"answer to ")
                await given_up.wait()
                await stream.send_all(question)
            else:
                await stream.send_all(b"answer to " + question)

    async def serve(stream):
        try:
            await answer(stream)
        except OSError:
            pass  # the client left with an answer unread
        stream.close()

    async def connected():
        stream = await rt.connect(listener.address)
        servers.append(rt.spawn(serve, await listener.accept(), name="server"))
        return stream

    async def ask(stream, question):
        await stream.send_all(question)
        return await stream.recv_until(b"\n")

    servers = []
    stream = await connected()
    first = rt.spawn(ask, stream, b"one\n", name="first")
    await rt.settle()
    first.cancel()
    try:
        await first.join()
    except trireme.Cancelled:
        pass
    given_up.set()
    with rt.op("ask", "two") as op:
        answer_two = await ask(stream, b"two\n")
        op.ok(answer_two.decode())
    rt.outcome("own-answer" if answer_two == b"answer to two\n" else "previous-answer")
    stream.close()
    await rt.gather(*servers)
    listener.close()
