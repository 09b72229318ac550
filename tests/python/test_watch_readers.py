"""What says that two of uvloop's loops wait for one socket, with loops that only look like its."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading

import pytest

from agent import AGENT

sys.path.insert(0, str(AGENT / "command"))
import trireme_watch_readers  # found by its own name, as where it runs


class Probe:
    def __init__(self):
        self.told = []

    def record_json(self, kind, number, action, value):
        self.told.append((kind, number, action, json.loads(value)))


@pytest.fixture
def probe():
    return Probe()


@pytest.fixture
def kind(probe):
    class Loop:
        def __init__(self):
            self.closed = False

        def add_reader(self, file, callback):
            trireme_watch_readers.descriptor(file)

        def remove_reader(self, file):
            return True

        def is_closed(self):
            return self.closed

    trireme_watch_readers.SharedReaders(probe, lambda frame: [frame.f_back.f_code.co_name]).hook(Loop)
    return Loop


@pytest.fixture
def pair():
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def test_two_loops_that_wait_for_one_socket(probe, kind, pair):
    first, second = kind(), kind()
    first.add_reader(pair[0], print)
    copy = os.dup(pair[0].fileno())
    second.add_reader(copy, print)
    os.close(copy)
    [(event, number, action, value)] = probe.told
    assert (event, number, action) == (14, os.fstat(pair[0].fileno()).st_ino, "second-reader")
    assert value["kind"] == "stream" and value["how"] == "epoll" and value["fd"] == copy
    assert value["other"]["fd"] == pair[0].fileno() and value["other"]["thread"] == threading.get_native_id()
    assert value["stack"] == ["test_two_loops_that_wait_for_one_socket"]


def test_a_loop_that_sets_its_callback_again(probe, kind, pair):
    loop = kind()
    loop.add_reader(pair[0], print)
    loop.add_reader(pair[0].fileno(), repr)
    assert probe.told == []


@pytest.mark.parametrize("ends", ["removed", "closed", "gone", "recycled"])
def test_a_loop_after_one_that_waits_no_more(probe, kind, pair, ends):
    first, second = kind(), kind()
    copy = os.dup(pair[0].fileno())
    first.add_reader(copy, print)
    if ends == "removed":
        first.remove_reader(pair[0])
    elif ends == "closed":
        first.closed = True
    elif ends == "gone":
        del first
    else:
        os.dup2(pair[1].fileno(), copy)
    second.add_reader(pair[0], print)
    os.close(copy)
    assert probe.told == []


def test_loops_that_have_their_own_sockets(probe, kind, pair):
    first, second = kind(), kind()
    first.add_reader(pair[0], print)
    second.add_reader(pair[1], print)
    assert probe.told == []


def test_eventfds_have_no_inode_of_their_own(probe, kind):
    first, second = kind(), kind()
    fds = [os.eventfd(0), os.eventfd(0)] if hasattr(os, "eventfd") else []
    for loop, fd in zip((first, second), fds, strict=False):
        loop.add_reader(fd, print)
    for fd in fds:
        os.close(fd)
    assert probe.told == []


def test_listeners_are_shared(probe, kind):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        first, second = kind(), kind()
        first.add_reader(listener, print)
        second.add_reader(listener, print)
    assert [action for _, _, action, _ in probe.told] == ["shared-listener"]
