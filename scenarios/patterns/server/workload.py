"""An HTTP server whose clients keep alive, pipeline, drip and hurry."""

import contextlib

import trireme

ATTEMPTS = 20  # of one request
PATIENCE = 2.0  # seconds for one reply
PAUSE = 0.05  # seconds until a request is sent again

FAILURES = (OSError, EOFError, trireme.TimeoutExpired)


def request_bytes(host, path, body=b""):
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def read_line(stream):
    line = await stream.recv_until(b"\r\n")
    if not line:
        raise EOFError("the server ended before its reply did")
    return line


async def read_reply(stream):
    """Status and body of the next reply; headers that servers add are not looked at."""
    status = int((await read_line(stream)).split()[1])
    length = 0
    while (line := await read_line(stream)) != b"\r\n":
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    body = await stream.recv_exactly(length)
    if status not in (200, 404):
        raise ConnectionError(f"the server could not read the request: status {status}")
    return [status, body.decode()]


async def handle(request):
    if request.path.startswith("/missing"):
        return trireme.Response(status=404, body=b"missing")
    return trireme.Response(body=request.path.encode() + b" " + request.body[::-1])


class Client:
    """One connection at a time. A request that fails is sent again over a new one: none here changes anything."""

    def __init__(self, rt, server):
        self._rt = rt
        self._address = server.address
        self._stream = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    async def attempt(self, value, talk):
        """What `talk(stream)` returns; None when it fails."""
        with self._rt.op("request", value) as op:
            try:
                if self._stream is None:
                    async with self._rt.timeout(PATIENCE):
                        self._stream = await self._rt.connect(self._address)
                result = await talk(self._stream)
                op.ok(len(result))
                return result
            except FAILURES as error:
                op.fail(error)
        self.__exit__()
        return None

    async def persist(self, value, talk):
        for _ in range(ATTEMPTS):
            if (result := await self.attempt(value, talk)) is not None:
                return result
            await self._rt.sleep(PAUSE)
        return None

    async def ask(self, path, message):
        async def talk(stream):
            async with self._rt.timeout(PATIENCE):
                await stream.send_all(message)
                return await read_reply(stream)

        return await self.persist(path, talk)


class Tasks:
    """What main has spawned: where main is stopped, it ends them before it lets go of what they work on."""

    def __init__(self, rt):
        self._rt = rt
        self._all = []

    def spawn(self, fn, *args, name):
        self._all.append(self._rt.spawn(fn, *args, name=name))
        return self._all[-1]

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        running = [task for task in self._all if not task.done()]
        for task in running:
            task.cancel()
        with contextlib.suppress(trireme.Cancelled):
            await self._rt.gather(*running)


async def main(rt, params):
    with contextlib.closing(await rt.http_server(handle)) as server:
        async with Tasks(rt) as tasks:
            await serve_all(rt, params, server, tasks)


async def serve_all(rt, params, server, tasks):
    host = server.url.removeprefix("http://")
    others_done = rt.event()

    async def keep_alive(name):
        replies = []
        with Client(rt, server) as client:
            for n in range(params["requests"]):
                path = f"/missing/{n}" if n % 5 == 4 else f"/{name}/{n}"
                replies.append(await client.ask(path, request_bytes(host, path, b"abc" * n)))
        return replies

    async def pipelining(name):
        """All requests at once; after a failure one by one those that have no reply, as RFC 9112 (9.3.2) has it."""
        paths = [f"/{name}/{n}" for n in range(params["requests"])]
        messages = [request_bytes(host, path, b"%d" % n) for n, path in enumerate(paths)]
        replies = []

        async def all_at_once(stream):
            async with rt.timeout(PATIENCE):
                await stream.send_all(b"".join(messages))
                while len(replies) < len(messages):
                    replies.append(await read_reply(stream))
            return replies

        with Client(rt, server) as client:
            await client.attempt(name, all_at_once)
            for n in range(len(replies), len(messages)):
                replies.append(await client.ask(paths[n], messages[n]))
        return replies

    async def slow():
        message = request_bytes(host, "/slow", b"drip")

        async def drip(stream):
            for n in range(len(message) - 1):
                await stream.send_all(message[n : n + 1])
                await rt.checkpoint()
            await others_done.wait()
            async with rt.timeout(PATIENCE):
                await stream.send_all(message[-1:])
                return await read_reply(stream)

        with Client(rt, server) as client:
            return [await client.persist("/slow", drip)]

    last = tasks.spawn(slow, name="slow")
    fast = [tasks.spawn(keep_alive, f"k{n}", name=f"keep-alive-{n}") for n in range(params["clients"])]
    fast += [tasks.spawn(pipelining, f"p{n}", name=f"pipelining-{n}") for n in range(params["clients"])]
    answered = await rt.gather(*fast)
    waited = last.done()
    others_done.set()
    dripped = await last.join()
    for number, replies in enumerate(answered):
        rt.observe(f"client {number}", replies)
    rt.observe("slow client", dripped)
    rt.observe("fast clients waited for the slow one", waited)
