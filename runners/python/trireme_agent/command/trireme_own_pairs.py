"""The pairs of sockets by which a loop of asyncio wakes itself, and the threads of eventlet.tpool their hub, are no connections
of the program's: a fault that holds up a byte of them loses a wake-up, and how many bytes they take says nothing of what the
program sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def hook(kind: Any, own_pairs: Callable[[bool], None]) -> None:
    """`kind`: asyncio's loop with a selector."""
    make = kind._make_self_pipe

    def make_own(loop: Any) -> None:
        own_pairs(True)
        try:
            make(loop)
        finally:
            own_pairs(False)

    kind._make_self_pipe = make_own


def hook_tpool(module: Any, own_pairs: Callable[[bool], None]) -> None:
    """`module`: eventlet.tpool, which connects its pair by TCP. Other green threads run before its setup() comes back: so it is
    not setup(), but each call of its sockets that is told."""
    set_up = module.setup

    def set_up_own() -> None:
        if module._setup_already:
            return
        plain = module.socket
        module.socket = _Sockets(plain, own_pairs)
        try:
            set_up()
        finally:
            module.socket = plain

    module.setup = set_up_own


class _Sockets:
    """The module `socket` for setup()."""

    def __init__(self, plain: Any, own_pairs: Callable[[bool], None]) -> None:
        self._plain = plain

        class OwnSocket(plain.socket):  # type: ignore[misc]  # whichever class eventlet takes
            __slots__ = ()

            def connect(self, address: Any) -> Any:
                own_pairs(True)
                try:
                    return super().connect(address)
                finally:
                    own_pairs(False)

            def accept(self) -> Any:
                own_pairs(True)
                try:
                    return super().accept()
                finally:
                    own_pairs(False)

        self.socket = OwnSocket

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plain, name)
