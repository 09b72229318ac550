"""The pairs of sockets by which loops of asyncio wake themselves, on any runtime whose workload runs such a loop."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from trireme_agent import probe

_hook: Any = importlib.import_module("trireme_agent.command.trireme_own_pairs").hook
_hooked: list[Any] = []


def install() -> None:
    """For the loops that are made from now on, where asyncio was imported."""
    module = sys.modules.get("asyncio.selector_events")
    kind = getattr(module, "BaseSelectorEventLoop", None)
    if kind is not None and kind not in _hooked:
        _hooked.append(kind)
        _hook(kind, probe.own_pairs)
