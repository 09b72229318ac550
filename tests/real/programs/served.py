"""What the servers of table.py serve: `app` as WSGI, `asgi` as ASGI, and by aiohttp when this is run: served.py PORT LOOP."""

import sys


def app(environment, start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        for kind in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{kind}.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [[b"content-length", b"2"]]})
    await send({"type": "http.response.body", "body": b"ok"})


if __name__ == "__main__":
    from aiohttp import web

    async def answer(request):
        return web.Response(text="ok")

    served = web.Application()
    served.router.add_get("/", answer)
    loop = None
    if sys.argv[2] == "uvloop":
        import uvloop
        loop = uvloop.new_event_loop()
    web.run_app(served, host="127.0.0.1", port=int(sys.argv[1]), print=None, loop=loop)
