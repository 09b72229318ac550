"""An HTTP server whose clients keep alive, pipeline, drip and hurry."""

import trireme


def request_bytes(host, path, body=b""):
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def read_reply(stream):
    """Status and body of the next reply; headers that servers add are not looked at."""
    status_line = await stream.recv_until(b"\r\n")
    length = 0
    while (line := await stream.recv_until(b"\r\n")) != b"\r\n":
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    body = await stream.recv_exactly(length)
    return int(status_line.split()[1]), body


async def handle(request):
    if request.path.startswith("/missing"):
        return trireme.Response(status=404, body=b"missing")
    return trireme.Response(body=request.path.encode() + b" " + request.body[::-1])


async def main(rt, params):
    server = await rt.http_server(handle)
    host = server.url.removeprefix("http://")
    others_done = rt.event()

    async def keep_alive(name):
        stream = await rt.connect(server.address)
        replies = []
        for n in range(params["requests"]):
            path = f"/missing/{n}" if n % 5 == 4 else f"/{name}/{n}"
            with rt.op("request", path) as op:
                await stream.send_all(request_bytes(host, path, b"abc" * n))
                status, body = await read_reply(stream)
                op.ok(status)
            replies.append([status, body.decode()])
        stream.close()
        return replies

    async def pipelining(name):
        stream = await rt.connect(server.address)
        with rt.op("request", name) as op:
            await stream.send_all(
                b"".join(request_bytes(host, f"/{name}/{n}", b"%d" % n) for n in range(params["requests"]))
            )
            replies = [await read_reply(stream) for _ in range(params["requests"])]
            op.ok(len(replies))
        stream.close()
        return [[status, body.decode()] for status, body in replies]

    async def slow():
        stream = await rt.connect(server.address)
        message = request_bytes(host, "/slow", b"drip")
        with rt.op("request", "/slow") as op:
            for n, byte in enumerate(message):
                if n == len(message) - 1:
                    await others_done.wait()
                await stream.send_all(bytes([byte]))
                await rt.checkpoint()
            status, body = await read_reply(stream)
            op.ok(status)
        stream.close()
        return [[status, body.decode()]]

    last = rt.spawn(slow, name="slow")
    fast = [rt.spawn(keep_alive, f"k{n}", name=f"keep-alive-{n}") for n in range(params["clients"])]
    fast += [rt.spawn(pipelining, f"p{n}", name=f"pipelining-{n}") for n in range(params["clients"])]
    for number, replies in enumerate(await rt.gather(*fast)):
        rt.observe(f"client {number}", replies)
    rt.observe("fast clients waited for the slow one", last.done())
    others_done.set()
    rt.observe("slow client", await last.join())
    server.close()
