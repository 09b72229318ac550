"""In which orders the tasks of a watched program take locks: what `--checks lock-order` asks for, as the events that
probe_abi.h lists under "What tasks wait for".

A lock that is taken by a task that has no other costs no record. What is taken while another is held is recorded with all
that is held, until those have given back again; of what happens over and over, the first times. Locks made at one place are
alike: as long as none made where an inner one was made is ever around one made where an outer one was, little of them is
recorded, for no circle can come of it. What is too much is said as unknown. Thread safety: any threads.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

TASK_END, JOIN, SYNC, WARNING = 12, 22, 24, 10  # enum trireme_event
_MOST_TIMES = 8  # that one lock is taken under others, always the same
_MOST_ALONE = 64  # pairs of locks made at two places that are in no circle
_MOST_IN_CIRCLES = 4096
_TRIED = 0  # nanoseconds until the wait would have ended by itself


class _Held:
    __slots__ = ("code", "kept", "line", "lock", "recorded")

    def __init__(self, lock: Any, code: Any, line: int, kept: bool) -> None:
        self.lock, self.code, self.line, self.kept = lock, code, line, kept
        self.recorded = False


class Orders:
    def __init__(self, probe: Any, place: Callable[[Any, int], str]) -> None:
        self._probe = probe
        self._place = place
        self._held: dict[int, list[_Held]] = {}  # by task
        self._times: dict[Any, int] = {}
        self._pairs: dict[Any, int] = {}  # by where the outer and the inner lock were made
        self._inner: dict[Any, set[Any]] = {}
        self._left_out: set[Any] = set()  # of the pairs, where something was not recorded
        self._said = False

    # Tasks

    def task_ends(self, number: int) -> None:
        self._held.pop(number, None)
        self._probe.record_for(number, TASK_END, 0, "returned", None)

    def joined(self, number: int, other: int) -> None:
        if other:
            self._probe.record_for(number, JOIN, other, "", None)

    # Locks

    def took(self, number: int, lock: Any, code: Any, line: int, kept: bool) -> None:
        now = _Held(lock, code, line, kept)
        held = self._held.get(number)
        if held is None:
            self._held[number] = [now]
            return
        # Who only tries it, or for a while, gives back in the end what it has: that is no order of the two.
        if held and kept and self._wanted(held, lock):
            for each in held:
                self._record(number, each, each is held[0])
            self._record(number, now, False)
        held.append(now)

    def gave(self, number: int, lock: Any) -> None:
        held = self._held.get(number, [])
        for index in range(len(held) - 1, -1, -1):
            if held[index].lock is lock:
                gone = held.pop(index)
                break
        else:
            return
        if gone.recorded:
            self._probe.record_for(number, SYNC, lock.trireme_number, "release", None)
        if not held:
            self._held.pop(number, None)

    def _wanted(self, held: list[_Held], lock: Any) -> bool:
        way = (*[self._number(each.lock) for each in held], self._number(lock))
        times = self._times.get(way, 0)
        if times == _MOST_TIMES:
            return False
        pair = (held[-1].lock.trireme_made, lock.trireme_made)
        if pair not in self._pairs:
            self._pairs[pair] = 0
            for each in held:
                self._inner.setdefault(each.lock.trireme_made, set()).add(lock.trireme_made)
            self._say_left_out()
        limit = _MOST_IN_CIRCLES if self._is_in_circle(pair) else _MOST_ALONE
        if self._pairs[pair] >= limit:
            self._left_out.add(pair)
            self._say_left_out()
            return False
        self._pairs[pair] += 1
        self._times[way] = times + 1
        return True

    def _is_in_circle(self, pair: Any) -> bool:
        outer, inner = pair
        seen, to_see = {inner}, [inner]
        while to_see:
            made = to_see.pop()
            if made == outer:
                return True
            for further in self._inner.get(made, ()):
                if further not in seen:
                    seen.add(further)
                    to_see.append(further)
        return False

    def _say_left_out(self) -> None:
        if self._said or not any(self._is_in_circle(pair) for pair in list(self._left_out)):
            return
        self._said = True
        self._probe.record(WARNING, 0, "watch", "locks were taken in too many ways to follow each order of them")

    # Records

    def _number(self, lock: Any) -> int:
        number: int = lock.trireme_number
        if not number:
            number = lock.trireme_number = self._probe.new_operation()
            value = {"kind": lock.trireme_kind, "size": 1, "place": self._place(*lock.trireme_made)}
            self._probe.record_json_for(0, SYNC, number, "new", json.dumps(value))
        return number

    def _record(self, number: int, held: _Held, outermost: bool) -> None:
        if held.recorded:
            return
        held.recorded = True
        value = self._place(held.code, held.line) if held.kept or outermost else _TRIED
        self._probe.record_for(number, SYNC, self._number(held.lock), "acquire", value)
