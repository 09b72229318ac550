"""What says that gevent's green threads wait, with a socket that only looks like its."""

from __future__ import annotations

import sys
import types

import pytest

from agent import AGENT

sys.path.insert(0, str(AGENT / "command"))
import trireme_watch  # found by its own name, as where it runs


class Socket:
    _read_event, _write_event = "read", "write"

    def __init__(self, fd):
        self.fd = fd

    def fileno(self):
        return self.fd

    def _wait(self, watcher, timeout=None):
        return watcher, timeout


@pytest.mark.parametrize(("watcher", "fd", "told"), [("read", 5, [(5, False)]), ("write", 5, [(5, True)]), ("read", -1, [])])
def test_a_green_thread_waits_before_its_loop_has_turned(watcher, fd, told):
    class Mixin(Socket):
        pass

    waits = []
    watch = types.SimpleNamespace(probe=types.SimpleNamespace(wait_for=lambda *wait: waits.append(wait)))
    trireme_watch.Watch._hook_gevent_sockets(watch, types.SimpleNamespace(SocketMixin=Mixin))
    assert Mixin(fd)._wait(watcher, 3) == (watcher, 3)
    assert waits == told
