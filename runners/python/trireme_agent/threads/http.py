"""The HTTP server of native threads: http.server.ThreadingHTTPServer, whose threads are tasks."""

from __future__ import annotations

import http.client
import http.server
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

import trireme
from trireme_agent.handlers import answer, other_headers
from trireme_agent.streams import descriptors
from trireme_agent.task import Task
from trireme_agent.threads import sockets
from trireme_agent.threads.waiting import WaitingBackend

ACCEPT_PAUSE = 0.1  # seconds, after an error of accept

# What a connection reads next; None: it answers.
_REQUEST_LINE = "request line"
_REST = "rest of a request"


class _Kept:
    """A file that its reader cannot close; stands for the socket of an http.client.HTTPResponse as well."""

    def __init__(self, file: Any) -> None:
        self.read = file.read
        self.readline = file.readline

    def makefile(self, _: str) -> _Kept:
        return self

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


def read_chunks(file: Any) -> bytes:
    """A chunked body, which http.server leaves to its handlers; http.client knows how to read it.

    Raises http.client.HTTPException or ValueError for one that is cut, or is no such body.
    """
    message = http.client.HTTPResponse(cast("socket.socket", _Kept(file)))
    message.chunked, message.chunk_left = True, None
    return message.read()


class _Handler(http.server.BaseHTTPRequestHandler):
    """One connection, in a task of its own."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body leave in one piece
    server: ThreadHttpServer

    def handle_one_request(self) -> None:
        self.server.reading(self.connection, _REQUEST_LINE)
        super().handle_one_request()

    def parse_request(self) -> bool:
        self.server.reading(self.connection, _REST)
        return super().parse_request()

    def handle_expect_100(self) -> bool:
        expected = super().handle_expect_100()
        self.wfile.flush()  # the client sends no more before it has this
        return expected

    def log_message(self, *_: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _body(self) -> bytes | None:
        """None where it did not come whole."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            with suppress(ValueError, http.client.HTTPException):
                return read_chunks(self.rfile)
            return None
        size = int(self.headers.get("Content-Length") or 0)
        body: bytes = self.rfile.read(size) if size else b""
        return body if len(body) == size else None

    def _answer(self) -> None:
        body = self._body()
        # Its client went away meanwhile. A head that is cut looks like a whole one, so whose reading was ended is not asked.
        if body is None or not self.server.begin_answer(self.connection):
            self.send_error(400)
            self.close_connection = True
            return
        request = trireme.Request(self.command, self.path, trireme.Headers(self.headers.items()), body)
        response = self.server.respond(request)
        self.send_response(response.status)
        for name, value in other_headers(response):
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        if self.server.closing:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        self.wfile.write(response.body)


def _end_reading(connection: Any) -> None:
    with suppress(OSError):  # its client may have reset it
        connection.shutdown(socket.SHUT_RD)


def _peer_of(connection: Any) -> Any:
    try:
        return connection.getpeername()
    except OSError as error:  # it was reset as soon as it was accepted
        raise ConnectionResetError(error.errno, error.strerror) from error


class ThreadHttpServer(http.server.ThreadingHTTPServer):
    """Its accept loop is the task `service`, each connection one of its children.

    close() refuses new connections at once, ends those whose request has not come whole, and lets the others answer theirs: a
    client that went away without a word (a half-open link) would be waited for without limit.
    """

    def __init__(self, backend: WaitingBackend, handler: Callable[[trireme.Request], Any], service: Task) -> None:
        super().__init__(("127.0.0.1", 0), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = sockets.listen(backend, ("127.0.0.1", 0))
        self._backend = backend
        self._handler = handler
        self._service = service
        self._connections: dict[Any, str | None] = {}  # a connection: what it reads
        self._ended: set[Any] = set()  # those whose request was cut by close()
        self.closing = False
        self.address = self.socket.getsockname()[:2]
        self.url = f"http://{self.address[0]}:{self.address[1]}"
        descriptors.opened(backend, self.socket.fileno(), "http-server")
        try:
            backend.start(service, self._accept, ())
        except RuntimeError:  # there is no thread to be had
            descriptors.closed(self.socket.fileno())
            self.server_close()
            raise

    def reading(self, connection: Any, what: str) -> None:
        self._connections[connection] = what
        if self.closing:
            self._end(connection, what)

    def begin_answer(self, connection: Any) -> bool:
        """Whether its request came whole."""
        self._connections[connection] = None
        return connection not in self._ended

    def _end(self, connection: Any, what: str) -> None:
        if what == _REST:
            self._ended.add(connection)
        _end_reading(connection)

    def respond(self, request: trireme.Request) -> trireme.Response:
        return self._backend.drive(answer(self._backend, self._handler, request))

    def _accept(self) -> None:
        try:
            while not self.closing:
                self._accept_one()
        finally:
            descriptors.closed(self.socket.fileno())
            self.server_close()

    def _accept_one(self) -> None:
        """As socketserver.BaseServer does it, an error of accept ends nothing; it pauses, where that would burn a processor."""
        try:
            connection = self.socket.accept_task()  # type: ignore[attr-defined]  # a TaskSocket, which the class declares as socket
        except OSError:
            if not self.closing:
                self._backend.drive(self._backend.sleep(ACCEPT_PAUSE))
            return
        try:
            self._backend.spawn(self._serve, (connection,), "http-connection", self._service)
        except RuntimeError:  # there is no thread to be had: as in socketserver, that is the end of this connection alone
            self.shutdown_request(connection)

    def _serve(self, connection: Any) -> None:
        self._connections[connection] = _REQUEST_LINE
        try:
            with suppress(ConnectionError):
                self.finish_request(connection, _peer_of(connection))
        finally:
            self._connections.pop(connection, None)
            self._ended.discard(connection)
            self.shutdown_request(connection)

    def close(self) -> None:
        if self.closing:
            return
        self.closing = True
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self._service.cancel()
        for connection, what in list(self._connections.items()):
            if what is not None:
                self._end(connection, what)
