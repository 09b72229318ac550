"""What look-ups of Eventlet's own suffer, with a plan and a module of Eventlet's that only look like them."""

from __future__ import annotations

import errno
import socket
import sys
import types
from unittest import mock

import pytest

from agent import AGENT

sys.path.insert(0, str(AGENT / "command"))
import trireme_watch_names  # found by its own name, as where it runs

EAI_SYSTEM = -11
NONE = (0, 0)


@pytest.fixture
def eventlet(monkeypatch):
    """Its part that looks names up, and, as `green`, what is to be patched, which has two of the functions already."""
    names = types.SimpleNamespace(
        _getaddrinfo_lookup=mock.Mock(return_value="found"), gethostbyname=mock.Mock(return_value="1.2.3.4"),
        gethostbyname_ex=mock.Mock(return_value=("a", [], [])), is_ipv4_addr=lambda host: host[0].isdigit(),
    )  # fmt: skip
    green = types.SimpleNamespace(gethostbyname=names.gethostbyname, gethostbyname_ex=names.gethostbyname_ex)
    monkeypatch.setitem(sys.modules, "eventlet", mock.Mock())
    monkeypatch.setitem(sys.modules, "eventlet.green.socket", green)
    return types.SimpleNamespace(names=names, green=green, sleep=sys.modules["eventlet"].sleep)


def test_each_look_up_asks_the_plan_once(eventlet):
    plan = mock.Mock(return_value=NONE)
    trireme_watch_names.hook(eventlet.names, plan)
    trireme_watch_names.hook(eventlet.names, plan)  # by the next who finds it
    assert eventlet.names._getaddrinfo_lookup("name", socket.AF_UNSPEC, 0) == "found"
    assert eventlet.green.gethostbyname("name") == "1.2.3.4"
    assert eventlet.green.gethostbyname_ex("name") == ("a", [], [])
    assert plan.mock_calls == [mock.call(10)] * 3
    eventlet.sleep.assert_not_called()


def test_an_address_is_looked_up_nowhere(eventlet):
    plan = mock.Mock(return_value=(socket.EAI_AGAIN, 1))
    trireme_watch_names.hook(eventlet.names, plan)
    eventlet.names._getaddrinfo_lookup("127.0.0.1", socket.AF_UNSPEC, socket.AI_NUMERICHOST)
    eventlet.green.gethostbyname("127.0.0.1")
    plan.assert_not_called()


def test_it_waits_as_a_green_thread_and_fails_as_the_c_library_does(eventlet):
    trireme_watch_names.hook(eventlet.names, mock.Mock(return_value=(socket.EAI_AGAIN, 200_000_000)))
    with pytest.raises(socket.gaierror) as failed:
        eventlet.names._getaddrinfo_lookup("name", socket.AF_UNSPEC, 0)
    assert failed.value.errno == socket.EAI_AGAIN and "emporary" in failed.value.strerror
    eventlet.sleep.assert_called_once_with(0.2)


def test_an_error_of_the_system(eventlet):
    trireme_watch_names.hook(eventlet.names, mock.Mock(return_value=(EAI_SYSTEM, 0)))
    with pytest.raises(OSError) as failed:
        eventlet.green.gethostbyname("name")
    assert failed.value.errno == errno.EIO
