"""What makes uvloop's transports wait, with loops and transports that only look like its."""

from __future__ import annotations

import asyncio
import socket
import sys

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

    def wait_standing(self, fd):
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


for missing in ("connect_accepted_socket", "create_datagram_endpoint", "connect_read_pipe"):
    setattr(Loop, missing, None)


@pytest.fixture
def probe():
    return Probe()


@pytest.fixture
def transports(probe):
    return Transports(probe)


@pytest.fixture
def made(transports):
    class Hooked(Loop):
        pass

    transports.hook_uvloop(Hooked)
    one, other = socket.socketpair()
    with one, other:
        yield [asyncio.run(Hooked().create_connection(print, sock=one))[0]]  # and nobody else holds it


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
