"""Calling an HTTP handler of a workload, the same on every runtime."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import trireme
from trireme_agent import output
from trireme_agent.backend import Backend, Suspended


async def answer(backend: Backend, handler: Callable[[trireme.Request], Any], request: trireme.Request) -> trireme.Response:
    """What the handler returns; status 500 and an exception event of key `handler` where it raises."""
    try:
        response = handler(request)
        if inspect.isawaitable(response):
            response = await response
        if not isinstance(response, trireme.Response):
            raise TypeError(f"an HTTP handler returns a trireme.Response, not {type(response).__name__}")
        if request.method == "HEAD" or response.status in (204, 304):
            return trireme.Response(response.status, b"", response.headers)
        return response
    except BaseException as error:
        if isinstance(error, Suspended) or backend.is_stop(error):
            raise
        backend.report("handler", error)
        output.show(error)
        return trireme.Response(status=500, body=b"Internal Server Error")


def other_headers(response: trireme.Response) -> list[tuple[str, str]]:
    """The handler's headers but for the length, which is the server's to say."""
    return [(name, value) for name, value in (response.headers or {}).items() if name.lower() != "content-length"]
