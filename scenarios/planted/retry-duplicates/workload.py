"""Clients ask a counter to add, again and again until it answers."""

import http.client

import trireme

FAILURES = (OSError, EOFError, http.client.HTTPException)


async def main(rt, params):
    total = [0]
    lock = rt.lock()

    async def add(request):
        async with lock:
            total[0] += 1
        return trireme.Response(body=b"added")

    server = await rt.http_server(add)

    async def client(name):
        for n in range(params["adds"]):
            with rt.op("add", 1) as op:
                while not await answered(f"/{name}/{n}"):
                    pass
                op.ok(1)

    async def answered(path):
        try:
            response = await rt.http_request("POST", server.url + path)
        except FAILURES:
            return False
        return response.body == b"added"

    clients = [rt.spawn(client, n, name=f"client-{n}") for n in range(params["clients"])]
    await rt.gather(*clients)
    server.close()
    rt.observe("total", total[0])
