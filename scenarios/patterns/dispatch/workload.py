"""An aggregator between clients and backends, one of which is slow."""

import contextlib
import http.client
import threading

import trireme

ATTEMPTS = 20  # of one request
BACKEND_PATIENCE = 0.5  # seconds for one answer of a backend
FRONT_PATIENCE = 1.0  # seconds for one of the aggregator, who may have to ask again
SHORTEST_PAUSE = 0.005  # seconds until a request is sent again; twice as long each time
LONGEST_PAUSE = 0.1
GIVE_UP = 6.0  # seconds after which a question is not sent again

FAILURES = (OSError, EOFError, http.client.HTTPException, trireme.TimeoutExpired)


def pause_after(attempt):
    """Seconds between an attempt, the first is 0, and the next."""
    return min(SHORTEST_PAUSE * 2**attempt, LONGEST_PAUSE)


async def post(rt, url, body, patience):
    """The body of the answer; raises one of FAILURES where there is none."""
    async with rt.timeout(patience):
        response = await rt.http_request("POST", url, body)
    # http.client takes a head that ends early for a whole one, and the body after it for empty.
    if response.status != 200 or "content-length" not in response.headers:
        raise ConnectionError(f"no answer: status {response.status}")
    return response.body


class Tasks:
    """What was spawned: what has not ended when the block is left, is ended."""

    def __init__(self, rt):
        self._rt = rt
        self._all = []
        self.ended = False

    def spawn(self, fn, *args, name=None):
        self._all.append(self._rt.spawn(fn, *args, name=name))
        return self._all[-1]

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        self.ended = True
        running = [task for task in self._all if not task.done()]
        for task in running:
            task.cancel()
        with contextlib.suppress(trireme.Cancelled):
            await self._rt.gather(*running)


class Gate:
    """Opens for the slow backend once the fast ones have answered, and that one has its limit of questions."""

    def __init__(self, rt, expected):
        self._lock = rt.lock()
        self._expected = expected
        self._answered = set()
        self._full = False
        self._open = rt.event()

    async def wait(self):
        await self._open.wait()

    async def answered(self, backend, question):
        """Or not to be waited for, since whoever asks was stopped."""
        if backend == 0:
            return
        async with self._lock:
            self._answered.add((backend, question))
        self._open_when_due()

    def fill(self):
        """The slow one has its limit of questions, or one of them need not be waited for."""
        self._full = True
        self._open_when_due()

    def _open_when_due(self):
        """By whoever is the second of the two, and without a wait that could be stopped."""
        if self._full and len(self._answered) == self._expected:
            self._open.set()

    def close(self):
        """Lets pass who waits: nobody asks any more."""
        self._open.set()


def is_cut(request):
    """eventlet.wsgi and http.server take a head that ends early for a whole one: its length is missing, and so is the body."""
    return not request.body


class Backend:
    """Answers lines; the slow one, which has a gate, only when that is open."""

    def __init__(self, rt, name, gate, limit):
        self.name = name
        self._gate = gate
        self._limit = limit
        self._lock = rt.lock()
        self._asked = set()
        self.answered = set()

    async def handle(self, request):
        if is_cut(request):
            return trireme.Response(status=400)
        async with self._lock:
            self._asked.add(request.body)
            if self._gate is not None and len(self._asked) == self._limit:
                self._gate.fill()
        if self._gate is not None:
            await self._gate.wait()
        async with self._lock:
            self.answered.add(request.body)
        return trireme.Response(body=f"{self.name}:{request.body.decode()}".encode())


