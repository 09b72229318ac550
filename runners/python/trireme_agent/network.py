"""What the sockets and HTTP clients of all runtimes have in common. None of it knows of tasks."""

from __future__ import annotations

import re
import socket
import urllib.parse
from collections.abc import Callable, Iterable
from http.client import HTTPConnection
from typing import Any, TypeVar

import trireme
from trireme_agent.backend import Address

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110
_VISIBLE = re.compile(r"[!-~]+")

S = TypeVar("S", bound=Any)  # a socket.socket, or what a runtime has in its place


def family(address: Address) -> socket.AddressFamily:
    if isinstance(address, str):
        return socket.AF_UNIX
    return socket.AF_INET6 if ":" in address[0] else socket.AF_INET


def listening(sock: S, address: Address) -> S:
    """The same socket, which never waits for this; closed where the address cannot be had."""
    try:
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(1024)
    except BaseException:
        sock.close()
        raise
    return sock


def bound(sock: S, address: Address) -> S:
    """The same socket, of datagrams; closed where the address cannot be had."""
    try:
        sock.bind(address)
    except BaseException:
        sock.close()
        raise
    return sock


def no_delay(sock: S) -> S:
    """What asyncio's transports do by themselves: without it small messages wait for acknowledgements, 40 ms each."""
    if sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def addresses(found: Iterable[tuple[Any, ...]]) -> list[str]:
    """Of what getaddrinfo found, each once."""
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def must_be_request(method: str, url: str, body: bytes | None) -> None:
    """Raises for what cannot be sent, before any runtime's client sees it: each refuses something else, in its own way."""
    parts = urllib.parse.urlsplit(url)
    _ = parts.port  # a ValueError where it is no port
    if parts.scheme != "http" or not parts.hostname or not _VISIBLE.fullmatch(url):
        raise ValueError(f"rt.http_request takes an http:// address in ASCII, quoted where need be, not {url!r}")
    if not _TOKEN.fullmatch(method):
        raise ValueError(f"rt.http_request takes a method that is one word, not {method!r}")
    if body is not None and not isinstance(body, (bytes, bytearray, memoryview)):
        raise TypeError(f"rt.http_request takes a body of bytes, not a value of type {type(body).__name__}")


def fetch(make: Callable[[str, int], HTTPConnection], method: str, url: str, body: bytes | None) -> trireme.Response:
    """One request on a connection of its own, `make(host, port)`; blocks as that does."""
    parts = urllib.parse.urlsplit(url)
    connection: HTTPConnection = make(parts.hostname or "", parts.port or 80)
    try:
        connection.request(method, parts._replace(scheme="", netloc="").geturl() or "/", body=body)
        reply = connection.getresponse()
        return trireme.Response(reply.status, reply.read(), trireme.Headers(reply.getheaders()))
    finally:
        connection.close()
