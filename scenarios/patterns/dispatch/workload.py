"""An aggregator between clients and backends, one of which is slow."""

import trireme


class Backend:
    """Answers lines; the slow one answers only when `gate` is set."""

    def __init__(self, rt, name, gate, limit):
        self._rt = rt
        self.name = name
        self._gate = gate
        self._limit = limit
        self.full = rt.event()
        self._lock = rt.lock()
        self._now = 0
        self.most = 0
        self.answered = 0

    async def handle(self, request):
        async with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
            if self._now == self._limit:
                self.full.set()
        if self._gate is not None:
            await self._gate.wait()
        async with self._lock:
            self._now -= 1
            self.answered += 1
        return trireme.Response(body=f"{self.name}:{request.body.decode()}".encode())


class Aggregator:
    """Asks every backend, at most `limit` questions at a time each, and joins what they say in their order."""

    def __init__(self, rt, urls, limit, on_answer):
        self._rt = rt
        self._urls = urls
        self._slots = [rt.semaphore(limit) for _ in urls]
        self._on_answer = on_answer

    async def handle(self, request):
        asked = [self._rt.spawn(self._ask, n, request.body) for n in range(len(self._urls))]
        answers = await self._rt.gather(*asked)
        return trireme.Response(body=b" ".join(answers))

    async def _ask(self, backend, question):
        async with self._slots[backend]:
            response = await self._rt.http_request("POST", self._urls[backend] + "/ask", question)
        await self._on_answer(backend)
        return response.body


async def main(rt, params):
    questions, count = params["questions"], params["backends"]
    gate = rt.event()
    lock = rt.lock()
    fast_answers = [0]

    async def on_answer(backend):
        if backend == 0:
            return
        async with lock:
            fast_answers[0] += 1
            last = fast_answers[0] == questions * (count - 1)
        if last:
            await backends[0].full.wait()  # however late its questions come
            gate.set()

    backends = [Backend(rt, f"b{n}", gate if n == 0 else None, params["limit"]) for n in range(count)]
    servers = [await rt.http_server(backend.handle) for backend in backends]
    aggregator = Aggregator(rt, [server.url for server in servers], params["limit"], on_answer)
    front = await rt.http_server(aggregator.handle)

    async def ask(number):
        with rt.op("question", number) as op:
            response = await rt.http_request("POST", front.url + "/", b"q%d" % number)
            op.ok(response.body.decode())
        return [response.status, response.body.decode()]

    asked = [rt.spawn(ask, n, name=f"client-{n}") for n in range(questions)]
    for number, answer in enumerate(await rt.gather(*asked)):
        rt.observe(f"answer {number}", answer)
    for backend in backends:
        rt.observe(f"{backend.name} answered", backend.answered)
        rt.observe(f"{backend.name} kept its limit", backend.most <= params["limit"])
    rt.observe("slow backend filled its limit", backends[0].most == params["limit"])
    front.close()
    for server in servers:
        server.close()
