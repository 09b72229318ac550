"""Stacks on demand: signal SIGRTMIN+12 writes those of all threads, then those of parked tasks, to a descriptor.

faulthandler writes the threads' from the signal handler itself, with or without the GIL. The tasks' need the GIL: they
follow when the main thread next runs Python code, and end with the line that the engine waits for.
"""

from __future__ import annotations

import faulthandler
import posix
import signal

from trireme_agent.backend import Backend

SIGNAL = 34 + 12  # SIGRTMIN+12 as the C library numbers it


def install(fd: int, backend: Backend) -> None:
    def write_tasks(*_: object) -> None:
        lines = []
        try:
            waiting = [each for each in list(backend.live.values()) if each.kind == "pool-place"]
            where = "{}, which submitted it; it waits in the pool's queue"
            queued = {f"{each.path} {each.name}": where.format(each.submitted or "?:0 in submit") for each in waiting}
            for name, stack in backend.parked():
                frames = [queued.pop(name), *stack] if name in queued else stack  # its own are the pool's
                lines += ["", f"Task {name} (parked, outermost first):", *(f"  {line}" for line in frames)]
            for name, place in queued.items():
                lines += ["", f"Task {name} (in the queue of its pool):", f"  {place}"]
        except RuntimeError as error:  # a table changed while another thread was at it
            lines.append(f"the tasks could not be listed: {error}")
        text = "\n".join([*lines, "== end of stacks", ""]).encode("utf-8", "replace")
        while text:
            text = text[posix.write(fd, text) :]

    signal.signal(SIGNAL, write_tasks)
    faulthandler.register(SIGNAL, file=fd, all_threads=True, chain=True)
