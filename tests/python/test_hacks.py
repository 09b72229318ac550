"""The search for what depends on multiple readers: each thing that it finds has a twin that it must not find."""

from __future__ import annotations

import json
import os
import textwrap

import pytest

from trireme_agent import hacks

OFF = "multiple-readers-allowed"


@pytest.fixture
def scan(tmp_path, capsys):
    """Scans the files {name: text or bytes} and gives back what was found, and what was not scanned."""

    def run(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else textwrap.dedent(text).encode())
        names = list(files)
        (tmp_path / "paths").write_bytes(b"".join(os.fsencode(tmp_path / name) + b"\0" for name in names))
        hacks.main(str(tmp_path / "paths"))
        answer = json.loads(capsys.readouterr().out.splitlines()[-1])
        found = [(names[each["file"]], each["line"], each["column"], each["kind"]) for each in answer["findings"]]
        return found, {names[each["file"]]: (each["line"], each["reason"]) for each in answer["unscanned"]}

    return run


def in_one_file(scan, text):
    found, unscanned = scan({"a.py": text})
    assert unscanned == {}
    return [place[1:] for place in found]


FOUND = {
    "a module by another name": ("import eventlet.debug as d\nd.hub_prevent_multiple_readers(False)", (2, 1, OFF)),
    "the whole name": ("import eventlet.debug\neventlet.debug.hub_prevent_multiple_readers(state=False)", (2, 1, OFF)),
    "a from import": ("from eventlet.debug import hub_prevent_multiple_readers as off\noff(False)", (2, 1, OFF)),
    "what is only known when it runs": (
        "from eventlet import debug\ndef quiet(**how): debug.hub_prevent_multiple_readers(**how)", (2, 19, OFF),
    ),
    "an alias": ("import eventlet\noff = eventlet.debug.hub_prevent_multiple_readers\noff(0)", (3, 1, OFF)),
    "an alias of an alias": (
        "from eventlet import debug\none = debug\ntwo = one.hub_prevent_multiple_readers\ntwo(False)", (4, 1, OFF),
    ),
    "one of two assigned": (
        "from eventlet import debug\na, b = 1, debug.hub_prevent_multiple_readers\nb(False)", (3, 1, OFF),
    ),
    "getattr": ("import eventlet.debug\ngetattr(eventlet.debug, 'hub_prevent_multiple_readers')(False)", (2, 1, OFF)),
    "getattr of joined constants": (
        "import eventlet.debug\nname = 'hub_' + 'prevent_multiple_readers'\ngetattr(eventlet.debug, name)(False)", (3, 1, OFF),
    ),
    "setattr of the flag": (
        "from eventlet.hubs import hub\nsetattr(hub, 'g_prevent_multiple_readers', False)", (2, 1, OFF),
    ),
    "the flag itself": ("import eventlet.hubs.hub as hub\nhub.g_prevent_multiple_readers = False", (2, 1, OFF)),
    "a module that may be absent": (
        "from oslo_utils import importutils as i\ne = i.try_import('eventlet')\ne.hubs.use_hub()", (3, 1, "hub-choice"),
    ),
    "a module by its text": (
        "import importlib\nimportlib.import_module('eventlet.debug').hub_prevent_multiple_readers(False)", (2, 1, OFF),
    ),
    "a star": ("from eventlet.debug import *\nhub_prevent_multiple_readers(False)", (2, 1, OFF)),
    "a fallback": (
        "try:\n from eventlet.debug import hub_prevent_multiple_readers as f\nexcept ImportError:\n f = print\nf(False)",
        (5, 1, OFF),
    ),
    "a text that is run": ('exec("from eventlet import debug; debug.hub_prevent_multiple_readers(False)")', (1, 1, OFF)),
    "a text of several lines": (
        "import textwrap\nC = '''\n  from eventlet import debug as d\n  d.hub_prevent_multiple_readers(False)\'''\n"
        "exec(compile(textwrap.dedent(C), 'c', 'exec'))", (5, 1, OFF),
    ),
    "a text that is evaluated with the names of the module": (
        "import eventlet.debug\neval('eventlet.debug.hub_prevent_multiple_readers(False)')", (2, 1, OFF),
    ),
    "what a text binds for those behind it": (
        "exec('from eventlet import debug')\ndebug.hub_prevent_multiple_readers(False)", (2, 1, OFF),
    ),
    "resolve_name": ("import pkgutil\npkgutil.resolve_name('eventlet.debug:hub_prevent_multiple_readers')(0)", (2, 1, OFF)),
    "attrgetter": (
        "from operator import attrgetter as a\nimport eventlet\nget = a('debug.hub_prevent_multiple_readers')\n"
        "get(eventlet)(False)", (4, 1, OFF),
    ),
    "methodcaller": (
        "import operator\nfrom eventlet import debug\noperator.methodcaller('hub_prevent_multiple_readers', False)(debug)",
        (3, 1, OFF),
    ),
    "a module by its relative name": (
        "import importlib\nimportlib.import_module('.debug', package='eventlet').hub_prevent_multiple_readers(False)",
        (2, 1, OFF),
    ),
    "partial that switches it on": (
        "import functools\nfrom eventlet import debug\nfunctools.partial(debug.hub_prevent_multiple_readers, True)()",
        (3, 19, "multiple-readers-refused"),
    ),
    "a global by its name": (
        "from eventlet import debug\nglobals()['debug'].hub_prevent_multiple_readers(False)", (2, 1, OFF),
    ),
    "the namespace's get": (
        "from eventlet import debug\ndebug.__dict__.get('hub_prevent_multiple_readers')(False)", (2, 1, OFF),
    ),
    "__getattribute__": (
        "from eventlet import debug\nobject.__getattribute__(debug, 'hub_prevent_multiple_readers')(False)", (2, 1, OFF),
    ),
    "update of the namespace": (
        "import eventlet.hubs.hub as h\nvars(h).update(g_prevent_multiple_readers=False)", (2, 1, OFF),
    ),
    "getattr of a formatted text": (
        "from eventlet import debug\nN = 'multiple'\ngetattr(debug, f'hub_prevent_{N}_readers')(False)", (3, 1, OFF),
    ),
    "getattr of filled texts": (
        "from eventlet import debug\n"
        "getattr(debug, '_'.join(['hub', '%s' % 'prevent', '{}'.format('multiple'), 'readers']))(0)",
        (2, 1, OFF),
    ),
    "what a function returns": (
        "from eventlet import debug\ndef get(): return debug\nget().hub_prevent_multiple_readers(False)", (3, 1, OFF),
    ),
    "a loaded module by get": (
        "import sys\nsys.modules.get('eventlet.debug').hub_prevent_multiple_readers(False)", (2, 1, OFF),
    ),
    "a hub of its own that fills secondaries": (
        "from eventlet.hubs import epolls\nclass A(epolls.Hub): pass\nclass B(A):\n def add(self, kind, number):\n"
        "  self.secondaries[kind].setdefault(number, []).append(1)", (5, 3, OFF),
    ),
    "another's hub whose listener is replaced": (
        "from eventlet import hubs\nhub = hubs.get_hub()\nhub.listeners['read'][3] = f", (3, 1, OFF),
    ),
    "a listener that is added to the hub": (
        "from eventlet import hubs\nhubs.get_hub().add('read', 3, f, g, h)", (2, 1, "trampoline"),
    ),
    "the hub by the environment": ("import os\nos.environ['EVENTLET_HUB'] = 'asyncio'", (2, 1, "hub-choice")),
    "the hub by a default of the environment": (
        "import os\nos.environ.setdefault('EVENTLET_HUB', 'asyncio')", (2, 1, "hub-choice"),
    ),
    "an attribute of self": (
        "from eventlet import debug\nclass A:\n def __init__(self):\n  self.off = debug.hub_prevent_multiple_readers\n"
        " def go(self):\n  self.off(False)", (6, 3, OFF),
    ),
    "an attribute of a class": (
        "from eventlet import debug\nclass A: d = debug\nA.d.hub_prevent_multiple_readers(False)", (3, 1, OFF),
    ),
    "an attribute given to a class": (
        "from eventlet import debug\nclass A: pass\nA.off = debug.hub_prevent_multiple_readers\nA.off(False)", (4, 1, OFF),
    ),
    "a static method": (
        "from eventlet import debug\nclass A: off = staticmethod(debug.hub_prevent_multiple_readers)\nA.off(False)",
        (3, 1, OFF),
    ),
    "a static method given to a class": (
        "from eventlet import debug\nclass A: pass\nA.off = staticmethod(debug.hub_prevent_multiple_readers)\nA.off(True)",
        (4, 1, "multiple-readers-refused"),
    ),
    "a static method that is not called": (
        "from eventlet import debug\nclass A: off = staticmethod(debug.hub_prevent_multiple_readers)", (2, 29, OFF),
    ),
    "passed on": (
        "import functools\nfrom eventlet import debug\nfunctools.partial(debug.hub_prevent_multiple_readers, False)()",
        (3, 19, OFF),
    ),
    "imported only, so handed on": ("from eventlet.debug import hub_prevent_multiple_readers", (1, 28, OFF)),
    "switched on": (
        "import eventlet.debug\neventlet.debug.hub_prevent_multiple_readers(True)", (2, 1, "multiple-readers-refused"),
    ),
    "another debug switch": ("import eventlet.debug\neventlet.debug.hub_exceptions()", (2, 1, "hub-debug")),
    "trampoline": ("from eventlet import hubs as h\nh.trampoline(1, read=True)", (2, 1, "trampoline")),
    "use_hub in a function": ("def f():\n from eventlet.hubs import use_hub\n use_hub('poll')", (3, 2, "hub-choice")),
    "a global of a function": (
        "from eventlet import debug\ndef f():\n global off\n off = debug.hub_prevent_multiple_readers\noff(False)", (5, 1, OFF),
    ),
    "the default of a parameter": (
        "import eventlet.debug\ndef f(d=eventlet.debug): d.hub_prevent_multiple_readers(False)", (2, 26, OFF),
    ),
    "the default of a parameter with a name": (
        "from eventlet import debug\ndef f(*, off=debug.hub_prevent_multiple_readers): off(False)", (2, 51, OFF),
    ),
    "vars": ("import eventlet.debug\nvars(eventlet.debug)['hub_prevent_multiple_readers'](False)", (2, 1, OFF)),
    "a dictionary of names": (
        "import eventlet.debug\nd = eventlet.debug.__dict__\nd['hub_prevent_multiple_readers'](False)", (3, 1, OFF),
    ),
    "the flag by vars": ("from eventlet.hubs import hub\nvars(hub)['g_prevent_multiple_readers'] = False", (2, 1, OFF)),
    "a column after letters of two bytes": ("import eventlet.hubs\n'äöü'; eventlet.hubs.use_hub()", (2, 8, "hub-choice")),
}  # fmt: skip

