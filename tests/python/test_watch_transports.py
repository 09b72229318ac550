"""What makes uvloop's transports wait, with loops and transports that only look like its."""

from __future__ import annotations

import asyncio
import socket
import sys
from unittest import mock

import pytest

from agent import AGENT

sys.path.insert(0, str(AGENT / "command"))
from trireme_watch_transports import Transports  # found by its own name, as where it runs


class Probe:
    def __init__(self):
        self.task, self.numbers, self.standing, self.ended = 7, 7, [], []

    def new_task(self):
        self.numbers += 1
        return self.numbers

    def current_task(self):
        return self.task

    def set_task(self, task):
        self.task = task

    def wait_standing(self, fd, beside):
        assert not beside
        self.standing.append((self.task, fd))

    def record_for(self, task, kind, number, key, value):
        self.ended.append((task, kind))


class Transport:
    def __init__(self, sock):
        self.sock, self.reads, self.closes = sock, True, False

    def get_extra_info(self, what):
        return self.sock if what == "socket" else None

    def is_closing(self):
        return self.closes

    def is_reading(self):
        return self.reads


class Loop:
    async def create_unix_connection(self, protocol, sock=None):
        return Transport(sock), protocol

    async def create_connection(self, protocol, sock=None):
        return await self.create_unix_connection(protocol, sock=sock)  # as uvloop's does


    async def create_server(self, protocol_factory, sock=None):
        transport, protocol = Transport(sock), protocol_factory()
        protocol.connection_made(transport)
        return transport, protocol


for missing in ("connect_accepted_socket", "create_datagram_endpoint", "connect_read_pipe", "create_unix_server"):
    setattr(Loop, missing, None)


class Tls:
    """Cannot be referred to weakly."""

    __slots__ = ("protocol",)


class SSLProtocol:
    __slots__ = ("app_protocol", "transport")


class Below(Transport):
    __module__ = "uvloop.loop"


class Protocol:
    def __init__(self):
        self.made = []

    def connection_made(self, transport):
        self.made.append(transport)


class OwnAttribute:
    """A protocol that has its callback as an attribute, as a mock may."""

    def __init__(self):
        self.made = []
        self.connection_made = self.made.append


class Slots:
    __slots__ = ("made",)

    def __init__(self):
        self.made = []

    def connection_made(self, transport):
        self.made.append(transport)


@pytest.fixture
def probe():
    return Probe()


@pytest.fixture
def transports(probe):
    return Transports(probe)


@pytest.fixture
def hooked(transports):
    class Hooked(Loop):
        pass

    transports.hook_uvloop(Hooked)
    return Hooked


@pytest.fixture
def sock():
    one, other = socket.socketpair()
    with one, other:
        yield one


@pytest.fixture
def made(hooked, sock):
    return [asyncio.run(hooked().create_connection(print, sock=sock))[0]]  # and nobody else holds it


def test_a_transport_is_one_task(probe, transports, made):
    assert probe.standing == [(8, made[0].sock.fileno())]
    assert probe.task == 7
    assert transports.name(8) == "Transport 8"
    assert not transports.is_over(8)


@pytest.mark.parametrize("how", ["paused", "closed"])
def test_one_that_does_not_read(transports, made, how):
    made[0].reads, made[0].closes = how != "paused", how == "closed"
    assert transports.is_over(8)


def test_one_that_is_gone(probe, transports, made):
    made.clear()
    assert probe.ended == [(8, 12)]
    assert transports.name(8) == ""


def test_other_tasks(transports, made):
    assert not transports.is_over(7) and transports.name(7) == ""


@pytest.mark.parametrize("kind", [Protocol, OwnAttribute])
def test_one_that_a_server_accepts(probe, hooked, sock, kind):
    before = set(vars(kind()))
    transport, protocol = asyncio.run(hooked().create_server(kind, sock=sock))
    assert protocol.made == [transport]
    assert set(vars(protocol)) == before
    assert probe.standing == [(8, sock.fileno())]


def test_several_that_are_given_one_protocol(probe, hooked, sock):
    protocol, factories = Protocol(), []

    class Later(hooked):
        async def create_server(self, protocol_factory, sock=None):
            factories.append(protocol_factory)

    transports = Transports(probe)
    transports.hook_uvloop(Later)
    asyncio.run(Later().create_server(lambda: protocol))
    for made in [factories[0]() for _ in range(2)]:
        made.connection_made(Transport(sock))
    assert len(protocol.made) == 2
    assert vars(protocol) == {"made": protocol.made}
    assert [task for task, _ in probe.standing] == [8, 9]


def test_one_whose_protocol_has_slots(probe, hooked, sock):
    transport, protocol = asyncio.run(hooked().create_server(Slots, sock=sock))
    assert protocol.made == [transport]
    assert probe.standing == []


def test_one_of_tls(probe, transports, hooked, sock):
    class Secure(hooked):
        async def create_connection(self, protocol, sock=None):
            transport = Tls()
            transport.protocol = SSLProtocol()
            transport.protocol.app_protocol, transport.protocol.transport = mock.Mock(), Below(sock)
            return transport, protocol

    transports.hook_uvloop(Secure)
    transport, _ = asyncio.run(Secure().create_connection(print, sock=sock))
    assert probe.standing == [(8, sock.fileno())]
    transport.protocol.transport.reads = False
    assert transports.is_over(8)


def test_one_of_tls_whose_insides_are_others(probe, transports, hooked):
    class Secure(hooked):
        async def create_connection(self, protocol, sock=None):
            return Tls(), protocol

    transports.hook_uvloop(Secure)
    asyncio.run(Secure().create_connection(print))
    assert probe.standing == []
