"""The programs that are watched, and what is known of what is found there."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from programs.transports import LOOPS, READ_ONCE, READ_TWICE

PROGRAMS = Path(__file__).parent / "programs"
FORKED = "one listening socket in all workers, by design"
PARENT = "workers share a pipe by whose end they learn that their parent is gone; nobody writes to it"


@dataclass
class Watched:
    name: str
    runtime: str
    words: list[str]  # after the interpreter; PORT stands for that of a server, which is asked and told to stop
    needs: list[str] = field(default_factory=list)  # names of servers.py
    known: dict[str, str] = field(default_factory=dict)  # kinds of advisory findings that may be there: why
    wants: str = ""  # the kind of the one finding that must be there
    unseen: str = ""  # what may be unknown of it, as a regular expression of whole sentences

    @property
    def serves(self) -> bool:
        return "PORT" in " ".join(self.words)


def own(script: str, *words: str) -> list[str]:
    return ["-W", "ignore", str(PROGRAMS / script), *words]


def planted() -> list[Watched]:
    table = []
    for model in ("threads", "eventlet", "gevent", "asyncio", "uvloop"):
        for meeting in ("readers", "turns"):
            wants = "multiple-readers" if meeting == "readers" else ""
            table.append(Watched(f"planted: {meeting}", model, own("planted.py", model, meeting), wants=wants))
    for model in ("asyncio", "uvloop"):
        for meeting in ("gather", "callbacks", "streams", "loops"):
            words = own("planted.py", model, meeting)
            table.append(Watched(f"planted: {meeting}", model, words, wants="multiple-readers"))
        table.append(Watched("planted: own-loops", model, own("planted.py", model, "own-loops")))
    return table


def transports() -> list[Watched]:
    cases = [(case, "multiple-readers") for case in (*READ_TWICE, *LOOPS)] + [(case, "") for case in READ_ONCE]
    return [Watched(f"transport: {case}", "uvloop", own("transports.py", "uvloop", case), wants=wants) for case, wants in cases]


def oslo() -> list[Watched]:
    table = []
    for model in ("threads", "eventlet"):
        for part, name in (("log", "oslo.log"), ("fake", "oslo.messaging fake://"),
                           ("rabbit", "oslo.messaging rabbit://"), ("service", "oslo.service, 2 workers")):
            table.append(Watched(name, model, own("oslo.py", part, model), ["rabbitmq"] if part == "rabbit" else [],
                                 {"multiple-readers": PARENT} if part == "service" else {}))
    return table


def databases() -> list[Watched]:
    blocking, looping = ("threads", "eventlet", "gevent"), ("asyncio", "uvloop")
    clients = [("pymysql", "mariadb", blocking), ("aiomysql", "mariadb", looping), ("psycopg2", "postgresql", blocking[:2]),
               ("psycopg", "postgresql", blocking + looping), ("asyncpg", "postgresql", looping),
               ("redis", "redis", blocking + looping)]
    return [Watched(client, model, own("database.py", client, model), [server])
            for client, server, models in clients for model in models]


def servers() -> list[Watched]:
    gunicorn = ["-W", "ignore", "-m", "gunicorn", "--bind", "127.0.0.1:PORT", "--chdir", str(PROGRAMS), "-w", "2"]
    uvicorn = ["-m", "uvicorn", "--host", "127.0.0.1", "--port", "PORT", "--app-dir", str(PROGRAMS), "--loop"]
    shared = {"shared-listener": FORKED}
    return [*[Watched(f"gunicorn -k {kind}", kind, [*gunicorn, "-k", kind, "served:app"], known=shared)
              for kind in ("eventlet", "gevent", "gthread")],
            *[Watched("uvicorn", loop, [*uvicorn, loop, "served:asgi"]) for loop in ("asyncio", "uvloop")],
            *[Watched("aiohttp.web", loop, own("served.py", "PORT", loop)) for loop in ("asyncio", "uvloop")]]


def cpython() -> list[Watched]:
    # Its tests of VSOCK wait for ever on some virtual machines, watched or not.
    return [Watched("CPython's test_socket", "threads", ["-m", "test", "test_socket", "-i", "*VSOCK*"]),
            # One of its own tests reads the socket of a transport, which asyncio refuses; others start Pythons of their own.
            Watched("CPython's test_asyncio", "asyncio", ["-m", "test", "test_asyncio"], wants="multiple-readers",
                    unseen="of .* -[EI] only threads were told apart, .*"),
            Watched("CPython's test_ssl", "threads", ["-m", "test", "test_ssl"])]


TABLE = [*planted(), *transports(), *oslo(), *databases(), *servers(), *cpython()]
