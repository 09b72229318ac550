"""The zygote: what it says, what it survives, and what it leaves behind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

import pytest

import agent
from agent import GREEN, RUNTIMES

MISSING = "ModuleNotFoundError"


@pytest.mark.parametrize(("runtime", "hub"), [("eventlet", "epolls"), ("eventlet-asyncio", "asyncio")])
def test_ready_says_what_it_is(zygote, workload, runtime, hub):
    answer = zygote.load(runtime, workload("pass"))
    environment = answer["environment"]
    assert answer["type"] == "ready" and answer["threads"] == []
    assert environment["patched"] is True and environment["hub"] == hub and environment["gil"] is not agent.FREE_THREADED
    assert environment["versions"]["eventlet"] == "0.41.3"
    assert answer["pid"] == zygote.process.pid


PACKAGE = {
    "suite/__init__.py": "loaded = []\n",
    "suite/app/__init__.py": "from .. import loaded\nloaded.append(__name__)\n",
    "suite/app/work.py": """
import parts
from .. import loaded
from .parts import VALUE
loaded.append(__name__)
async def main(rt, params):
    rt.observe("loaded", loaded)
    rt.observe("values", [VALUE, parts.VALUE])
""",
    "suite/app/parts.py": "VALUE = 7\n",  # imported by its own name, too
}


@pytest.mark.parametrize("more", ["", "from . import work\n"])
def test_a_workload_in_a_package(zygote, tmp_path, more):
    texts = PACKAGE | {"suite/app/__init__.py": PACKAGE["suite/app/__init__.py"] + more}
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    answer = zygote.load("threading", tmp_path / "suite/app/work.py")
    assert answer["type"] == "ready", answer
    assert zygote.trial().observed() == {"loaded": ["suite.app", "suite.app.work"], "values": [7, 7]}


def test_a_folder_that_is_no_package_has_no_relative_imports(zygote, workload):
    answer = zygote.load("threading", workload("from . import parts\nasync def main(rt, params): pass\n", whole=True))
    assert (answer["reason"], answer["line"]) == ("import", 1), answer
    assert answer["message"].endswith("no known parent package: there is no __init__.py beside workload.py"), answer


@pytest.mark.parametrize(
    ("text", "reason", "message", "line"),
    [
        ("def main(:\n", "syntax", "SyntaxError: invalid syntax", 1),
        ("x = 1\nimport nosuch\n", "import", f"{MISSING}: No module named 'nosuch', which PYTHON lacks: workload.py", 2),
        ("x = 1\n", "no-main", "the workload defines no main(rt, params)", 0),
        ("import trireme\nraise trireme.Unsupported('not here')\n", "unsupported", "not here", 2),
    ],
)
def test_refuses_what_does_not_load(zygote, workload, text, reason, message, line):
    answer = zygote.load("threading", workload(text, whole=True))
    message = message.replace("PYTHON", sys.executable)
    assert answer == {"type": "refused", "reason": reason, "message": message, "line": line}


def test_refuses_a_missing_workload(zygote, tmp_path):
    answer = zygote.load("threading", tmp_path / "none.py")
    assert (answer["reason"], answer["message"]) == ("unreadable", f"{tmp_path}/none.py: No such file or directory")


def test_refuses_an_unknown_runtime(zygote, workload):
    answer = zygote.load("curio", workload("pass"))
    assert (answer["reason"], answer["message"]) == ("unsupported", "the agent has no runtime 'curio'")


@pytest.mark.parametrize("runtime", GREEN)
def test_a_runtime_that_is_not_installed_is_unsupported(workload, tmp_path, runtime):
    (tmp_path / "eventlet.py").write_text("raise ModuleNotFoundError('no', name='eventlet')")
    with agent.agent(sys.executable, PYTHONPATH=str(tmp_path)) as without:
        answer = without.load(runtime, workload("pass"))
    assert answer["reason"] == "unsupported"
    assert answer["message"] == f"eventlet is not installed: {sys.executable} -m pip install eventlet"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_trial_imports_nothing_for_what_it_calls(zygote, workload, runtime):
    source = """
