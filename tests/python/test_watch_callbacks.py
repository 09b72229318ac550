"""What makes a loop's callbacks wait, with loops and probes that only look like asyncio's and ours."""

from __future__ import annotations

import asyncio
import socket
import sys
from unittest import mock

from agent import AGENT

sys.path.insert(0, str(AGENT / "command"))
from trireme_watch_callbacks import Callbacks, handles_in_selector  # found by its own name, as where it runs


class Loop(asyncio.SelectorEventLoop):
    pass


def test_a_callback_stands_until_it_is_removed():
    probe = mock.Mock(**{"new_task.return_value": 8, "current_task.return_value": 7})
    Callbacks(probe).hook(Loop)
    loop = Loop()
    ours, theirs = socket.socketpair()
    loop.add_reader(ours, print)
    probe.wait_standing.assert_called_once_with(ours.fileno(), True)
    assert probe.set_task.mock_calls == [mock.call(8), mock.call(7)]
    loop.remove_reader(ours)
    probe.record_for.assert_called_once_with(8, 12, 0, "cancelled", None)
    loop.close()
    ours.close()
    theirs.close()


def test_a_selector_of_the_programs_own_has_nothing():
    loop = mock.Mock()  # as CPython's own tests of asyncio have one
    assert handles_in_selector(loop, 1) == (None, None)
    loop._selector.get_map.return_value = {}
    assert handles_in_selector(loop, 1) == (None, None)


class Other:
    """As uvloop's, which says nothing of its handles."""

    def __init__(self):
        self.running = True

    def add_reader(self, file, callback, *args):
        pass

    def remove_reader(self, file):
        return True

    def close(self):
        self.running = False

    def is_running(self):
        return self.running


def test_one_of_uvloop_stands_until_it_is_removed_or_replaced_or_its_loop_closed():
    for end in (lambda loop, sock: loop.remove_reader(sock), lambda loop, sock: loop.add_reader(sock.fileno(), print),
                lambda loop, sock: loop.close()):
        probe = mock.Mock(**{"new_task.side_effect": [8, 9], "current_task.return_value": 7})

        class Hooked(Other):
            pass

        callbacks, loop = Callbacks(probe), Hooked()
        callbacks.hook_uvloop(Hooked)
        ours, theirs = socket.socketpair()
        with ours, theirs:
            loop.add_reader(ours, print)
            probe.wait_standing.assert_called_once_with(ours.fileno(), True)
            assert callbacks.name(8) == "callback print"
            assert not callbacks.is_over(8, 0)
            loop.running = False
            assert callbacks.is_over(8, 0)
            probe.record_for.assert_not_called()
            end(loop, ours)
            probe.record_for.assert_called_once_with(8, 12, 0, "cancelled", None)


def test_of_two_callbacks_of_one_loop_either_is_called():
    probe = mock.Mock(**{"new_task.side_effect": [8, 9], "current_task.return_value": 0})
    callbacks = Callbacks(probe)

    class Hooked(Other):
        def is_running(self):
            return False

    callbacks.hook_uvloop(Hooked)
    loop = Hooked()
    for fd in (5, 6):  # copies of one descriptor
        loop.add_reader(fd, print)
    assert callbacks.is_over(8, 0)  # what asks is other code of the loop's thread
    probe.current_task.return_value = 9
    assert not callbacks.is_over(8, 0)
    loop.remove_reader(5)
    assert not callbacks.is_over(8, 0) and callbacks.name(8) == ""  # which no one stands for any more


class Peculiar:
    """What a program may call: an object whose attributes are code of its own, which fails."""

    def __getattr__(self, name):
        raise ValueError(name)

    def __call__(self):
        pass


def test_an_object_is_told_by_its_class_and_asked_nothing():
    probe = mock.Mock(**{"new_task.return_value": 8, "current_task.return_value": 7})
    callbacks = Callbacks(probe)

    class Hooked(asyncio.SelectorEventLoop):
        pass

    callbacks.hook(Hooked)
    loop = Hooked()
    ours, theirs = socket.socketpair()
    loop.add_reader(ours, Peculiar())
    assert callbacks.name(8) == "callback Peculiar"
    assert callbacks.place(8).endswith(" in __call__")
    loop.close()
    ours.close()
    theirs.close()


def write_what_there_is():
    pass


def writer_of(loop, sock):
    """What is told, in the thread of the loop that runs, of a callback to write."""
    told = []
    loop.call_soon(lambda: told.append(Callbacks(mock.Mock()).writer(sock.fileno())))
    loop.call_soon(loop.stop)
    loop.run_forever()
    return told[0]


def test_a_callback_to_write_has_a_name_as_long_as_its_loop_has_it():
    loop = asyncio.SelectorEventLoop()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert Callbacks(mock.Mock()).writer(ours.fileno()) == ("", "")  # no loop runs
        loop.add_reader(ours, print)
        assert writer_of(loop, ours) == ("", "")
        loop.add_writer(ours, write_what_there_is)
        name, place = writer_of(loop, ours)
        assert name == "callback write_what_there_is"
        assert place.endswith(" in write_what_there_is")
        loop.remove_writer(ours)
        assert writer_of(loop, ours) == ("", "")
        loop.add_writer(ours, asyncio.Future(loop=loop).cancel)  # of asyncio's own, in C
        loop.close()


def test_asyncios_own_callbacks_to_write_are_not_named():
    loop = asyncio.SelectorEventLoop()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        future = loop.create_future()
        loop.add_writer(ours, loop._sock_sendall, future, ours, memoryview(b"x"), [0])
        assert writer_of(loop, ours) == ("", "")
        loop.remove_writer(ours)
        loop.close()


def test_a_callback_to_write_of_uvloop_is_kept_until_it_is_removed():
    class Hooked(Other):
        def add_writer(self, file, callback, *args):
            pass

        def remove_writer(self, file):
            return True

    callbacks, loop = Callbacks(mock.Mock()), Hooked()
    callbacks.hook_writers_of_uvloop(Hooked)
    asyncio._set_running_loop(loop)
    try:
        loop.add_writer(5, write_what_there_is)
        assert callbacks.writer(5)[0] == "callback write_what_there_is"
        assert callbacks.writer(6) == ("", "")
        loop.remove_writer(5)
        assert callbacks.writer(5) == ("", "")
    finally:
        asyncio._set_running_loop(None)
