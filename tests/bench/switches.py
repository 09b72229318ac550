"""What telling the probe which task runs costs in Python: switches.py set_task|greenlet_trace|step, under `trireme watch`.

For each line COUNT on standard input it tells that many switches and prints the seconds of processor time that one took.
`greenlet_trace` is what a switch of Eventlet's tells, `step` what a step of asyncio's does, which is two switches. What the
loop here takes is not counted, nor is the call that a step is without the probe, too. ci/benchmarks.py runs it.
"""

from __future__ import annotations

import ctypes
import itertools
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

SET_TASK, GREENLET_TRACE, STEP = 8, 9, 16  # places in the tuple of builtins, see probe_abi.h
TASKS = (1, 2)


def seconds(call: Callable[..., Any] | None, arguments: list[tuple[Any, ...]], count: int) -> float:
    turns = itertools.cycle(arguments)
    begin = time.process_time()
    if call is None:
        for _ in range(count):
            next(turns)
    else:
        for _ in range(count):
            call(*next(turns))
    return time.process_time() - begin


@dataclass
class Switch:
    tell: Callable[..., Any]
    bare: Callable[..., Any] | None  # what would be called anyway
    arguments: list[tuple[Any, ...]]  # of one call after the other
    switches: int  # that a call tells


def switch_of(kind: str, builtins: tuple[Callable[..., Any], ...]) -> Switch:
    if kind == "step":
        return Switch(builtins[STEP](TASKS[0], abs), abs, [(1,)], 2)
    if kind == "greenlet_trace":
        one, other = (SimpleNamespace(trireme_task=task) for task in TASKS)
        return Switch(builtins[GREENLET_TRACE], None, [("switch", (one, other)), ("switch", (other, one))], 1)
    return Switch(builtins[SET_TASK], None, [(task,) for task in TASKS], 1)


def main() -> None:
    make = ctypes.PyDLL(None).trireme_probe_python
    make.restype = ctypes.py_object
    switch = switch_of(sys.argv[1], make())
    print("ready", flush=True)
    for line in sys.stdin:
        count = int(line)
        told = seconds(switch.tell, switch.arguments, count) - seconds(switch.bare, switch.arguments, count)
        print(told / (count * switch.switches), flush=True)


main()
