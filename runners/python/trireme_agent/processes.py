"""Processes and threads as /proc shows them, and the two prctl calls that Python lacks."""

from __future__ import annotations

import ctypes
import os
import posix
import resource
import signal
import sys
from time import monotonic
from time import sleep as _sleep  # by name: time.sleep itself may be patched later

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_GRACE = 0.2  # seconds that processes may outlive their trial
_OF_MULTIPROCESSING = ("from multiprocessing.resource_tracker import main", "from multiprocessing.forkserver import main")


def adopt_orphans_and_die_with_parent() -> None:
    """This process becomes the parent of what its descendants leave behind, and is killed when its own parent dies."""
    libc = ctypes.CDLL(None, use_errno=True)
    parent = posix.getppid()
    for option, value in ((_PR_SET_CHILD_SUBREAPER, 1), (_PR_SET_PDEATHSIG, int(signal.SIGKILL))):
        if libc.prctl(option, value, 0, 0, 0) != 0:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))
    if posix.getppid() != parent:  # it died before the kernel was told
        posix.kill(posix.getpid(), signal.SIGKILL)


def children() -> list[int]:
    """The children of this process, zombies too. Raises OSError where it cannot look."""
    found = []
    for thread in posix.listdir("/proc/self/task"):
        text = _read_if_there(f"/proc/self/task/{thread}/children")
        found += [int(pid) for pid in text.split()]
    return found


def command(pid: int) -> str:
    line = read(f"/proc/{pid}/cmdline").replace("\0", " ").strip()
    return line or f"[{read(f'/proc/{pid}/comm').strip()}]"


def is_of_multiprocessing(pid: int) -> bool:
    """Whether multiprocessing started it for itself. It lives as long as its parent, and ends by itself after that. A worker of
    a fork server, which has that one's command line, is its parent's, not ours."""
    line = command(pid)
    return any(main in line for main in _OF_MULTIPROCESSING)


def is_zombie(pid: int) -> bool:
    """Or gone. Raises OSError where it cannot look."""
    return _read_if_there(f"/proc/{pid}/stat").rpartition(")")[2].split()[:1] in (["Z"], [])


def thread_ids() -> list[int]:
    return [int(name) for name in posix.listdir("/proc/self/task")]


def reserved_memory() -> int:
    """Bytes of the address space that the interpreter only keeps for itself: without a GIL it does so by the gigabyte, and a
    limit of what a trial may use does not count them."""
    if "free-threading" not in sys.version:
        return 0
    size, resident = read("/proc/self/statm").split()[:2]
    return (int(size) - int(resident)) * resource.getpagesize()


def read(path: str) -> str:
    """Nothing where it cannot be read."""
    try:
        return _read_if_there(path)
    except OSError:
        return ""


def _read_if_there(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):  # a thread or process that has ended
        return ""


def reap() -> None:
    """Collects the children that have ended."""
    while True:
        try:
            pid, _ = posix.waitpid(-1, posix.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return


def end_orphans() -> list[dict[str, object]]:
    """Ends what a trial left behind, until nothing is left. Returns those that outlived it by the grace."""
    deadline = monotonic() + _GRACE
    while True:
        reap()
        left = children()
        if not left:
            return []
        if monotonic() >= deadline:
            break
        _sleep(0.01)
    orphans: list[dict[str, object]] = [{"pid": pid, "command": command(pid)} for pid in left]
    while left:
        for pid in left:
            try:
                posix.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        _sleep(0.002)
        reap()
        left = children()
    return orphans
