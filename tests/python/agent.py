"""Drives an agent over the real protocol, as the engine does."""

from __future__ import annotations

import array
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import recording

ROOT = Path(__file__).parents[2]
AGENT = ROOT / "runners/python/trireme_agent"
FREE_THREADED = "free-threading" in sys.version
GREEN = ["eventlet", "eventlet-asyncio"]
RUNTIMES = [*GREEN, "threading", "asyncio"]
PROBE = os.environ.get("TRIREME_PROBE", str(ROOT / "build/dev/lib/trireme/libtrireme-probe.so"))


@dataclass
class Trial:
    """What one trial left: its history and what the runner said."""

    events: list[recording.Event]
    status: int
    orphans: list[dict[str, Any]]
    stdout: str
    stderr: str
    stacks: str

    def of(self, kind: str, key: str | None = None) -> list[recording.Event]:
        return [e for e in self.events if e.kind == kind and (key is None or e.key == key)]

    def observed(self) -> dict[str, Any]:
        return {event.key: event.value for event in self.of("observe")}

    def end(self) -> recording.Event:
        ends = self.of("end")
        assert len(ends) == 1, f"END {len(ends)} times, status {self.status}\n{self.stderr}"
        return ends[0]


class Agent:
    """One zygote."""

    def __init__(self, python: str, folder: Path, variables: dict[str, str]) -> None:
        self.folder = folder
        self._count = 0
        self.socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = dict(os.environ, LD_PRELOAD=PROBE, TRIREME_CONTROL_FD=str(other.fileno()), PYTHONHASHSEED="0")
        environment.pop("PYTEST_CURRENT_TEST", None)
        environment.update(variables)
        self.process = subprocess.Popen([python, str(AGENT)], env=environment, pass_fds=[other.fileno()])
        other.close()

    def send(self, message: dict[str, Any], descriptors: tuple[int, ...] = ()) -> None:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        self.socket.sendmsg([json.dumps(message).encode()], rights)

    def receive(self, timeout: float = 60) -> tuple[dict[str, Any], list[int]] | None:
        ready, _, _ = select.select([self.socket], [], [], timeout)
        assert ready, "the agent says nothing"
        data, ancillary, _, _ = self.socket.recvmsg(128 * 1024, socket.CMSG_SPACE(32))
        if not data:
            return None
        rights = array.array("i")
        for _, _, content in ancillary:
            rights.frombytes(content)
        return json.loads(data), list(rights)

    def load(self, runtime: str, workload: Path, isolation: str = "fork", version: int = 1) -> dict[str, Any]:
        with open(self.folder / "load.stderr", "wb") as stderr:
            self.send(
                {
                    "type": "load", "version": version, "runtime": runtime, "kind": "python",
                    "workload": str(workload), "isolation": isolation,
                },
                (stderr.fileno(),),
            )  # fmt: skip
            packet = self.receive()
        assert packet is not None
        return packet[0]

    def trial(self, params: Any = None, timeout: float = 30, **members: Any) -> Trial:
        with self.started(params, **members) as running:
            return running.finish(timeout)

    @contextlib.contextmanager
    def started(
        self, params: Any = None, *, faults: list[recording.TaskFault] | None = None, **members: Any
    ) -> Iterator[Running]:
        self._count += 1
        directory = self.folder / f"trial-{self._count}"
        directory.mkdir()
        recording.create(directory / "history.ring", faults=faults)
        files = [open(directory / name, "wb") for name in ("stdout", "stderr", "stacks")]
        message = {
            "type": "trial", "attempt": "a", "directory": str(directory), "history": str(directory / "history.ring"),
            "seed": "0x5eed", "inputs": "0x1", "params": params or {}, "memory": 0, "record": True, **members,
        }  # fmt: skip
        self.send(message, tuple(file.fileno() for file in files))
        for file in files:
            file.close()
        packet = self.receive()
        assert packet is not None and packet[0]["type"] == "started", packet
        yield Running(self, directory, packet[0]["pid"], packet[1][0])

    def close(self) -> None:
        self.socket.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


class Running:
    def __init__(self, agent: Agent, directory: Path, pid: int, pidfd: int) -> None:
        self.agent, self.directory, self.pid, self.pidfd = agent, directory, pid, pidfd

    def signal(self, number: int) -> None:
        signal.pidfd_send_signal(self.pidfd, number)

    def wait_for(self, text: str, name: str = "stacks", seconds: float = 20) -> str:
        end = time.monotonic() + seconds
        while text not in (found := (self.directory / name).read_text()):
            assert time.monotonic() < end, found
            time.sleep(0.01)
        return found

    def wait_ended(self) -> None:
        """Only waits: for benchmarks."""
        packet = self.agent.receive()
        assert packet is not None and packet[0]["type"] == "ended", packet
        os.close(self.pidfd)

    def finish(self, timeout: float = 30) -> Trial:
        ready, _, _ = select.select([self.agent.socket], [], [], timeout)
        if not ready:
            self.signal(34 + 12)
            with contextlib.suppress(AssertionError):
                self.wait_for("== end of stacks", seconds=3)
            print((self.directory / "stacks").read_text())
            print((self.directory / "stderr").read_text())
            for event in recording.read(self.directory / "history.ring")[-40:]:
                print(event)
            self.signal(signal.SIGKILL)
        packet = self.agent.receive()
        os.close(self.pidfd)
        assert packet is not None and packet[0]["type"] == "ended", packet
        assert ready, "the trial hangs"
        read = {name: (self.directory / name).read_text() for name in ("stdout", "stderr", "stacks")}
        events = recording.read(self.directory / "history.ring")
        return Trial(events, packet[0]["status"], packet[0]["orphans"], **read)


@contextlib.contextmanager
def agent(python: str, **variables: str) -> Iterator[Agent]:
    with tempfile.TemporaryDirectory(prefix="trireme-agent-") as folder:
        made = Agent(python, Path(folder), variables)
        try:
            yield made
        finally:
            made.close()
