"""Compares programs under `trireme watch` with the same programs alone, for ci/benchmarks.py.

Both arms of a comparison run at once and do nothing but when it is their turn. They take turns in blocks of a fraction
of a second, a pair of blocks in random order, so that whatever else the machine does meets both. What stands is the
median of the pairs' ratios, with the quartiles.
"""

from __future__ import annotations

import contextlib
import random
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

PROGRAMS = Path(__file__).resolve().parent.parent / "tests/bench"
CONNECTIONS = 8
REQUEST = b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n"
BODY = b"\r\n\r\nok"
BLOCK = 0.2  # seconds that a server is asked for
PATIENCE = 120  # seconds that a program may take to begin, to answer, or to end


@dataclass
class Ratio:
    """Of the watched arm to the other."""

    low: float
    median: float
    high: float

    def as_slowdown(self) -> str:
        low, median, high = ((value - 1) * 100 for value in (self.low, self.median, self.high))
        return f"{median:+.1f} % (quartiles {low:+.1f} % to {high:+.1f} %)"

    def as_rate(self) -> str:
        return f"{self.median:.3f}x (quartiles {self.low:.3f}x to {self.high:.3f}x)"


def compare(watched: Callable[[], float], alone: Callable[[], float], pairs: int, order: random.Random) -> Ratio:
    watched(), alone()  # the first block of a program loads what the others find loaded
    ratios = []
    for _ in range(max(pairs, 2)):
        values = {arm: arm() for arm in order.sample((watched, alone), 2)}
        ratios.append(values[watched] / values[alone])
    low, median, high = statistics.quantiles(ratios, n=4)
    return Ratio(low, median, high)


class Program:
    """A program that runs until the block ends; what it says on standard error is shown only if it ends by itself."""

    def __init__(self, command: list[str], descriptors: tuple[int, ...] = ()) -> None:
        self._command = command
        self._errors = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            bufsize=1,
            pass_fds=descriptors,
        )

    def __enter__(self) -> Program:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()

    def read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self.ended()
        return line.strip()

    def ask(self, text: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(text + "\n")
        return self.read()

    def ended(self) -> RuntimeError:
        self._errors.seek(0)
        return RuntimeError(f"{' '.join(self._command)} ended too early:\n{self._errors.read()[-2000:]}")


class Clients:
    """Connections that are kept alive, each with one request under way."""

    def __init__(self, server: Program, address: tuple[str, int]) -> None:
        self._server = server
        self._connections = [socket.create_connection(address, PATIENCE) for _ in range(CONNECTIONS)]

    def close(self) -> None:
        for connection in self._connections:
            connection.close()

    def rate(self) -> float:
        """Requests per second."""
        begin = time.perf_counter()
        requests = 0
        while (seconds := time.perf_counter() - begin) < BLOCK:
            for connection in self._connections:
                connection.sendall(REQUEST)
                # A server that sends head and body by themselves would wait 40 ms for us to say that we have the head.
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            for connection in self._connections:
                self._receive(connection)
            requests += len(self._connections)
        return requests / seconds

    def _receive(self, connection: socket.socket) -> None:
        reply = b""
        while not reply.endswith(BODY):
            data = connection.recv(4096)
            if not data:
                raise self._server.ended()
            reply += data


def compare_transfers(watch: list[str], python: str, kind: str, pairs: int, order: random.Random) -> Ratio:
    """Seconds of processor time of a round trip of 100 bytes."""
    count = {"threads": "4000", "eventlet": "500", "asyncio": "500"}[kind]
    command = [python, str(PROGRAMS / "transfers.py"), kind]
    with Program(watch + command) as watched, Program(command) as alone:
        watched.read(), alone.read()
        return compare(lambda: float(watched.ask(count)), lambda: float(alone.ask(count)), pairs, order)


def switch_seconds(watch: list[str], python: str, kind: str, blocks: int) -> float:
    """Seconds of processor time to tell the probe of one switch of task: the median of the blocks."""
    with Program([*watch, python, str(PROGRAMS / "switches.py"), kind]) as program:
        program.read(), program.ask("20000")
        return statistics.median(float(program.ask("20000")) for _ in range(blocks))


def server_command(python: str, server: str, descriptor: int) -> list[str]:
    if server == "aiohttp":
        return [python, str(PROGRAMS / "http_servers.py"), str(descriptor)]
    options = ["--bind", f"fd://{descriptor}", "--keep-alive", str(PATIENCE), "--pythonpath", str(PROGRAMS)]
    return [python, "-W", "ignore", "-m", "gunicorn", "-k", "eventlet", *options, "http_servers:app"]


@contextlib.contextmanager
def clients_of(watch: list[str], python: str, server: str) -> Iterator[Clients]:
    with socket.create_server(("127.0.0.1", 0), backlog=CONNECTIONS) as listener:
        descriptor = listener.fileno()
        with Program(watch + server_command(python, server, descriptor), (descriptor,)) as program:
            clients = Clients(program, listener.getsockname())
            try:
                yield clients
            finally:
                clients.close()


def compare_requests(watch: list[str], python: str, server: str, pairs: int, order: random.Random) -> Ratio:
    """Requests per second of `server`: gunicorn or aiohttp."""
    with clients_of(watch, python, server) as watched, clients_of([], python, server) as alone:
        return compare(watched.rate, alone.rate, pairs, order)
