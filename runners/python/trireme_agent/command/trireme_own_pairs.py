"""The pair of sockets by which a loop of asyncio wakes itself is no connection of the program's: a fault that holds up a
byte of it loses a wake-up, and how many bytes it takes says nothing of what the program sent.
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
