"""A task of the workload: what `rt.spawn` returns, on every runtime."""

from __future__ import annotations

import random
from collections.abc import Generator
from posix import getpid
from typing import TYPE_CHECKING, Any

import trireme
from trireme_agent import ending, errors, probe, random_numbers

if TYPE_CHECKING:
    from trireme_agent.backend import Backend, Deadline


class Task:
    """One task. Users call join(), cancel() and done(); the rest belongs to its backend.

    Its number is its own in the trial, its path ("1.3.2": parent, n-th spawn) is the same on every runtime.
    """

    def __init__(self, backend: Backend, parent: Task | None, name: str | None) -> None:
        self.backend = backend
        self.parent = parent
        self.process = getpid()
        self.path = parent.next_path() if parent is not None else "1"
        self.name = name or ("main" if parent is None else self.path)
        self.number = probe.new_task()
        self.children = 0
        self.native: Any = None  # the thread, greenlet or asyncio task that runs it
        self.started = False
        self.outcome: str | None = None  # returned, raised, cancelled; None while it lives
        self.result: Any = None
        self.error: BaseException | None = None
        self.joined = False
        # What Point keeps.
        self.ordinal = 0  # of its last API call that may wait
        self.kind: str | None = None  # of the call it is in
        self.what: int | None = None  # the number of what that call may wait for
        self.submitted = ""  # where, of one that a pool has not begun
        self.blocked = False  # that call waits now
        self.cancel_requested = False
        self.deadlines: list[Deadline] = []  # innermost last
        self.locals: dict[int, dict[str, Any]] = {}
        self._random: random.Random | None = None
        parent_number = parent.number if parent is not None else 0
        probe.record_for(self.number, probe.TASK_START, parent_number, self.path, self.name)

    def __repr__(self) -> str:
        return f"<Task {self.path} {self.name!r} {self.outcome or self.kind or 'running'}>"

    def next_path(self) -> str:
        self.children += 1
        return f"{self.path}.{self.children}"

    async def join(self) -> Any:
        """Its result, or raises what it raised; trireme.Cancelled when it was cancelled."""
        await self.wait_ended()
        self.joined = True
        probe.record(probe.JOIN, self.number, self.path, None)
        if self.outcome == "cancelled":
            raise trireme.Cancelled(f"task {self.path} ({self.name}) was cancelled")
        if self.error is not None:
            raise self.error
        return self.result

    async def wait_ended(self) -> None:
        await self.backend.point("join", self.backend.wait_task, self, what=self.number)

    def cancel(self) -> None:
        """Stops it at its next API call, or in the one that it is blocked in."""
        probe.record(probe.CANCEL, self.number, self.path, None)
        if self.outcome is None:
            self.backend.cancel(self)

    def done(self) -> bool:
        return self.outcome is not None

    def __await__(self) -> Generator[Any, None, Any]:
        return self.join().__await__()

    def random_source(self, inputs: str) -> random.Random:
        if self._random is None:
            self._random = random_numbers.for_task(int(inputs, 0), self.path)
        return self._random

    def finish(self, outcome: str, result: Any = None, error: BaseException | None = None) -> None:
        """Called once, by the task's own thread or greenlet, before whoever joins it is woken."""
        self.result, self.error = result, error
        if self.kind == "pool-place":  # it never got one
            probe.record_for(self.number, probe.WAKE, 0, self.kind, None)
        if not ending.is_child(self.process):  # where it is, the end of this task is its parent's to record
            text = errors.to_json(error) if error is not None else "null"
            probe.record_json_for(self.number, probe.TASK_END, 0, outcome, text)
        self.outcome = outcome
        self.backend.ended(self)