NOT_FOUND = {
    "another module's": "from other import hub_prevent_multiple_readers as off\noff(False)",
    "another library's": "import gevent.debug as debug\ndebug.hub_prevent_multiple_readers(False)",
    "one of its own": "import eventlet\ndef hub_prevent_multiple_readers(state): pass\nhub_prevent_multiple_readers(False)",
    "a text": "import eventlet\nx = 'eventlet.debug.hub_prevent_multiple_readers(False)'",
    "a comment": "import eventlet\n# eventlet.debug.hub_prevent_multiple_readers(False)",
    "a text that is run with names of its own": "from eventlet import debug\nexec('debug.hub_exceptions()', {'debug': x})",
    "what a text binds in a function": "def f():\n exec('import eventlet')\ndef g(): eventlet.hubs.use_hub()",
    "a text that runs itself": "import eventlet\nA = 'exec(A + \" \")'\nexec(A)",
    "a text that is no code": "import eventlet\neval('eventlet.hubs.use_hub(')",
    "an exec of its own": "import eventlet\ndef exec(text): pass\nexec('eventlet.hubs.use_hub()')",
    "attrgetter of another object": "import operator, eventlet\noperator.attrgetter('hub_exceptions')(x)",
    "attrgetter of another attribute": "import operator\nfrom eventlet import debug\noperator.attrgetter('spew')(debug)",
    "a text that would fill memory": "from eventlet import debug\ngetattr(debug, '%999999999s' % 'hub_exceptions')",
    "tables of a hub that are only read": (
        "from eventlet import hubs\nprint(hubs.get_hub().listeners['read'], hubs.get_hub().secondaries.get('read'))"
    ),
    "tables of what is no hub": "import eventlet\nclass A(B):\n def f(self): self.secondaries['x'].append(self.listeners)",
    "classes that are bases of each other": "import eventlet\nclass A(B):\n def f(self): self.x()\nclass B(A): pass",
    "the hub in the environment, read": "import os\nprint(os.environ['EVENTLET_HUB'], os.environ.get('EVENTLET_HUB'))",
    "functions that return each other": "import eventlet\ndef f(): return g()\ndef g(): return f()\nf().hub_exceptions()",
    "a parameter": "from eventlet import debug\ndef f(debug):\n debug.hub_prevent_multiple_readers(False)",
    "a local name": "from eventlet import debug\ndef f():\n debug = g()\n debug.hub_prevent_multiple_readers(False)",
    "a name bound anew": "from eventlet import debug\ndebug = print\ndebug.hub_prevent_multiple_readers(False)",
    "a getattr of its own": "from eventlet import debug\ndef getattr(a, b): pass\ngetattr(debug, 'hub_exceptions')",
    "another attribute by getattr": "from eventlet import debug\ngetattr(debug, 'spew')()",
    "asked for only": "from eventlet import debug\nhasattr(debug, 'hub_exceptions')",
    "a relative module of the same name": "from .eventlet.debug import hub_prevent_multiple_readers as f\nf(False)",
    "a star of another module": "import eventlet\nfrom other import *\nhub_prevent_multiple_readers(False)",
    "a name of a class seen from its method":
        "from eventlet import debug\nclass A:\n off = debug\n def f(self):\n  off.hub_exceptions()\noff = 1",
    "the default of another parameter":
        "from eventlet import debug\ndef f(debug, other=debug): debug.hub_prevent_multiple_readers(False)",
    "another name by vars": "import eventlet.debug\nvars(eventlet.debug)['spew']()",
    "another's vars": "import eventlet, other\nvars(other)['hub_prevent_multiple_readers'](False)",
    "an attribute of another class":
        "from eventlet import debug\nclass A: d = debug\nclass B: pass\nB.d.hub_exceptions()",
    "an attribute of a class bound anew":
        "from eventlet import debug\nclass A: d = debug\nA = other(A)\nA.d.hub_exceptions()",
    "an attribute of a global that is never bound": "import eventlet\ndef f():\n global A\n A.d = 1\n A.d.hub_exceptions()",
    "static methods that stand for each other":
        "import eventlet\nclass A: f = staticmethod(B.f)\nclass B: f = staticmethod(A.f)\nA.f.hub_exceptions()",
    "names that stand for each other": "import eventlet\na = b\nb = a\na.hub_exceptions()",
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
def test_it_finds(scan, name):
    text, place = FOUND[name]
    assert in_one_file(scan, text) == [place]


@pytest.mark.parametrize("name", NOT_FOUND)
def test_it_does_not_find(scan, name):
    assert [each for each in in_one_file(scan, NOT_FOUND[name]) if each[0] > 2] == []
    assert in_one_file(scan, NOT_FOUND[name]) == []


def test_names_that_other_modules_hand_on(scan):
    found, _ = scan({
        "p/__init__.py": "from .compat import *",
        "p/compat.py": "from eventlet.debug import hub_prevent_multiple_readers as off",
        "p/other.py": "def off(state): pass",
        "p/user.py": "from . import off\noff(False)",
        "p/cousin.py": "from p.compat import off as o\no(False)",
        "p/module.py": "import p.compat\np.compat.off(False)",
        "p/twin.py": "from .other import off\noff(False)",
    })  # fmt: skip
    assert found == [
        ("p/compat.py", 1, 28, OFF), ("p/user.py", 2, 1, OFF), ("p/cousin.py", 2, 1, OFF), ("p/module.py", 2, 1, OFF),
    ]  # fmt: skip


def test_modules_that_hand_names_on_to_each_other(scan):
    found, _ = scan({
        "p/__init__.py": "from .a import x\nfrom .b import *",
        "p/a.py": "import eventlet\nfrom .b import x\nfrom p import x as y\nx()",
        "p/b.py": "from .a import x, y\nfrom . import *\nx = x.x\nx = x.x\nx()",
    })  # fmt: skip
    assert found == []


LOCK = """\
import os
class Mutex:
    def __init__(self):
        {make}
    def acquire(self):
        {take}
    def release(self):
        {give}
"""


@pytest.mark.parametrize(
    "make, take, give, count",
    [
        ("self.r, self.w = os.pipe()", "os.read(self.r, 1)", "os.write(self.w, b'-')", 1),
        ("self.ends = os.pipe()", "os.read(self.ends[0], 1)", "os.write(self.ends[1], b'-')", 1),
        ("self.fd = os.eventfd(1)", "os.eventfd_read(self.fd)", "os.eventfd_write(self.fd, 1)", 1),
        ("self.fd = os.eventfd(1)", "os.read(self.fd, 8)", "os.write(self.fd, one)", 1),
        ("self.r, self.w = os.pipe()", "fd = self.r; os.read(fd, 1)", "os.write(self.w, b'-')", 1),
        ("self.r, self.w = os.pipe()", "os.read(self.r, 4096)", "os.write(self.w, b'-')", 0),
        ("self.r, self.w = os.pipe()", "os.read(self.r, 1)", "os.write(self.w, b'--')", 0),
        ("self.r, self.w = os.pipe()", "os.read(self.other, 1)", "os.write(self.w, b'-')", 0),
        ("self.fd = os.eventfd(1); self.r, self.w = os.pipe()", "os.read(self.r, 1)", "os.eventfd_write(self.fd, 1)", 0),
        ("self.r, self.w = pipe.open()", "os.read(self.r, 1)", "os.write(self.w, b'-')", 0),
        ("self.r, self.w = os.pipe()", "os.read(self.r, 1); os.write(self.w, b'-')", "pass", 0),
    ],
)
def test_pipes_as_locks(scan, make, take, give, count):
    text = LOCK.format(make=make, take=take, give=give)
    assert in_one_file(scan, text) == [(2, 1, "pipe-mutex")] * count


def spawning(*lines):
    imports = "import asyncio, eventlet, threading\nfrom concurrent.futures import ThreadPoolExecutor\n"
    return imports + "def reader(s):\n    s.recv(1)\ndef main(sock, other, lock, pool):\n" + textwrap.indent(
        "\n".join(lines), "    "
    )


A, B = "def a(): sock.recv(1)", "def b(): sock.recv_into(x)"
READER = "shared-reader"
SHARED = {
    "two closures": ([A, B, "eventlet.spawn(a)", "eventlet.spawn_n(b)"], (9, 5, READER)),
    "one closure, twice": ([A, "eventlet.spawn(a)", "eventlet.spawn(a)"], (8, 5, READER)),
    "lambdas": (["eventlet.spawn(lambda: sock.recv(1))", "eventlet.spawn(lambda: sock.recv(2))"], (7, 5, READER)),
    "arguments": (["pool.spawn(reader, sock)", "pool.spawn_n(reader, sock)"], (7, 5, READER)),
    "threads": (
        ["threading.Thread(target=reader, args=(sock,)).start()", "threading.Thread(target=reader, kwargs={'s': sock})"],
        (7, 5, READER),
    ),
    "an executor": (["e = ThreadPoolExecutor()", "e.submit(reader, sock)", "e.submit(sock.recv, 1)"], (8, 5, READER)),
    "coroutines": (
        ["async def r(): await loop.sock_recv(sock, 1)", "asyncio.create_task(r())", "asyncio.create_task(r())"],
        (8, 5, READER),
    ),
    "a loop": (["for _ in range(2):", "    eventlet.spawn(reader, sock)"], (7, 9, READER)),
    "a comprehension": (["[eventlet.spawn(reader, sock) for _ in x]"], (6, 6, READER)),
    "through another function": (["def c(): reader(sock)", A, "eventlet.spawn(c)", "eventlet.spawn(a)"], (9, 5, READER)),
    "another name": (["s = sock", "pool.spawn(reader, s)", "pool.spawn(reader, sock)"], (8, 5, READER)),
    "another name inside": (["def c():", "    s = sock", "    s.recv(1)", "pool.spawn(c)", "pool.spawn(c)"], (10, 5, READER)),
    "a duplicate": (["s = sock.dup()", "pool.spawn(reader, s)", "pool.spawn(reader, sock)"], (8, 5, "duplicated-reader")),
    "two that accept": (["def l(): sock.accept()", "eventlet.spawn(l)", "eventlet.spawn(l)"], (8, 5, "shared-listener")),
    "two that write": (["def w(): sock.sendall(x)", "eventlet.spawn(w)", "eventlet.spawn(w)"], (8, 5, "shared-writer")),
    "the default of a parameter": (
        ["def a(s=sock): s.recv(1)", "eventlet.spawn(a)", "eventlet.spawn(a)"], (8, 5, READER),
    ),
    "the default of a parameter of threads": (
        ["def a(n, s=sock, *, u=1): s.recv(n)", "threading.Thread(target=a, args=(1,), kwargs={'u': 2})",
         "threading.Thread(None, a, None, [2], None)"], (8, 5, READER),
    ),
    "a static method": (
        ["class C:", "    @staticmethod", "    def read(s): s.recv(1)", "pool.spawn(C.read, sock)", "pool.spawn(C.read, sock)"],
        (10, 5, READER),
    ),
    "a method of a class": (
        ["class C:", "    @classmethod", "    def read(cls, s): s.recv(1)", "pool.spawn(C.read, sock)",
         "pool.spawn(C.read, sock)"], (10, 5, READER),
    ),
    "a function made a static method": (
        ["class C:", "    read = staticmethod(reader)", "pool.spawn(C.read, sock)", "pool.spawn(C.read, sock)"],
        (9, 5, READER),
    ),
    "a function made a static method of two classes": (
        ["class B: read = staticmethod(reader)", "class C: read = staticmethod(B.read)", "pool.spawn(B.read, sock)",
         "pool.spawn(C.read, sock)"], (9, 5, READER),
    ),
    "different locks": (
        ["def a():", "    with lock: sock.recv(1)", "def b():", "    with other_lock: sock.recv(1)",
         "eventlet.spawn(a)", "eventlet.spawn(b)"], (11, 5, READER),
    ),
}  # fmt: skip

APART = {
    "one closure": [A, B, "eventlet.spawn(a)", "b()"],
    "two sockets": [A, "def b(): other.recv(1)", "eventlet.spawn(a)", "eventlet.spawn(b)"],
    "a reader and a writer": [A, "def b(): sock.sendall(x)", "eventlet.spawn(a)", "eventlet.spawn(b)"],
    "other arguments": ["pool.spawn(reader, sock)", "pool.spawn(reader, other)"],
    "a socket of each task's own": ["def a():", "    sock = connect()", "    sock.recv(1)", "pool.spawn(a)", "pool.spawn(a)"],
    "a socket of each round": ["while True:", "    c, _ = sock.accept()", "    eventlet.spawn(reader, c)"],
    "a socket of each element": ["for c in x:", "    eventlet.spawn(reader, c)"],
    "a socket of each element, short": ["[eventlet.spawn(reader, c) for c in x]"],
    "another name for what was there before":
        ["s = sock", "sock = connect()", "pool.spawn(reader, s)", "pool.spawn(reader, sock)"],
    "a duplicate of another": ["s = other.dup()", "pool.spawn(reader, s)", "pool.spawn(reader, sock)"],
    "names in a circle": ["s = t", "t = s", "pool.spawn(reader, s)", "pool.spawn(reader, sock)"],
    "bound anew between": ["pool.spawn(reader, sock)", "sock = connect()", "pool.spawn(reader, sock)"],
    "one after the other": [A, "eventlet.spawn(a).wait()", "eventlet.spawn(a)"],
    "one after the other, by name": [A, "t = eventlet.spawn(a)", "t.wait()", "eventlet.spawn(a)"],
    "awaited": ["async def r(): await loop.sock_recv(sock, 1)", "await asyncio.create_task(r())", "asyncio.create_task(r())"],
    "one or the other": [A, B, "if x: eventlet.spawn(a)", "else: eventlet.spawn(b)"],
    "a loop that is left": [A, "for _ in x:", "    eventlet.spawn(a)", "    break"],
    "a lock around both": [
        "def a():", "    with lock: sock.recv(1)", "def b():", "    with lock: sock.recv(1)",
        "eventlet.spawn(a)", "eventlet.spawn(b)",
    ],
    "another than the default": ["def a(s=sock): s.recv(1)", "pool.spawn(a)", "pool.spawn(a, other)"],
    "keywords that may be another than the default":
        ["def a(s=sock): s.recv(1)", "pool.spawn(a, **x)", "pool.spawn(a, **y)"],
    "keywords to a function within that may be another than the default":
        ["def a(s=sock): s.recv(1)", "def b(): a(**x)", "pool.spawn(b)", "pool.spawn(b)"],
    "arguments of threads that may be another than the default": [
        "def a(s=sock): s.recv(1)", "threading.Thread(target=a, args=t1)", "threading.Thread(target=a, args=t2)",
    ],
    "keywords of threads that may be another than the default": [
        "def a(s=sock): s.recv(1)", "threading.Thread(target=a, kwargs=k1)", "threading.Thread(target=a, kwargs=k2)",
    ],
    "keywords of threads in part, that may be another than the default": [
        "def a(s=sock, u=1): s.recv(1)", "threading.Thread(target=a, kwargs={'u': 1, **k1})",
        "threading.Thread(None, a, None, (), k1)", "threading.Thread(None, a, *t1)", "threading.Thread(target=a, **k2)",
    ],
    "keywords of partial that may be another than the default":
        ["def a(s=sock): s.recv(1)", "pool.spawn(partial(a, **x))", "pool.spawn(partial(a, **y))"],
    "a default of each round": ["for c in x:", "    pool.spawn(lambda s=c: s.recv(1))"],
    "defaults of each their own": [
        "def a(s=sock): s.recv(1)", "sock = connect()", "def b(s=sock): s.recv(1)", "pool.spawn(a)", "pool.spawn(b)",
    ],
    "a static method, each with its own": [
        "class C:", "    @staticmethod", "    def read(s): s.recv(1)", "pool.spawn(C.read, sock)", "pool.spawn(C.read, other)",
    ],
    "static methods that name each other": [
        "class A: f = staticmethod(B.f)", "class B: f = staticmethod(A.f)", "pool.spawn(A.f, sock)", "pool.spawn(A.f, sock)",
    ],
    "files": ["f = open(x)", "def a(): f.read()", "eventlet.spawn(a)", "eventlet.spawn(a)"],
    "another library's spawn": ["import pexpect", A, "pexpect.spawn(a)", "pexpect.spawn(a)"],
    "two functions that call each other":
        ["def a(): b()", "def b(): a()", "eventlet.spawn(a)", "eventlet.spawn(b)"],
}  # fmt: skip


@pytest.mark.parametrize("name", SHARED)
def test_shared_sockets(scan, name):
    lines, place = SHARED[name]
    text = spawning(*lines).replace("def main", "async def main" if "await" in str(lines) else "def main")
    assert in_one_file(scan, text) == [place]


@pytest.mark.parametrize("name", APART)
def test_sockets_that_are_not_shared(scan, name):
    text = spawning(*APART[name]).replace("def main", "async def main" if "await" in str(APART[name]) else "def main")
    assert in_one_file(scan, text) == []


def test_methods_that_read_one_attribute(scan):
    text = """\
        import eventlet
        class A:
            def start(self):
                eventlet.spawn(self.one)
                eventlet.spawn(self.two)
            def one(self): self.sock.recv(1)
            def two(self): {two}
        """
    assert in_one_file(scan, text.format(two="self.sock.recv(1)")) == [(5, 9, READER)]
    assert in_one_file(scan, text.format(two="self.other.recv(1)")) == []


def test_files_that_cannot_be_scanned_are_told(scan):
    found, unscanned = scan({
        "two.py": "x = 1\nprint 'x'\n",
        "nul.py": b"x = 1\n\0\n",
        "parentheses.py": b"(" * 10_000 + b")" * 10_000,
        "minus.py": b"x = " + b"-" * 10_000 + b"1",
        "calls.py": b"import eventlet\nx = a" + b"()" * 10_000,
        "huge.py": b"x = 1\n" * 800_000,
        "encoding.py": b"# coding: nonsense\n",
        "bytes.py": b"x = '\xe9'\n",
        "good.py": "import eventlet.hubs\neventlet.hubs.use_hub()",
        "latin.py": b"# coding: latin-1\nimport eventlet.hubs\n'\xe9'; eventlet.hubs.use_hub()",
        "marked.py": b"\xef\xbb\xbfimport eventlet.hubs\neventlet.hubs.use_hub()",
    })  # fmt: skip
    assert found == [("good.py", 2, 1, "hub-choice"), ("latin.py", 3, 6, "hub-choice"), ("marked.py", 2, 1, "hub-choice")]
    assert set(unscanned) == {
        "two.py", "nul.py", "parentheses.py", "minus.py", "calls.py", "huge.py", "encoding.py", "bytes.py",
    }  # fmt: skip
    assert unscanned["two.py"][0] == 2 and unscanned["two.py"][1].startswith("SyntaxError: Missing parentheses")
    assert unscanned["nul.py"] == (2, "it holds a NUL byte, which no Python source does")
    assert unscanned["huge.py"] == (1, "it has more than 4 MiB")


def test_what_is_no_regular_file_is_told(tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "gone.py").symlink_to("nowhere")
    paths = [tmp_path / "pipe.py", tmp_path / "gone.py"]
    (tmp_path / "paths").write_bytes(b"".join(os.fsencode(path) + b"\0" for path in paths))
    hacks.main(str(tmp_path / "paths"))
    *begun, answer = capsys.readouterr().out.splitlines()
    reasons = [each["reason"] for each in json.loads(answer)["unscanned"]]
    assert reasons == ["it is no regular file", "it cannot be read: No such file or directory"]
    assert begun == ["0", "1"]


@pytest.mark.parametrize(
    "replacement, kind",
    [
        ("mock.patch('{}', False)", OFF),
        ("mock.patch('{}', new=False)", OFF),
        ("mock.patch(target, False)", OFF),
        ("fixtures.MonkeyPatch('{}', False)", OFF),
        ("fixtures.MockPatch('{}', new=False)", OFF),
        ("monkeypatch.setattr('{}', False)", OFF),
        ("mock.patch.multiple('eventlet.hubs.hub', g_prevent_multiple_readers=False)", OFF),
        ("mock.patch('{}', True)", "multiple-readers-refused"),
        ("mock.patch('{}_too', False)", None),
        ("mock.patch('mine.g_prevent_multiple_readers', False)", None),
        ("mock.patch.multiple('eventlet.hubs.hub', other=False)", None),
        ("log('{}')", None),
    ],
)
def test_tests_that_replace_the_switch_by_its_path(scan, replacement, kind):
    path = "eventlet.hubs.hub.g_prevent_multiple_readers"
    found = in_one_file(scan, f"target = '{path}'\n" + replacement.format(path) + "\n")
    assert found == ([(2, 1, kind)] if kind else [])


def test_what_patch_object_puts_in_its_place_by_keyword(scan):
    before = "from unittest import mock\nfrom eventlet.hubs import hub\n"
    for value, kind in (("False", OFF), ("True", "multiple-readers-refused")):
        call = f"mock.patch.object(hub, 'g_prevent_multiple_readers', new={value})"
        assert in_one_file(scan, before + call + "\n") == [(3, 1, kind)]
