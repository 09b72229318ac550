"""Faults of name look-ups that Eventlet makes itself, over sockets of its own (where dnspython is installed): no call of the C
library says that one is made, so the plan is asked here.

Thread safety: any threads.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import sys
from collections.abc import Callable
from typing import Any

_GETADDRINFO = 10  # enum trireme_fault_call
_EAI_SYSTEM = -11  # netdb.h: errno says what it was
_LONGEST = 1e6  # seconds; what a hub can wait


def hook(greendns: Any, call_fails: Callable[[int], tuple[int, int]]) -> None:
    """Lets look-ups suffer what the plan has for getaddrinfo. `greendns`: eventlet.support.greendns, whether or not what is to
    be patched has taken its functions from there yet. `call_fails`: of the probe's builtins."""
    if hasattr(greendns, "trireme_names"):
        return
    greendns.trireme_names = True
    look_up = greendns._getaddrinfo_lookup

    def suffer_and_look_up(host: Any, family: int, flags: int) -> Any:
        if not flags & socket.AI_NUMERICHOST:
            _suffer(call_fails)
        return look_up(host, family, flags)

    greendns._getaddrinfo_lookup = suffer_and_look_up
    for name in ("gethostbyname", "gethostbyname_ex"):  # which CPython's own makes getaddrinfo of
        own: Callable[[Any], Any] = getattr(greendns, name)
        for module in (greendns, sys.modules.get("eventlet.green.socket")):
            if getattr(module, name, None) is own:
                setattr(module, name, _suffering(own, greendns.is_ipv4_addr, call_fails))


def _suffering(own: Callable[[Any], Any], is_address: Callable[[Any], bool], call_fails: Any) -> Callable[[Any], Any]:
    def suffer_and_look_up(host: Any) -> Any:
        if not is_address(host):
            _suffer(call_fails)
        return own(host)

    return suffer_and_look_up


def _suffer(call_fails: Callable[[int], tuple[int, int]]) -> None:
    error, delay = call_fails(_GETADDRINFO)
    if delay:
        sys.modules["eventlet"].sleep(min(delay / 1e9, _LONGEST))
    if error == _EAI_SYSTEM:
        raise OSError(errno.EIO, os.strerror(errno.EIO))
    if error:
        raise socket.gaierror(error, _text(error))


def _text(error: int) -> str:
    function = ctypes.CDLL(None).gai_strerror
    function.restype = ctypes.c_char_p
    text: bytes = function(error)
    return text.decode()
