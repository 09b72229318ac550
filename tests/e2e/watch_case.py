"""Programs that `trireme watch` runs, and what it found of them."""

from __future__ import annotations

import sys
from pathlib import Path

from trireme_case import Outcome, TriremeCase

VENV = Path.home() / ".local/share/trireme/venvs"
WITH_EVENTLET = next((str(path) for path in sorted(VENV.glob("3.*/bin/python3"))), None)

# Threads that sleep in recv, seen in the kernel: no time says so.
THREADS = """\
    import os, socket, threading
    RECV = {"x86_64": "45 ", "aarch64": "207 "}[os.uname().machine]
    def start(target, *args):
        thread = threading.Thread(target=target, args=args)
        thread.start()
        while not open(f"/proc/self/task/{thread.native_id}/syscall").read().startswith(RECV):
            pass
        return thread
    ours, theirs = socket.socketpair()
"""


class WatchCase(TriremeCase):
    def watch(self, program: str, *options: str, python: str = sys.executable) -> Outcome:
        self.write("program.py", program)
        return self.trireme("watch", *options, "--", python, "-W", "ignore", "program.py")

    def expect_readers(self, outcome: Outcome, count: int = 1) -> None:
        self.assertEqual(outcome.code, 1 if count else 0, outcome.err)
        self.assertEqual(outcome.err.splitlines()[-1], f"trireme: {count} findings, program exited 0", outcome.err)
        self.assertEqual(outcome.err.count("trireme: multiple-readers:"), count, outcome.err)
