"""How a process of a trial ends: at once, so that nothing that it leaked can hold it up.

The workload may fork. Its child is a copy of the trial that has nothing to report: where it falls out of main it ends.
"""

from __future__ import annotations

from posix import _exit, getpid  # by name: a workload may put others in their place
from typing import NoReturn

from trireme_agent import output


def leave(status: int) -> NoReturn:
    output.flush()
    _exit(status)


def is_child(process: int) -> bool:
    """Whether this is a child of that process, which began what now ends here."""
    return getpid() != process


def leave_child(error: BaseException | None) -> NoReturn:
    """As a program of its own would end that raised this, or nothing."""
    if isinstance(error, SystemExit) and (error.code is None or isinstance(error.code, int)):
        leave((error.code or 0) & 0xFF)
    if error is not None:
        output.show(error)
    leave(0 if error is None else 1)
