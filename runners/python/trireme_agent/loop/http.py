"""HTTP/1.1 on asyncio's streams, parsed by h11."""

from __future__ import annotations

import asyncio
import http
import socket
import urllib.parse
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import h11

import trireme
from trireme_agent.handlers import answer, other_headers
from trireme_agent.streams import descriptors
from trireme_agent.task import Task

if TYPE_CHECKING:
    from trireme_agent.backends.asyncio import AsyncioBackend

_BACKLOG = 1024
_CHUNK = 65536
_NO_REPLY = "the server closed the connection without a reply"
_REASONS = {status.value: status.phrase for status in http.HTTPStatus}


async def _next_event(connection: h11.Connection, reader: asyncio.StreamReader) -> Any:
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(await reader.read(_CHUNK))
    return event


def _response(connection: h11.Connection, status: int, headers: list[tuple[str, str]], body: bytes) -> bytes:
    """All bytes of a response."""
    headers = [*headers, ("Content-Length", str(len(body)))]
    message = connection.send(h11.Response(status_code=status, reason=_REASONS.get(status, ""), headers=headers)) or b""
    message += connection.send(h11.Data(data=body)) or b""
    return message + (connection.send(h11.EndOfMessage()) or b"")


def _continue(connection: h11.Connection) -> bytes:
    """What a client that sends its body only then waits for."""
    return connection.send(h11.InformationalResponse(status_code=100, reason=_REASONS[100], headers=[])) or b""


async def _read_body(connection: h11.Connection, reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while isinstance(event := await _next_event(connection, reader), h11.Data):
        body += event.data
    return bytes(body)


async def _reply_body(connection: h11.Connection, reader: asyncio.StreamReader) -> bytes:
    """One that is cut off is an end of stream, as http.client.IncompleteRead is, and no reset: none came."""
    try:
        return await _read_body(connection, reader)
    except h11.RemoteProtocolError as error:
        raise EOFError(str(error)) from error


def _headers(message: Any) -> trireme.Headers:
    return trireme.Headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in message.headers])


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def _end_reading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What comes after the end would be an error in the loop."""
    writer.transport.pause_reading()  # type: ignore[attr-defined]  # declared without it, as one that only writes
    reader.feed_eof()


async def request(method: str, url: str, body: bytes | None) -> trireme.Response:
    parts = urllib.parse.urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    try:
        connection = h11.Connection(h11.CLIENT)
        target = parts._replace(scheme="", netloc="").geturl() or "/"
        headers = [("Host", parts.netloc), ("Connection", "close")]
        if body is not None or method in ("POST", "PUT", "PATCH"):
            headers.append(("Content-Length", str(len(body or b""))))
        message = connection.send(h11.Request(method=method, target=target, headers=headers)) or b""
        if body:
            message += connection.send(h11.Data(data=body)) or b""
        writer.write(message + (connection.send(h11.EndOfMessage()) or b""))
        await writer.drain()
        reply = await _next_event(connection, reader)
        while isinstance(reply, h11.InformationalResponse) and reply.status_code == http.HTTPStatus.CONTINUE:
            reply = await _next_event(connection, reader)  # the answer comes behind it
        if isinstance(reply, h11.InformationalResponse):  # the answer, as http.client takes it
            return trireme.Response(reply.status_code, b"", _headers(reply))
        if not isinstance(reply, h11.Response):
            raise ConnectionResetError(_NO_REPLY)
        return trireme.Response(reply.status_code, await _reply_body(connection, reader), _headers(reply))
    except h11.RemoteProtocolError as error:
        if connection.trailing_data == (b"", True):
            raise ConnectionResetError(_NO_REPLY) from error
        raise  # what came is no HTTP: no family of errors, as http.client.BadStatusLine is of none
    finally:
        await _close(writer)


class LoopHttpServer:
    """asyncio.start_server; each connection is a task, a child of the task `service` that stands for the server."""

    def __init__(self, backend: AsyncioBackend, handler: Callable[[trireme.Request], Any], service: Task) -> None:
        self._backend = backend
        self._handler = handler
        self._service = service
        self._reading: dict[asyncio.StreamReader, asyncio.StreamWriter] = {}  # connections whose request has not come whole
        self._closing = False
        self._server: asyncio.Server

    @classmethod
    async def make(
        cls, backend: AsyncioBackend, handler: Callable[[trireme.Request], Any], service: Task
    ) -> LoopHttpServer:
        server = cls(backend, handler, service)
        service.started = True
        # Of a socket that could not be made asyncio's create_server() says nothing: it takes it for a family that there is not.
        sock = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        server._server = await asyncio.start_server(server._connected, sock=sock, backlog=_BACKLOG)
        server._fd = sock.fileno()
        descriptors.opened(backend, server._fd, "http-server")
        server.address = sock.getsockname()[:2]
        server.url = f"http://{server.address[0]}:{server.address[1]}"
        return server

    _fd: int
    address: Any
    url: str

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._backend.spawn(self._serve, (reader, writer), "http-connection", self._service)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER)
        try:
            with suppress(ConnectionError):
                await self._serve_all(connection, reader, writer)
        finally:
            await _close(writer)

    async def _serve_all(
        self, connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Until one side closes the connection, or what comes is no request."""
        try:
            while await self._serve_one(connection, reader, writer):
                connection.start_next_cycle()
        except h11.RemoteProtocolError as error:
            if connection.our_state in (h11.IDLE, h11.SEND_RESPONSE):
                writer.write(_response(connection, error.error_status_hint, [("Connection", "close")], b""))
                await writer.drain()

    async def _serve_one(
        self, connection: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Whether another request may follow."""
        self._reading[reader] = writer
        if self._closing:
            _end_reading(reader, writer)
        try:
            head = await _next_event(connection, reader)
            if not isinstance(head, h11.Request):
                return False
            if connection.they_are_waiting_for_100_continue:
                writer.write(_continue(connection))
                await writer.drain()
            body = await _read_body(connection, reader)
        finally:
            del self._reading[reader]
        method, path = head.method.decode("ascii"), head.target.decode("latin-1")
        response = await answer(self._backend, self._handler, trireme.Request(method, path, _headers(head), body))
        headers = other_headers(response)
        if self._closing:
            headers.append(("Connection", "close"))
        writer.write(_response(connection, response.status, headers, response.body))
        await writer.drain()
        return connection.our_state is h11.DONE and connection.their_state is h11.DONE

    def close(self) -> None:
        if self._closing:
            return
        self._closing = True
        descriptors.closed(self._fd)
        self._server.close()
        for reader, writer in self._reading.items():
            _end_reading(reader, writer)
        if self._service.outcome is None:
            self._service.finish("returned")
