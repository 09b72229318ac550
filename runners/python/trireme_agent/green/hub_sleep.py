"""A hub that has no descriptors sleeps instead of polling: the probe is told that its loop waits then."""

from __future__ import annotations

import sys
from typing import Any

from trireme_agent import probe


class Sleeping:
    """The module `time`, for a hub."""

    def __init__(self, time: Any) -> None:
        self._time = time

    def __getattr__(self, name: str) -> Any:
        return getattr(self._time, name)

    def sleep(self, seconds: float) -> None:
        probe.loop_waits(True)
        try:
            self._time.sleep(seconds)  # what the hub asked for
        finally:
            probe.loop_waits(False)


def tell() -> None:
    """REQUIRES: the hub that is used is imported."""
    for name in ("poll", "selects"):
        module: Any = sys.modules.get(f"eventlet.hubs.{name}")
        if module is not None and not isinstance(module.time, Sleeping):
            module.time = Sleeping(module.time)
