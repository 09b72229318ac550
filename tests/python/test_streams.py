"""The bytes that a stream read too much, under several threads."""

from __future__ import annotations

import sys
import threading

import pytest

from trireme_agent.streams import _Buffer

THREADS = 4
LINES = 3000


@pytest.fixture(autouse=True)
def switching_often():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # where there is a GIL
    yield
    sys.setswitchinterval(before)


def test_each_byte_goes_to_one_of_its_threads():
    buffer = _Buffer()
    start = threading.Barrier(THREADS)
    got = [[] for _ in range(THREADS)]

    def work(own):
        start.wait()
        for n in range(LINES):
            buffer.add(b"%d\n" % n)
            own.append(buffer.take_until(b"\n"))

    threads = [threading.Thread(target=work, args=(own,)) for own in got]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = [line for own in got for line in own]
    assert len(buffer) == 0
    assert sorted(lines) == sorted(b"%d\n" % n for n in range(LINES) for _ in range(THREADS))


def test_searches_again_what_came_after():
    buffer = _Buffer()
    buffer.add(b"one\r")
    assert buffer.take_until(b"\r\n") is None
    buffer.add(b"\ntwo\n")
    assert buffer.take_until(b"\r\n") == b"one\r\n"
    assert buffer.take_until(b"\n") == b"two\n"


def test_searches_from_the_beginning_after_another_took_something():
    buffer = _Buffer()
    buffer.add(b"ab\n")
    assert buffer.take_until(b"|") is None
    assert buffer.take(2) == b"ab"
    buffer.add(b"|c|")
    assert buffer.take_until(b"|") == b"\n|"
    assert buffer.take_exactly(3) is None
    assert buffer.take_exactly(2) == b"c|"
