"""`rt.random`: the same numbers for the same inputs and task path in every language; runners/sdk has the C++ side."""

from __future__ import annotations

import random
from typing import Any

_MASK = (1 << 64) - 1
_STEP = 0x9E3779B97F4A7C15


class Random(random.Random):
    """SplitMix64. What the base class makes of random() and getrandbits() (randrange, choice, shuffle) follows."""

    _state = 0

    def seed(self, a: Any = 0, version: int = 2) -> None:
        """An integer is the state itself; of anything else its text counts."""
        self._state = a & _MASK if isinstance(a, int) else _hash(str(a))
        self.gauss_next = None

    def next(self) -> int:
        value = _mix(self._state)
        self._state = (self._state + _STEP) & _MASK
        return value

    def random(self) -> float:
        return (self.next() >> 11) * 2.0**-53

    def getrandbits(self, k: int, /) -> int:
        """Whole draws from the lowest bits on; of the last one its upper bits."""
        if k < 0:
            raise ValueError("number of bits must be non-negative")
        bits = 0
        for place in range(0, k, 64):
            bits |= (self.next() >> max(0, 64 - (k - place))) << place
        return bits

    def getstate(self) -> tuple[Any, ...]:
        return self._state, self.gauss_next

    def setstate(self, state: tuple[Any, ...]) -> None:
        self._state, self.gauss_next = state


def for_task(inputs: int, path: str) -> Random:
    return Random(_mix((inputs ^ _hash(path)) & _MASK))


def _mix(value: int) -> int:
    value = (value + _STEP) & _MASK
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB & _MASK
    return value ^ (value >> 31)


def _hash(text: str) -> int:
    """FNV-1a."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 & _MASK
    return value
