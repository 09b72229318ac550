"""The preloaded probe as Python builtins; harness/probe/probe_abi.h says what each does.

Without the probe (a program run by hand, a test of one part) the same names do nothing but number.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

# enum trireme_event
BEGIN, END, INVOKE, OK, FAIL, INFO, OBSERVE, OUTCOME, METRIC, WARNING = range(1, 11)
TASK_START, TASK_END, SWITCH, SOCKET, FAULT, WAIT, WAKE, PROCESS, EXCEPTION, CENSUS = range(11, 21)
EXIT, JOIN, CANCEL, SYNC, HOLD, USAGE, CONNECTION, WIRE, DEADLINE = range(21, 30)

_tasks = itertools.count(1)
_operations = itertools.count(1)
_current = [0]


def _nothing(*_: Any) -> None:
    return None


def _set_task(task: int) -> None:
    _current[0] = task


def _builtins() -> tuple[Callable[..., Any], ...] | None:
    try:
        function = ctypes.PyDLL(None).trireme_probe_python
    except AttributeError:
        return None
    function.restype = ctypes.py_object
    made: tuple[Callable[..., Any], ...] = function()
    return made


_FALLBACK: tuple[Callable[..., Any], ...] = (
    lambda path: 0,
    _nothing,
    _nothing,
    _nothing,
    _nothing,
    lambda key, value: next(_operations),
    lambda: next(_tasks),
    lambda: _current[0],
    _set_task,
    _nothing,
    lambda: 0,
    lambda: next(_operations),
    _nothing,
    _nothing,
    _nothing,
    lambda path, name, ordinal: 0,
    lambda task, send: send,
    _nothing,
    _nothing,
    lambda call: (0, 0),
    _nothing,
    _nothing,
    _nothing,
    _nothing,
    _nothing,
    _nothing,
)

_made = _builtins()
if _made is not None and len(_made) < len(_FALLBACK):
    raise ImportError(f"the preloaded probe has {len(_made)} functions for Python, the agent needs {len(_FALLBACK)}: "
                      "they are of two versions of Trireme")
preloaded = _made is not None
attach: Callable[[str], int]
record: Callable[[int, int, str, Any], None]
record_json: Callable[[int, int, str, str], None]
record_for: Callable[[int, int, int, str, Any], None]
record_json_for: Callable[[int, int, int, str, str], None]
invoke: Callable[[str, Any], int]
new_task: Callable[[], int]
current_task: Callable[[], int]
set_task: Callable[[int], None]
greenlet_trace: Callable[..., None]
now: Callable[[], int]
new_operation: Callable[[], int]
set_stack_source: Callable[[Callable[[int, int], str | None]], None]
wait_for: Callable[[int, int], None]
loop_waits: Callable[[bool], None]
point: Callable[[str, str, int], int]
step: Callable[[int, Callable[[Any], Any]], Callable[[Any], Any]]
wait_standing: Callable[[int, bool], None]
record_marked: Callable[[int, int, str, str], None]
call_fails: Callable[[int], tuple[int, int]]
serve: Callable[[int], None]
_switch_without_hub: Callable[..., None]  # only programs that are watched need it, and the last
set_reader_source: Callable[[Callable[[int], str]], None]
_loop_runs: Callable[[bool], None]
own_pairs: Callable[[bool], None]
set_writer_source: Callable[[Callable[[int], str]], None]
(
    attach,
    record,
    record_json,
    record_for,
    record_json_for,
    invoke,
    new_task,
    current_task,
    set_task,
    greenlet_trace,
    now,
    new_operation,
    set_stack_source,
    wait_for,
    loop_waits,
    point,
    step,
    wait_standing,
    record_marked,
    call_fails,
    serve,
    _switch_without_hub,
    set_reader_source,
    _loop_runs,
    own_pairs,
    set_writer_source,
) = _made or _FALLBACK


def served(fn: Callable[..., T]) -> Callable[..., T]:
    """`fn` for another thread: what it does there counts as the doing of the task that is current now, for faults."""
    task = current_task()

    def run(*args: Any) -> T:
        serve(task)
        try:
            return fn(*args)
        finally:
            serve(0)

    return run
