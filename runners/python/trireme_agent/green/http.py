"""The HTTP server of green threads: eventlet.wsgi, whose connections are tasks."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import eventlet.wsgi

import trireme
from trireme_agent.handlers import answer, other_headers
from trireme_agent.streams import descriptors
from trireme_agent.task import Task

if TYPE_CHECKING:
    from trireme_agent.backends.eventlet import EventletBackend


class WsgiServer:
    """eventlet.wsgi in the task `service`; each connection is one of its children."""

    def __init__(self, backend: EventletBackend, handler: Callable[[trireme.Request], Any], service: Task) -> None:
        self._backend = backend
        self._handler = handler
        self._service = service
        self._socket = backend.listen(("127.0.0.1", 0))
        self.address = self._socket.getsockname()[:2]
        self.url = f"http://{self.address[0]}:{self.address[1]}"
        self._fd = self._socket.fileno()
        descriptors.opened(backend, self._fd, "http-server")
        self._pool = _ConnectionPool(backend, service)
        backend.start(service, self._serve, ())

    def _serve(self) -> None:
        pool, log = self._pool, _NoLog()
        eventlet.wsgi.server(self._socket, self._application, log=log, log_output=False, custom_pool=pool, debug=False)

    def _application(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        request = _request(environ)
        # To Eventlet a reset is an end of stream. A head that is cut looks like a whole one, so after close() none is asked.
        if request is None or not self._pool.begin_answer():
            start_response("400 Bad Request", [("Content-Length", "0"), ("Connection", "close")])
            return []
        try:
            response = self._backend.drive(answer(self._backend, self._handler, request))
        finally:
            self._pool.end_answer()
        headers = other_headers(response)
        reason = http.client.responses.get(response.status, "Unknown")
        start_response(f"{response.status} {reason}", [*headers, ("Content-Length", str(len(response.body)))])
        return [response.body]

    def close(self) -> None:
        if self._service.outcome is None:
            descriptors.closed(self._fd)
            self._socket.close()
            self._backend.cancel(self._service)
            self._pool.end_reading()


class _NoLog:
    """A file that keeps nothing and holds no descriptor, which would be a leak of the workload's in the census."""

    def write(self, text: str) -> None:
        pass

    def flush(self) -> None:
        pass


class _ConnectionPool:
    """What eventlet.wsgi asks of a pool: each connection becomes a task of the server.

    eventlet.wsgi ends connections that wait for a request when it is stopped, and waits for the others, without limit, also for
    the rest of a request: for ever where its client went away without a word (a half-open link). Those are ended here.
    """

    def __init__(self, backend: EventletBackend, service: Task) -> None:
        self._backend = backend
        self._service = service
        self._pool = eventlet.GreenPool(1024)
        self._sockets: dict[Task, Any] = {}
        self._answering: set[Task | None] = set()
        self._closing = False

    def spawn(self, fn: Callable[..., Any], *args: Any) -> Any:
        task = self._backend.new_task("http-connection", self._service)
        return self._pool.spawn(self._backend.run_here, task, self._run, (task, fn, *args))

    def _run(self, task: Task, fn: Callable[..., Any], connection: list[Any]) -> Any:
        """`connection` is address, socket and state."""
        self._sockets[task] = connection[1]
        try:
            return fn(connection)
        finally:
            del self._sockets[task]

    def begin_answer(self) -> bool:
        """Whether the current task may: false where close() came before its request had."""
        if not self._closing:
            self._answering.add(self._backend.current())
        return not self._closing

    def end_answer(self) -> None:
        self._answering.discard(self._backend.current())

    def end_reading(self) -> None:
        self._closing = True
        for task, sock in self._sockets.items():
            if task not in self._answering:
                with suppress(OSError):  # its client may have reset it
                    sock.shutdown(socket.SHUT_RD)

    def waitall(self) -> None:
        self._pool.waitall()


def _body(environ: dict[str, Any]) -> bytes | None:
    """None where it did not come whole."""
    if environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked":
        with suppress(OSError, eventlet.wsgi.ChunkReadError):
            chunks: bytes = environ["wsgi.input"].read()
            return chunks
        return None
    size = int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = environ["wsgi.input"].read(size) if size else b""
    return body if len(body) == size else None


def _request(environ: dict[str, Any]) -> trireme.Request | None:
    """None where its body did not come whole."""
    headers = [(name[5:].replace("_", "-"), value) for name, value in environ.items() if name.startswith("HTTP_")]
    headers += [
        (name.replace("_", "-"), environ[name]) for name in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(name)
    ]
    path = environ.get("RAW_PATH_INFO") or environ["PATH_INFO"]
    if environ.get("QUERY_STRING"):
        path += "?" + environ["QUERY_STRING"]
    body = _body(environ)
    if body is None:
        return None
    return trireme.Request(environ["REQUEST_METHOD"], path, trireme.Headers(headers), body)