import sys
import trireme
LOADED = set(sys.modules)
async def main(rt, params):
    server = await rt.http_server(answer)
    await rt.http_request("GET", server.url)
    await rt.offload(int)
    server.close()
    rt.observe("imported", sorted(set(sys.modules) - LOADED))
    import colorsys
    rt.observe("its own", sorted(set(sys.modules) - LOADED))
async def answer(request):
    return trireme.Response()
"""
    zygote.load(runtime, workload(source, whole=True))
    assert zygote.trial().observed() == {"imported": [], "its own": ["colorsys"]}


def test_http_on_asyncio_without_h11_is_unsupported(workload, tmp_path):
    (tmp_path / "h11.py").write_text("raise ModuleNotFoundError('no', name='h11')")
    with agent.agent(sys.executable, PYTHONPATH=str(tmp_path)) as without:
        assert without.load("asyncio", workload("await rt.http_server(print)"))["type"] == "ready"
        trial = without.trial()
    end = trial.end()
    assert end.key == "unsupported" and trial.of("census") == []
    assert end.value["message"] == f"h11 is not installed: {sys.executable} -m pip install h11"


def test_refuses_another_version(zygote, workload):
    assert zygote.load("threading", workload("pass"), version=2)["reason"] == "protocol"


@pytest.mark.parametrize("packet", [b"\xff\xfe garbage", b"[]", b'{"no": "type"}', b'{"type": "unheard"}'])
def test_garbage_ends_it_with_a_reason(zygote, packet):
    zygote.socket.send(packet)
    answer, _ = zygote.receive()
    assert answer["reason"] == "protocol"
    assert zygote.process.wait(10) == 1


def test_garbage_between_trials_ends_it(zygote, workload):
    zygote.load("threading", workload("pass"))
    zygote.trial()
    zygote.socket.send(b'{"type": "trial", "attempt": 3}')
    answer, _ = zygote.receive()
    assert answer["reason"] == "protocol"


def test_says_that_there_is_no_process_for_a_trial(zygote, workload):
    code = """
import sys
def no_process(fork=sys.modules["trireme_agent.zygote"].fork):
    sys.modules["trireme_agent.zygote"].fork = fork
    raise BlockingIOError(11, "Resource temporarily unavailable")
sys.modules["trireme_agent.zygote"].fork = no_process
async def main(rt, params): pass
"""
    path = workload("pass")
    path.write_text(code)
    zygote.load("threading", path)
    with pytest.raises(AssertionError, match=r"'failed'.*cannot fork a process for the trial: Resource temporarily"):
        zygote.trial()
    assert zygote.trial().status == 0


def test_a_closed_socket_ends_it(zygote, workload):
    zygote.load("threading", workload("pass"))
    zygote.socket.shutdown(socket.SHUT_RDWR)
    assert zygote.process.wait(10) == 0


def test_a_closed_socket_ends_the_trial_too(zygote, workload):
    zygote.load("threading", workload("await rt.sleep(60)"))
    with zygote.started() as running:
        zygote.socket.close()
        zygote.process.wait(10)
        assert not os.path.exists(f"/proc/{running.pid}")


def test_its_parent_dies_and_so_does_it(workload):
    code = f"""
