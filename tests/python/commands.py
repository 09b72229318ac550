"""A command workload's interpreter: started with the hook's folder first on PYTHONPATH, and what it tells."""

from __future__ import annotations

import os
import subprocess
import sys

import agent
import recording

HOOK = agent.AGENT / "command"
HUBS = {"eventlet": "epolls", "eventlet-asyncio": "asyncio"}  # as harness/protocol/runtimes.cc has it


class Command:
    def __init__(self, folder):
        self.folder = folder
        self.result = None

    def run(self, runtime, *argv, **environment):
        history = self.folder / "history.ring"
        recording.create(history)
        paths = os.pathsep.join([str(HOOK), *environment.pop("paths", [])])
        ours = {"LD_PRELOAD": agent.PROBE, "TRIREME_HISTORY": str(history), "PYTHONPATH": paths}
        arm = {"TRIREME_COMMAND_RUNTIME": runtime, "TRIREME_COMMAND_HUB": HUBS.get(runtime, "")}
        self.result = subprocess.run(
            [sys.executable, *argv],
            cwd=self.folder,
            env={**os.environ, **ours, **arm, **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.events = recording.read(history)
        return self

    def environment(self):
        [event] = [event for event in self.events if event.key == "environment"]
        return event.value

    def tests(self):
        return {e.key.rpartition("::")[2]: e.value for e in self.events if e.kind == "observe" and e.key[:5] == "test:"}
