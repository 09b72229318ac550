"""The zygote: what it says, what it survives, and what it leaves behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

import agent
from recording import Marked

MISSING = "ModuleNotFoundError"
RUNTIMES = ["eventlet", "eventlet-asyncio", "threading", "asyncio"]
GREEN = ["eventlet", "eventlet-asyncio"]


@pytest.mark.parametrize(("runtime", "hub"), [("eventlet", "epolls"), ("eventlet-asyncio", "asyncio")])
def test_ready_says_what_it_is(zygote, workload, runtime, hub):
    answer = zygote.load(runtime, workload("pass"))
    environment = answer["environment"]
    assert answer["type"] == "ready" and answer["threads"] == []
    assert environment["patched"] is True and environment["hub"] == hub and environment["gil"] is not agent.FREE_THREADED
    assert environment["versions"]["eventlet"] == "0.41.3"
    assert answer["pid"] == zygote.process.pid


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
    assert (answer["reason"], answer["message"]) == ("missing", f"{tmp_path}/none.py: No such file or directory")


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
async def main(rt, params):
    before = set(sys.modules)
    server = await rt.http_server(answer)
    await rt.http_request("GET", server.url)
    await rt.offload(int)
    server.close()
    rt.observe("imported", sorted(set(sys.modules) - before))
async def answer(request):
    return trireme.Response()
"""
    zygote.load(runtime, workload(source, whole=True))
    assert zygote.trial().observed() == {"imported": []}


def test_http_on_asyncio_without_h11_is_unsupported(workload, tmp_path):
    (tmp_path / "h11.py").write_text("raise ModuleNotFoundError('no', name='h11')")
    with agent.agent(sys.executable, PYTHONPATH=str(tmp_path)) as without:
        assert without.load("asyncio", workload("await rt.http_server(None)"))["type"] == "ready"
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


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_leaked_thread_does_not_hold_up_the_end(zygote, workload, runtime):
    zygote.load(runtime, workload("""
import sys, _thread
thread = sys.modules["__original_module__thread"] if "__original_module__thread" in sys.modules else _thread
gate = thread.allocate_lock(); gate.acquire()
thread.start_new_thread(gate.acquire, ())
"""))
    trial = zygote.trial()
    assert trial.end().key == "returned"
    [census] = trial.of("census")
    assert census.key == "threads" and len(census.value) == 1


def test_exit_handlers_run_in_a_clean_trial(zygote, workload):
    zygote.load("threading", workload("import atexit; atexit.register(print, 'bye')"))
    assert zygote.trial().stdout == "bye\n"


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


@pytest.mark.parametrize(
    ("says", "message"),
    [("raise ValueError", "its __str__ raised ValueError"), ("return 'a\\ud800b'", "a\\ud800b")],
)
def test_describes_exceptions_that_cannot_say_what_they_are(zygote, workload, says, message):
    zygote.load("threading", workload(f"""
class Odd(Exception):
    def __str__(self): {says}
raise Odd
"""))
    (end,) = zygote.trial().of("end")
    assert (end.key, end.value["message"]) == ("raised", message)


def test_records_exceptions_never_retrieved(zygote, workload):
    zygote.load("asyncio", workload("""
import asyncio
async def fail(): raise ValueError("unseen")
asyncio.create_task(fail())
await rt.settle()
"""))
    assert [event.key for event in zygote.trial().of("exception")] == ["never-retrieved"]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_stacks_on_demand(zygote, workload, runtime):
    zygote.load(runtime, workload("""
gate = rt.event()
async def parked_here(): await gate.wait()
rt.spawn(parked_here, name="sleeper")
await rt.settle()
print("up", flush=True)
await gate.wait()
"""))
    with zygote.started() as running:
        running.wait_for("up", "stdout")
        running.signal(34 + 12)
        stacks = running.wait_for("== end of stacks\n")
        running.signal(signal.SIGKILL)
        running.finish()
    assert "parked_here" in stacks, stacks
    assert "hread" in stacks
    tasks = "".join(stacks.partition("Task ")[1:])
    for task, function in (("1 main", "main"), ("1.1 sleeper", "parked_here")):
        shown = rf"Task {task} \(parked, outermost first\):\n(  .*\n)*  workload\.py:\d+ in {function}\n"
        assert re.search(shown, tasks), stacks