class Aggregator:
    """Asks every backend, at most `limit` questions at a time each, and joins what they say in their order."""

    def __init__(self, rt, urls, limit, gate, tasks):
        self._rt = rt
        self._urls = urls
        self._gate = gate
        self._tasks = tasks
        self._slots = [rt.semaphore(limit) for _ in urls]
        self._lock = threading.Lock()  # not the runtime's: a task that is stopped counts itself out, and must not wait for that
        self._now = [0] * len(urls)
        self.most = [0] * len(urls)

    async def handle(self, request):
        if is_cut(request):
            return trireme.Response(status=400)
        asked = [self._tasks.spawn(self._ask, n, request.body) for n in range(len(self._urls))]
        try:
            answers = await self._rt.gather(*asked)
        except trireme.Cancelled:
            return trireme.Response(status=503)
        if None in answers:
            return trireme.Response(status=502)
        return trireme.Response(body=b" ".join(answers))

    async def _ask(self, backend, question):
        try:
            answer = await self._persist(backend, question)
            if answer is None and backend == 0:
                self._gate.fill()  # nobody need wait for this one
        finally:
            await self._gate.answered(backend, question)
        return answer

    async def _persist(self, backend, question):
        """A backend's answer, asked for again while there is none: a question changes nothing."""
        for attempt in range(ATTEMPTS):
            if self._tasks.ended:  # a request that came as the server closed
                break
            async with self._slots[backend]:
                answer = await self._attempt(backend, question)
            if answer is not None:
                return answer
            await self._rt.sleep(pause_after(attempt))
        return None

    async def _attempt(self, backend, question):
        with self._lock:
            self._now[backend] += 1
            self.most[backend] = max(self.most[backend], self._now[backend])
        try:
            return await post(self._rt, self._urls[backend] + "/ask", question, BACKEND_PATIENCE)
        except FAILURES:
            return None
        finally:
            with self._lock:
                self._now[backend] -= 1


class Client:
    """Asks the aggregator, again while there is no answer."""

    def __init__(self, rt, url, gate, backends):
        self._rt = rt
        self._url = url
        self._gate = gate
        self._backends = backends

    async def ask(self, number):
        question = b"q%d" % number
        answered = False
        try:
            answer = await self._persist(number, question)
            answered = answer is not None
            if not answered:
                self._gate.fill()  # given up: the questions that it would have led to do not come
        finally:
            if not answered:
                for backend in range(self._backends):
                    await self._gate.answered(backend, question)
        return answer

    async def _persist(self, number, question):
        begin = self._rt.now()
        for attempt in range(ATTEMPTS):
            if self._rt.now() - begin > GIVE_UP:
                break
            with self._rt.op("question", number) as op:
                try:
                    answer = await post(self._rt, self._url + "/", question, FRONT_PATIENCE)
                    op.ok(answer.decode())
                    return [200, answer.decode()]
                except FAILURES as error:
                    op.fail(error)
            await self._rt.sleep(pause_after(attempt))
        return None


async def main(rt, params):
    questions, count, limit = params["questions"], params["backends"], params["limit"]
    gate = Gate(rt, questions * (count - 1))
    backends = [Backend(rt, f"b{n}", gate if n == 0 else None, limit) for n in range(count)]
    async with contextlib.AsyncExitStack() as stack:
        urls = []
        for backend in backends:
            server = stack.enter_context(contextlib.closing(await rt.http_server(backend.handle)))
            urls.append(server.url)
        questioning = await stack.enter_async_context(Tasks(rt))
        aggregator = Aggregator(rt, urls, limit, gate, questioning)
        front = stack.enter_context(contextlib.closing(await rt.http_server(aggregator.handle)))
        clients = await stack.enter_async_context(Tasks(rt))
        stack.enter_context(contextlib.closing(gate))
        client = Client(rt, front.url, gate, count)
        asked = [clients.spawn(client.ask, n, name=f"client-{n}") for n in range(questions)]
        answers = await rt.gather(*asked)

    for number, answer in enumerate(answers):
        rt.observe(f"answer {number}", answer)
    for backend, most in zip(backends, aggregator.most, strict=True):
        rt.observe(f"{backend.name} answered", len(backend.answered))
        rt.observe(f"{backend.name} kept its limit", most <= limit)
    rt.observe("slow backend filled its limit", aggregator.most[0] == limit)
