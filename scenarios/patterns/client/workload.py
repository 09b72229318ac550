"""A crawler with a bounded pool against a local HTTP server."""

import contextlib
import http.client

import trireme

ATTEMPTS = 20  # of one page
PATIENCE = 2.0  # seconds for one page
PAUSE = 0.05  # seconds until a page is asked for again

FAILURES = (OSError, EOFError, http.client.HTTPException, trireme.TimeoutExpired)


class Site:
    """Page k links to k * fanout + 1 ... k * fanout + fanout, as far as there are pages."""

    def __init__(self, rt, pages, fanout, cap):
        self._pages = pages
        self._fanout = fanout
        self._cap = cap
        self._lock = rt.lock()
        self._here = set()
        self.full = rt.event()
        self.served = set()
        self.requests = 0

    async def handle(self, request):
        async with self._lock:
            self.served.add(request.path)
            self.requests += 1
            # Page 0 is fetched alone; of the first wave after it, all are held until `cap` of them are here.
            if request.path != "/0":
                self._here.add(request.path)
            if len(self._here) == self._cap:
                self.full.set()
        if request.path != "/0":
            await self.full.wait()
        return self._page(request.path)

    def close(self):
        """Answers those that are held: nobody comes any more."""
        self.full.set()

    def _page(self, path):
        number = int(path[1:])
        if number % 10 == 9:
            return trireme.Response(status=404, body=b"no such page")
        first = number * self._fanout + 1
        links = range(first, min(first + self._fanout, self._pages))
        return trireme.Response(body="".join(f"/{link}\n" for link in links).encode())


class Crawler:
    """Fetches pages; one that fails is asked for again."""

    def __init__(self, rt, url, site):
        self._rt = rt
        self._url = url
        self._site = site
        self._lock = rt.lock()
        self._in_flight = 0
        self.most_in_flight = 0
        self.attempts = 0

    async def fetch(self, path):
        page = None
        try:
            page = await self._persist(path)
        finally:
            if page is None:
                self._site.close()  # the others of its wave need not wait for it
        return page or (path, None, "")

    async def _persist(self, path):
        for _ in range(ATTEMPTS):
            await self._enter()
            try:
                response = await self._attempt(path)
            finally:
                async with self._lock:
                    self._in_flight -= 1
            if response is not None:
                return path, response.status, response.body.decode()
            await self._rt.sleep(PAUSE)
        return None

    async def _enter(self):
        async with self._lock:
            self.attempts += 1
            self._in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)

    async def _attempt(self, path):
        with self._rt.op("fetch", path) as op:
            try:
                async with self._rt.timeout(PATIENCE):
                    response = await self._rt.http_request("GET", self._url + path)
                check(response)
                op.ok(response.status)
                return response
            except FAILURES as error:
                op.fail(error)
        return None


def check(response):
    """http.client takes a head that ends early for a whole one, and the body after it for empty."""
    if "content-length" not in response.headers:
        raise EOFError("the server ended before its reply did")
    if response.status not in (200, 404):
        raise ConnectionError(f"the server could not answer: status {response.status}")


async def main(rt, params):
    site = Site(rt, params["pages"], params["fanout"], params["cap"])
    with contextlib.closing(site), contextlib.closing(await rt.http_server(site.handle)) as server:
        crawler = Crawler(rt, server.url, site)
        order, total = await crawl(rt.pool(params["cap"]), crawler)

    rt.observe("order", order)
    rt.observe("bytes", total)
    rt.observe("served", len(site.served))
    rt.observe("requests doubled", site.requests > crawler.attempts)
    rt.observe("cap reached", crawler.most_in_flight >= params["cap"])
    rt.observe("cap respected", crawler.most_in_flight <= params["cap"])


async def crawl(pool, crawler):
    """Paths and statuses in their order, and the length of all pages."""
    level = ["/0"]
    order = []
    total = 0
    while level:
        results = await pool.map(crawler.fetch, level)
        level = []
        for path, status, body in results:
            order.append([path, status])
            total += len(body)
            if status == 200:
                level.extend(body.split())
    await pool.join()
    return order, total