def test_stacks_give_a_task_without_a_thread_no_other_ones(zygote, workload):
    """One that waits for a place of a pool runs nothing yet."""
    zygote.load("threading", workload("""
pool = rt.pool(1)
async def inner(): pass
async def outer(): await (await pool.submit(inner)).join()
holder = await pool.submit(outer)
await rt.settle()
print("up", flush=True)
await holder.join()
"""))
    with zygote.started() as running:
        running.wait_for("up", "stdout")
        running.signal(34 + 12)
        stacks = running.wait_for("== end of stacks\n")
        running.signal(signal.SIGKILL)
        running.finish()
    assert re.findall(r"Task (\S+ \S+) \(parked", stacks) == ["1 main", "1.1 outer"], stacks


def test_the_frame_of_a_thread_is_its_own_or_none(zygote, workload):
    """Main's thread has another number than the zygote's had; a number that is nobody's has no frame, not its asker's."""
    zygote.load("threading", workload("""
import os
from trireme_agent import errors, meetings
async def look(native): return errors.shown_stack(meetings.frame_of(native))
for who, native in ("main", os.getpid()), ("nobody", 0):
    stack = await rt.spawn(look, native).join()
    rt.observe(who, [line.rpartition(" ")[2] for line in stack if line.startswith("workload.py:")])
"""))
    assert zygote.trial().observed() == {"main": ["main"], "nobody": []}


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


def test_stacks_of_a_thread_that_holds_the_gil(zygote, workload):
    zygote.load("threading", workload("print('up', flush=True)\nx = 3 ** (10 ** 8)"))
    with zygote.started() as running:
        running.wait_for("up", "stdout")
        time.sleep(0.05)
        running.signal(34 + 12)
        assert "workload.py" in running.wait_for(" in main\n")
        running.signal(signal.SIGKILL)
        running.finish()


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


STRAYS = {
    "eventlet": "import eventlet\neventlet.spawn(eventlet.sleep, 60)\nawait rt.settle()",
    "asyncio": "import asyncio\nkept = asyncio.create_task(asyncio.sleep(60), name='stray')\nawait rt.settle()",
    "threading": "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), name='stray').start()",
}


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_census_counts_what_rt_did_not_make(zygote, workload, runtime):
    zygote.load(runtime, workload(STRAYS["eventlet" if runtime in GREEN else runtime]))
    [census] = zygote.trial().of("census")
    assert census.key == ("threads" if runtime == "threading" else "tasks")
    assert [entry["name"] for entry in census.value] == ["GreenThread" if runtime in GREEN else "stray"]


@pytest.mark.parametrize("runtime", GREEN)
@pytest.mark.parametrize("ends, left", [(False, 1), (True, 0)])
def test_census_counts_a_patched_thread_that_stays(zygote, workload, runtime, ends, left):
    source = (
        "import threading\n"
        "ended = threading.Event()\n"
        "thread = threading.Thread(target=ended.wait, daemon=True)\n"
        "thread.start()\n"
        "await rt.settle()\n"
    )
    if ends:
        source += "ended.set()\nthread.join()\n"
    zygote.load(runtime, workload(source))
    found = [entry for census in zygote.trial().of("census") for entry in census.value]
    assert len(found) == left


