"""The servers whose requests per second ci/benchmarks.py compares: `app` for gunicorn; run as a program, one of aiohttp.

http_servers.py DESCRIPTOR serves on the listening socket that it inherits.
"""

from __future__ import annotations

import socket
import sys

BODY = b"ok"


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))])
    return [BODY]


def main() -> None:
    from aiohttp import web

    async def answer(request):
        return web.Response(body=BODY)

    application = web.Application()
    application.router.add_get("/", answer)
    web.run_app(application, sock=socket.socket(fileno=int(sys.argv[1])), print=None, access_log=None)


if __name__ == "__main__":
    main()