import os, subprocess, socket, sys, time
ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
env = dict(os.environ, LD_PRELOAD={agent.PROBE!r}, TRIREME_CONTROL_FD=str(its.fileno()))
agent = subprocess.Popen([sys.executable, {str(agent.AGENT)!r}], env=env, pass_fds=[its.fileno(), ours.fileno()])
print(agent.pid, flush=True)
ours.send(b'{{"type": "load", "version": 9}}')
ours.recv(1000)
print("up", flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert parent.stdout.readline() == "up\n"
    parent.kill()
    parent.wait()
    parent.stdout.close()
    end = time.monotonic() + 10
    while _alive(pid):
        assert time.monotonic() < end
        time.sleep(0.01)


def _alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


THREAD_AT_IMPORT = """
import threading, time
threading.Thread(target=time.sleep, args=(60,), daemon=True, name="starter").start()
async def main(rt, params):
    rt.observe("threads", threading.active_count())
"""


def test_names_threads_that_loading_left(zygote, workload):
    assert zygote.load("threading", workload(THREAD_AT_IMPORT, whole=True))["threads"] == ["starter"]


def test_isolation_by_process_loads_in_the_trial(zygote, workload):
    answer = zygote.load("threading", workload(THREAD_AT_IMPORT, whole=True), isolation="process")
    assert answer["type"] == "ready" and answer["threads"] == []
    assert zygote.trial().observed() == {"threads": 2}


def test_isolation_by_process_raises_what_does_not_load(zygote, workload):
    zygote.load("asyncio", workload("import no_such\n", whole=True), isolation="process")
    end = zygote.trial().end()
    assert end.key == "raised" and "no_such" in end.value["message"]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_trial_has_its_own_world(zygote, workload, runtime):
    zygote.load(runtime, workload("""
import os, sys
print("out"); print("err", file=sys.stderr)
rt.observe("directory", os.getcwd())
rt.observe("session", os.getsid(0) == os.getpid())
rt.observe("stdin", sys.stdin.read())
rt.observe("seed", os.environ["PYTHONHASHSEED"])
rt.observe("control", os.environ.get("TRIREME_CONTROL_FD"))
rt.observe("params", params)
"""))
    trial = zygote.trial({"a": [1]})
    assert trial.stdout == "out\n" and trial.stderr == "err\n"
    observed = trial.observed()
    assert observed.pop("directory").endswith("trial-1")
    assert observed == {"session": True, "stdin": "", "seed": "0", "control": None, "params": {"a": [1]}}
    assert trial.of("begin")[0].value["params"] == {"a": [1]}


@pytest.mark.parametrize(
    ("body", "status"),
    [("import os; os._exit(7)", 7 << 8), ("import os; os.abort()", 6), ("import os, signal; os.kill(os.getpid(), 9)", 9)],
)
def test_survives_a_trial_that_dies(zygote, workload, body, status):
    zygote.load("threading", workload("rt.observe('before', 1)\n" + body))
    for _ in range(2):
        trial = zygote.trial()
        assert trial.status & 0xFF7F == status
        assert trial.observed() == {"before": 1} and trial.of("end") == []


def test_ends_what_outlives_a_trial(zygote, workload):
    zygote.load("threading", workload("""
import subprocess, os, signal
subprocess.Popen(["sh", "-c", "trap '' TERM; setsid sh -c 'sleep 61 & sleep 62' & wait"])
"""))
    trial = zygote.trial()
    assert trial.of("census", "processes")
    commands = sorted(orphan["command"] for orphan in trial.orphans)
    assert commands and all("sleep" in command or "sh" in command for command in commands)
    for orphan in trial.orphans:
        assert not os.path.exists(f"/proc/{orphan['pid']}")
    with open(f"/proc/self/task/{os.getpid()}/children") as children:
        assert children.read().split() == [str(zygote.process.pid)]
    with open(f"/proc/{zygote.process.pid}/task/{zygote.process.pid}/children") as children:
        assert children.read() == ""


def test_exit_handlers_run_in_a_clean_trial(zygote, workload):
    zygote.load("threading", workload("import atexit; atexit.register(print, 'bye')"))
    assert zygote.trial().stdout == "bye\n"


@pytest.mark.parametrize("leaks", [True, False])
def test_exit_handlers_that_are_left_out_after_a_leak_are_said(zygote, workload, leaks):
    leak = "threading.Thread(target=threading.Event().wait, daemon=True).start()" if leaks else ""
    zygote.load("threading", workload(f"import atexit, threading\natexit.register(print, 'bye')\n{leak}"))
    trial = zygote.trial()
    said = "trireme: what is registered with atexit was not run: it may wait for what outlived the workload\n"
    assert (trial.stdout, trial.stderr) == (("", said) if leaks else ("bye\n", ""))


def test_memory_limit_is_a_memory_error(zygote, workload):
    zygote.load("threading", workload("bytearray(1 << 30)"))
    end = zygote.trial(memory=512 << 20).end()
    assert end.value["error"] == "MemoryError" and end.value["family"] == "resource"


HOOKS = {
    "eventlet": ("import eventlet\neventlet.spawn(lambda: 1 / 0)\nawait rt.settle()", "hub"),
    "threading": ("import threading\nt = threading.Thread(target=lambda: 1 / 0)\nt.start(); t.join()", "thread"),
    "asyncio": ("import asyncio\nasyncio.get_running_loop().call_soon(lambda: 1 / 0)\nawait rt.settle()", "loop"),
}


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_records_exceptions_that_only_the_runtime_saw(zygote, workload, runtime):
    body, where = HOOKS["eventlet" if runtime in GREEN else runtime]
    zygote.load(runtime, workload(body))
    trial = zygote.trial()
    assert [(event.key, event.value["error"]) for event in trial.of("exception")] == [(where, "ZeroDivisionError")]
    assert "ZeroDivisionError" in trial.stderr


def test_records_exceptions_never_retrieved(zygote, workload):
    zygote.load("asyncio", workload("""
import asyncio
async def fail(): raise ValueError("unseen")
asyncio.create_task(fail())
await rt.settle()
"""))
    assert [event.key for event in zygote.trial().of("exception")] == ["never-retrieved"]


def test_a_wait_on_a_socket_that_was_closed_meanwhile(zygote, workload):
    """Between the call that would have had to wait and the wait, another thread may close it, and cancel the task first."""
    zygote.load("threading", workload("""
import select
async def wait(cancelled):
    task = rt._backend.current()
    task.cancel_requested = cancelled
    rt._backend.wait_fd(-1, select.POLLIN)
for cancelled in (False, True):
    try: await rt.spawn(wait, cancelled).join()
    except BaseException as error: rt.observe(str(cancelled), repr(error))
"""))
    observed = zygote.trial().observed()
    assert "OSError(9" in observed["False"] and "Cancelled" in observed["True"], observed


def test_tasks_and_switches_are_recorded(zygote, workload):
    body = "async def child(): await rt.sleep(0.001)\nawait rt.gather(rt.spawn(child), rt.spawn(child))"
    for runtime in RUNTIMES:
        with agent.agent(sys.executable) as zygote_of_its_own:
            zygote_of_its_own.load(runtime, workload(body))
            trial = zygote_of_its_own.trial()
            assert {event.task for event in trial.of("switch")} >= {1, 2, 3}


def test_correspondences_are_printed_for_every_runtime():
    import json

    for runtime in RUNTIMES:
        out = subprocess.check_output([sys.executable, str(agent.AGENT), "correspondences", runtime])
        rows = json.loads(out)["correspondences"]
        assert {row["feature"] for row in rows} >= {"rt.spawn", "Task.cancel", "rt.timeout"}
    features = [
        [row["feature"] for row in json.loads(
            subprocess.check_output([sys.executable, str(agent.AGENT), "correspondences", runtime]))["correspondences"]]
        for runtime in RUNTIMES
    ]  # fmt: skip
    assert features == [features[0]] * len(RUNTIMES)


def test_http_on_asyncio_answers_what_is_no_request(zygote, workload):
    zygote.load("asyncio", workload("""
server = await rt.http_server(lambda request: trireme.Response(404, b"none"))
async def ask(text):
    async with await rt.connect(server.address) as stream:
        await stream.send_all(text)
        head = await stream.recv_until(b"\\r\\n\\r\\n")
        if b"400" in head: assert await stream.recv() == b"" and b"connection: close" in head.lower()
        return head.partition(b"\\r\\n")[0].decode()
rt.observe("garbage", await ask(b"GARBAGE\\r\\n\\r\\n"))
rt.observe("header", await ask(b"GET / HTTP/1.1\\r\\nno header\\r\\n\\r\\n"))
rt.observe("request", await ask(b"GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"))
server.close()
"""))
    trial = zygote.trial()
    assert trial.end().key == "returned", trial.stderr
    assert trial.of("exception") == [] and trial.of("census") == []
    bad = "HTTP/1.1 400 Bad Request"
    assert trial.observed() == {"garbage": bad, "header": bad, "request": "HTTP/1.1 404 Not Found"}