@pytest.mark.parametrize("runtime", GREEN)
@pytest.mark.parametrize("call", ["rt.offload", "eventlet.tpool.execute"])
def test_hubs_of_tpool_are_no_leak(zygote, workload, call, runtime):
    zygote.load(runtime, workload(f"""
import eventlet, time
async def wait():
    ended = {call}(time.sleep, 0.01)
    if ended is not None: await ended
await rt.gather(*[rt.spawn(wait) for _ in range(3)])
"""))
    trial = zygote.trial()
    assert trial.end().key == "returned"
    assert trial.of("census") == []


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_census_says_where_a_socket_and_a_file_were_made(zygote, workload, runtime):
    zygote.load(runtime, workload("""
import socket
def dial():
    rt.kept = [socket.socket(), socket.create_server(("127.0.0.1", 0)), open(__file__)]
dial()
socket.socket().close()
"""))
    [census] = zygote.trial().of("census")
    assert census.key == "descriptors"
    assert [entry["name"] for entry in census.value] == ["socket", "listening socket", "file"]
    for entry in census.value:
        own = [frame.partition(":")[2] for frame in entry["stack"] if frame.startswith("workload.py:")]
        assert [line.partition(" in ")[2] for line in own] == ["main", "dial"], entry


TIMERS = {
    "eventlet": "import eventlet\nrt.kept = eventlet.spawn_after(60, late)\neventlet.spawn_after(60, late).cancel()",
    "asyncio": "import asyncio\nloop = asyncio.get_running_loop()\nloop.call_later(60, late)\n"
    "loop.call_later(60, late).cancel()",
}


@pytest.mark.parametrize("runtime", ["eventlet", "eventlet-asyncio", "asyncio"])
def test_census_names_timers_that_nobody_cancelled(zygote, workload, runtime):
    zygote.load(runtime, workload("def late(): pass\n" + TIMERS["asyncio" if runtime == "asyncio" else "eventlet"]))
    [census] = zygote.trial().of("census")
    assert (census.key, [entry["name"] for entry in census.value]) == ("timers", ["main.<locals>.late"])


def test_census_names_anonymous_descriptors_in_full(zygote, workload):
    zygote.load("threading", workload("import select\nrt.kept = select.epoll()"))
    [census] = zygote.trial().of("census", "descriptors")
    assert [entry["name"] for entry in census.value] == ["anon_inode:[eventpoll]"]


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


@pytest.mark.parametrize("value", ["12ms", None, True, b"1", [1]])
def test_a_metric_that_is_no_number_is_refused(zygote, workload, value):
    """Results could not show it, and left it out without a word."""
    zygote.load("threading", workload(f"""
try: rt.metric("latency", {value!r}, "s")
except TypeError as error: rt.observe("error", str(error))
"""))
    trial = zygote.trial()
    assert trial.of("metric") == []
    assert trial.observed() == {"error": f"a metric is a number, not a value of type {type(value).__name__}"}


def test_a_name_of_a_task_that_is_no_text_is_refused(zygote, workload):
    zygote.load("threading", workload("""
for spawn in (lambda: rt.spawn(print, name=5), lambda: rt.spawn_after(0, print, name=b"x")):
    try: spawn()
    except TypeError as error: rt.observe("error", str(error))
"""))
    refused = [event.value for event in zygote.trial().of("observe")]
    assert refused == [f"a task's name is a text, not a value of type {kind}" for kind in ("int", "bytes")]


def test_nested_values_are_what_they_are_by_themselves(zygote, workload):
    zygote.load("threading", workload("""
import enum, math
class Large(enum.IntEnum): ONE = 1 << 70
numbers = [1 << 70, -(1 << 63) - 1, (1 << 64) - 1, -(1 << 63), math.inf, -math.inf, 0.1, True, Large.ONE]
rt.observe("list", numbers)
rt.observe("object", {"b": ({"c": [1 << 70, math.nan]}, b"\\xff")})
rt.observe("set", {1 << 70})
rt.observe("by itself", 1 << 70)
with rt.op("o", [1 << 70]) as op: op.ok({"v": math.inf})
rt.metric("m", math.nan)
"""))
    trial = zygote.trial()
    assert trial.end().key == "returned", trial.stderr
    large = Marked("i1180591620717411303424")
    least, infinities = Marked("i-9223372036854775809"), [Marked("fInfinity"), Marked("f-Infinity")]
    kept = [least, 18446744073709551615, -(1 << 63), *infinities, 0.1, True, large]
    assert trial.observed() == {
        "list": [large, *kept], "object": {"b": [{"c": [large, Marked("fNaN")]}, Marked("b/w==")]}, "set": [large],
        "by itself": large,
    }  # fmt: skip
    assert (trial.of("invoke")[0].value, trial.of("ok")[0].value) == ([large], {"v": infinities[0]})
    assert trial.of("metric")[0].value == ["NaN", ""]


