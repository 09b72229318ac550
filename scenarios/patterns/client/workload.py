"""A crawler with a bounded pool against a local HTTP server."""

import trireme


class Site:
    """Page k links to k * fanout + 1 ... k * fanout + fanout, as far as there are pages."""

    def __init__(self, rt, pages, fanout, cap):
        self._rt = rt
        self._pages = pages
        self._fanout = fanout
        self._cap = cap
        self._lock = rt.lock()
        self._full = rt.event()
        self._in_flight = 0
        self.most_in_flight = 0
        self.served = 0

    async def handle(self, request):
        async with self._lock:
            self._in_flight += 1
            self.served += 1
            self.most_in_flight = max(self.most_in_flight, self._in_flight)
            # Page 0 is fetched alone; of the first wave after it, all are held until `cap` of them are here.
            if self._in_flight == self._cap:
                self._full.set()
        if request.path != "/0":
            await self._full.wait()
        response = self._page(request.path)
        async with self._lock:
            self._in_flight -= 1
        return response

    def _page(self, path):
        number = int(path[1:])
        if number % 10 == 9:
            return trireme.Response(status=404, body=b"no such page")
        first = number * self._fanout + 1
        links = range(first, min(first + self._fanout, self._pages))
        return trireme.Response(body="".join(f"/{link}\n" for link in links).encode())


async def main(rt, params):
    site = Site(rt, params["pages"], params["fanout"], params["cap"])
    server = await rt.http_server(site.handle)
    pool = rt.pool(params["cap"])

    async def fetch(path):
        with rt.op("fetch", path) as op:
            response = await rt.http_request("GET", server.url + path)
            op.ok(response.status)
        return path, response.status, response.body.decode()

    level = ["/0"]
    order = []
    total = 0
    while level:
        results = await pool.map(fetch, level)
        level = []
        for path, status, body in results:
            order.append([path, status])
            total += len(body)
            if status == 200:
                level.extend(body.split())
    await pool.join()
    server.close()

    rt.observe("order", order)
    rt.observe("bytes", total)
    rt.observe("served", site.served)
    rt.observe("cap reached", site.most_in_flight >= params["cap"])
    rt.observe("cap respected", site.most_in_flight <= params["cap"])
