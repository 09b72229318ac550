"""Servers of Debian's packages on ports of the loopback that are free, each with a folder of its own that goes with it."""

from __future__ import annotations

import contextlib
import os
import pwd
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PATIENCE = 120  # seconds that a server may take to answer
FIRST_UNPRIVILEGED = 1024
CANDIDATES = 10000  # ports


def environment(more: dict[str, str] | None = None) -> dict[str, str]:
    """Ours, without what would lead a program to somebody's own server."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "MYSQL", "REDIS", "RABBIT"))}
    return {**own, **(more or {})}


class MissingServer(Exception):
    """It is not installed. The text says what to install."""


def free_port() -> int:
    """Of those that the kernel gives to nobody who asks for any: one of these would be somebody's before its server has it,
    and its clients would ask him."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    candidates = range(max(FIRST_UNPRIVILEGED, lowest - CANDIDATES), lowest)
    for port in random.sample(candidates, len(candidates)):
        with contextlib.suppress(OSError), socket.socket() as sock:
            sock.bind(("127.0.0.1", port))
            return port
    raise RuntimeError(f"no port from {candidates.start} to {lowest - 1} is free")


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args} does not answer:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)


def program(name: str, package: str, *folders: str) -> str:
    path = os.pathsep.join([*folders, os.environ["PATH"], "/usr/sbin"])
    found = shutil.which(name, path=path)
    if found is None:
        raise MissingServer(f"no {name}: apt-get install --no-install-recommends {package}")
    return found


@contextlib.contextmanager
def folder(user: str | None = None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="trireme-real-") as name:
        if user is not None:
            os.chown(name, pwd.getpwnam(user).pw_uid, -1)
        yield Path(name)


@contextlib.contextmanager
def running(argv: list[str], log: Path, ready: Callable[[], bool], *, user: str | None = None,
            settings: dict[str, str] | None = None) -> Iterator[None]:
    with log.open("wb") as out:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=log.parent, user=user,
                                   env=environment(settings))
    try:
        wait_until(ready, process, log)
        yield
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def redis() -> Iterator[dict[str, str]]:
    server, port = program("redis-server", "redis-server"), free_port()
    with folder() as home, running([server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(home)],
                                   home / "log", lambda: answers(port)):
        yield {"REDIS_PORT": str(port)}


@contextlib.contextmanager
def mariadb() -> Iterator[dict[str, str]]:
    server, port = program("mariadbd", "mariadb-server-core"), free_port()
    user = pwd.getpwuid(os.getuid()).pw_name
    with folder() as home:
        data, files = f"--datadir={home}/data", [f"--socket={home}/sock", f"--pid-file={home}/pid"]
        subprocess.run([program("mariadb-install-db", "mariadb-server-core"), "--no-defaults", data, f"--user={user}",
                        "--auth-root-authentication-method=normal", "--skip-test-db"], check=True, capture_output=True)
        with running([server, "--no-defaults", data, f"--user={user}", "--bind-address=127.0.0.1", f"--port={port}", *files],
                     home / "log", lambda: answers(port)):
            yield {"MYSQL_PORT": str(port)}


@contextlib.contextmanager
def postgresql() -> Iterator[dict[str, str]]:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    server, port = program("postgres", "postgresql", *map(str, versions)), free_port()
    user = "postgres" if os.getuid() == 0 else None  # it refuses to run as root
    with folder(user) as home:
        data = str(home / "data")
        subprocess.run([program("initdb", "postgresql", *map(str, versions)), "-D", data, "-U", "trireme", "-A", "trust"],
                       check=True, capture_output=True, user=user, cwd=home)
        with running([server, "-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", str(home)], home / "log",
                     lambda: "ready to accept" in (home / "log").read_text(errors="replace"), user=user):
            yield {"PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": "trireme", "PGDATABASE": "postgres"}


@contextlib.contextmanager
def rabbitmq() -> Iterator[dict[str, str]]:
    server = program("rabbitmq-server", "rabbitmq-server", "/usr/lib/rabbitmq/bin")
    epmd = program("epmd", "rabbitmq-server")
    port, names, distribution = free_port(), free_port(), free_port()
    with folder() as home:
        settings = {
            "HOME": str(home), "ERL_EPMD_PORT": str(names), "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": "trireme@localhost", "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(port), "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"), "RABBITMQ_LOG_BASE": str(home / "logs"),
            "RABBITMQ_PID_FILE": str(home / "pid"), "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} -start_epmd false"}
        with running([epmd, "-port", str(names), "-address", "127.0.0.1"], home / "epmd-log", lambda: answers(names)), \
             running([server], home / "log", lambda: answers(port), settings=settings):
            yield {"RABBIT_URL": f"rabbit://guest:guest@127.0.0.1:{port}/"}