SPAWN_FOR_AWAITABLE = """
import asyncio, eventlet.asyncio
async def add(a, b):
    await asyncio.sleep(0.001)
    return a + b
async def main(rt, params):
    rt.observe("sum", eventlet.asyncio.spawn_for_awaitable(add(1, 2)).wait())
    later = eventlet.asyncio.spawn_for_awaitable(asyncio.sleep(60))
    await rt.settle()
    rt.observe("blocked", not later.dead)
    later.kill()
    await add(1, 2)
"""


def test_awaitables_of_asyncio_run_on_its_hub_and_no_task_awaits_them(zygote, workload):
    zygote.load("eventlet-asyncio", workload(SPAWN_FOR_AWAITABLE, whole=True))
    trial = zygote.trial()
    assert trial.observed() == {"sum": 3, "blocked": True}
    end = trial.end()
    assert end.key == "suspended", trial.stderr
    assert end.value["message"] == (
        "workload.py:4 in add waits for what is not rt's, which eventlet-asyncio cannot run"
    )


def test_settle_waits_for_coroutines_on_the_asyncio_hub(zygote, workload):
    zygote.load("eventlet-asyncio", workload("""
import asyncio, eventlet.asyncio
steps = []
async def step():
    for n in range(100):
        await asyncio.sleep(0)
        steps.append(n)
eventlet.asyncio.spawn_for_awaitable(step())
await rt.settle()
rt.observe("steps", len(steps))
"""))
    assert zygote.trial().observed() == {"steps": 100}


def test_the_loop_of_the_asyncio_hub_is_looked_at(zygote, workload):
    zygote.load("eventlet-asyncio", workload("""
import asyncio
await rt.sleep(0.001)
loop = asyncio.get_running_loop()
loop.call_soon(lambda: 1 / 0)
rt.kept = loop.create_task(asyncio.sleep(60), name="stray")
one, other = await rt.socketpair()
async def send():
    await rt.sleep(0.01)
    await one.send_all(b"x")
sender = rt.spawn(send)
rt.observe("read", len(await other.recv()))
await sender.join()
one.close(); other.close()
"""))
    trial = zygote.trial()
    assert [(event.key, event.value["error"]) for event in trial.of("exception")] == [("loop", "ZeroDivisionError")]
    [census] = trial.of("census")
    assert (census.key, [entry["name"] for entry in census.value]) == ("tasks", ["stray"])


def test_a_fork_on_the_asyncio_hub_prints_nothing(workload, tmp_path):
    with open(tmp_path / "stderr", "wb") as stderr, agent.agent(sys.executable) as zygote:
        path = workload("""
import os
class Loud:
    def __del__(self): raise ValueError("no running event loop")
for _ in range(2):
    if os.fork() == 0: os._exit(0)
    os.wait()
Loud()
""")
        zygote.send(
            {"type": "load", "version": 1, "runtime": "eventlet-asyncio", "kind": "python", "workload": str(path)},
            (stderr.fileno(),),
        )
        packet = zygote.receive()
        assert packet is not None and packet[0]["type"] == "ready"
        trials = [zygote.trial() for _ in range(2)]
    assert (tmp_path / "stderr").read_bytes() == b""
    for trial in trials:
        assert trial.stderr.count("Exception ignored") == 1, trial.stderr
        assert "ValueError: no running event loop" in trial.stderr
