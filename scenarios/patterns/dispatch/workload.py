"""An aggregator between clients and backends, one of which is slow."""

import http.client

import trireme

ATTEMPTS = 20  # of one request
BACKEND_PATIENCE = 2.0  # seconds for one answer of a backend
FRONT_PATIENCE = 6.0  # seconds for one of the aggregator, who may have to ask again
PAUSE = 0.05  # seconds until a request is sent again

FAILURES = (OSError, EOFError, http.client.HTTPException, trireme.TimeoutExpired)


async def post(rt, url, body, patience):
    """The body of the answer; raises one of FAILURES where there is none."""
    async with rt.timeout(patience):
        response = await rt.http_request("POST", url, body)
    # http.client takes a head that ends early for a whole one, and the body after it for empty.
    if response.status != 200 or "content-length" not in response.headers:
        raise ConnectionError(f"no answer: status {response.status}")
    return response.body


class Backend:
    """Answers lines; the slow one answers only when `gate` is set."""

    def __init__(self, rt, name, gate, limit):
        self.name = name
        self._gate = gate
        self._limit = limit
        self.full = rt.event()
        self._lock = rt.lock()
        self._asked = set()
        self.answered = set()

    async def handle(self, request):
        async with self._lock:
            self._asked.add(request.body)
            if len(self._asked) == self._limit:
                self.full.set()
        if self._gate is not None:
            await self._gate.wait()
        async with self._lock:
            self.answered.add(request.body)
        return trireme.Response(body=f"{self.name}:{request.body.decode()}".encode())


class Aggregator:
    """Asks every backend, at most `limit` questions at a time each, and joins what they say in their order."""

    def __init__(self, rt, backends, urls, limit, on_answer):
        self._rt = rt
        self._backends = backends
        self._urls = urls
        self._slots = [rt.semaphore(limit) for _ in urls]
        self._lock = rt.lock()
        self._now = [0] * len(urls)
        self.most = [0] * len(urls)
        self._on_answer = on_answer

    async def handle(self, request):
        asked = [self._rt.spawn(self._ask, n, request.body) for n in range(len(self._urls))]
        answers = await self._rt.gather(*asked)
        if None in answers:
            return trireme.Response(status=502)
        return trireme.Response(body=b" ".join(answers))

    async def _ask(self, backend, question):
        """A backend's answer, asked for again while there is none: a question changes nothing."""
        answer = None
        for _ in range(ATTEMPTS):
            async with self._slots[backend]:
                answer = await self._attempt(backend, question)
            if answer is not None:
                break
            await self._rt.sleep(PAUSE)
        if answer is None:
            self._backends[backend].full.set()  # nobody need wait for this one
        await self._on_answer(backend, question)
        return answer

    async def _attempt(self, backend, question):
        async with self._lock:
            self._now[backend] += 1
            self.most[backend] = max(self.most[backend], self._now[backend])
        try:
            return await post(self._rt, self._urls[backend] + "/ask", question, BACKEND_PATIENCE)
        except FAILURES:
            return None
        finally:
            async with self._lock:
                self._now[backend] -= 1


async def main(rt, params):
    questions, count = params["questions"], params["backends"]
    gate = rt.event()
    lock = rt.lock()
    fast_answers = set()

    async def on_answer(backend, question):
        if backend == 0:
            return
        async with lock:
            fast_answers.add((backend, question))
            last = len(fast_answers) == questions * (count - 1)
        if last:
            await backends[0].full.wait()  # however late its questions come
            gate.set()

    backends = [Backend(rt, f"b{n}", gate if n == 0 else None, params["limit"]) for n in range(count)]
    servers = [await rt.http_server(backend.handle) for backend in backends]
    aggregator = Aggregator(rt, backends, [server.url for server in servers], params["limit"], on_answer)
    front = await rt.http_server(aggregator.handle)

    async def ask(number):
        for _ in range(ATTEMPTS):
            with rt.op("question", number) as op:
                try:
                    answer = await post(rt, front.url + "/", b"q%d" % number, FRONT_PATIENCE)
                    op.ok(answer.decode())
                    return [200, answer.decode()]
                except FAILURES as error:
                    op.fail(error)
            await rt.sleep(PAUSE)
        return None

    asked = [rt.spawn(ask, n, name=f"client-{n}") for n in range(questions)]
    for number, answer in enumerate(await rt.gather(*asked)):
        rt.observe(f"answer {number}", answer)
    for backend, most in zip(backends, aggregator.most, strict=True):
        rt.observe(f"{backend.name} answered", len(backend.answered))
        rt.observe(f"{backend.name} kept its limit", most <= params["limit"])
    rt.observe("slow backend filled its limit", aggregator.most[0] == params["limit"])
    front.close()
    for server in servers:
        server.close()
