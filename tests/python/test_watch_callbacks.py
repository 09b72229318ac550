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
    probe.wait_standing.assert_called_once_with(ours.fileno())
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
