"""Workloads that take away what the agent stands on: each trial is judged by what its workload did."""

from __future__ import annotations

import sys

import pytest

import agent
from agent import RUNTIMES


def runs_bodies(text: str):
    """A fixture that runs the body of a main as that workload does, on each runtime: one zygote of each runs them all."""

    @pytest.fixture(scope="module", params=RUNTIMES)
    def hosted(request, tmp_path_factory):
        path = tmp_path_factory.mktemp("hostile") / "workload.py"
        path.write_text(text)
        with agent.agent(sys.executable) as made:
            assert made.load(request.param, path)["type"] == "ready"

            def run(body: str):
                trial = made.trial({"body": body}, timeout=10)
                trial.runtime = request.param
                return trial

            yield run

    return hosted


hostile = runs_bodies("""
import textwrap
import trireme

async def main(rt, params):
    names = {"rt": rt, "trireme": trireme}
    exec("async def body():\\n" + textwrap.indent(params["body"], "    "), names)
    await names["body"]()
""")
plain = runs_bodies("""
import textwrap

def main(rt, params):
    names = {"rt": rt.blocking}
    exec("def body():\\n" + textwrap.indent(params["body"], "    "), names)
    names["body"]()
""")


def returned(trial):
    """It ended as a workload does that returns, and nothing was found."""
    assert (trial.end().key, trial.status) == ("returned", 0), f"{trial.end().value}\n{trial.stderr}"
    assert trial.of("exception") == [] and trial.of("census") == [], trial.events
    return trial


REFUSE = """
import sys
class Refuse:
    def write(self, text): raise {error}("no")
    flush = write
sys.stdout = sys.stderr = Refuse()
"""
OUTPUTS = {
    "none": "import sys\nsys.stdout = sys.stderr = None",
    "closed": "import sys\nsys.stdout.close(); sys.stderr.close()",
    "refuses": REFUSE.format(error="ValueError"),
    "exits": REFUSE.format(error="SystemExit"),
    "no-stream": "import sys\nsys.stdout = sys.stderr = 3",
}


@pytest.mark.parametrize("output", OUTPUTS)
def test_output_taken_away_is_no_crash(hostile, output):
    assert returned(hostile(OUTPUTS[output] + "\nrt.observe('x', 1)")).observed() == {"x": 1}


@pytest.mark.parametrize("output", OUTPUTS)
def test_exceptions_are_recorded_without_an_output(hostile, output):
    trial = hostile(OUTPUTS[output] + "\nasync def fail(): raise ValueError('task')\nrt.spawn(fail)\nawait rt.settle()\n1 / 0")
    assert (trial.end().key, trial.end().value["error"], trial.status) == ("raised", "ZeroDivisionError", 0)
    assert [event.value["message"] for event in trial.of("exception", "task")] == ["task"]


@pytest.mark.parametrize("output", OUTPUTS)
def test_output_taken_away_while_loading(zygote, workload, output):
    text = f"{OUTPUTS[output]}\nasync def main(rt, params): rt.observe('x', 1)\n"
    assert zygote.load("threading", workload(text, whole=True))["type"] == "ready"
    for _ in range(2):
        assert returned(zygote.trial()).observed() == {"x": 1}


def test_loop_goes_on_without_an_output(hostile):
    trial = hostile(OUTPUTS["refuses"] + """
if rt.runtime == "asyncio":
    import asyncio
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
await rt.sleep(0.01)
rt.observe("x", 1)
""")
    assert trial.observed() == {"x": 1} and trial.end().key == "returned"


def census_unseen(trial):
    """What its census says it could not see, and the number that it saw of each kind."""
    unseen = [entry for event in trial.of("census", "unseen") for entry in event.value]
    return unseen, {event.key: len(event.value) for event in trial.of("census") if event.key != "unseen"}


def test_census_without_descriptors_says_so(hostile):
    trial = hostile("import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))\nrt.observe('x', 1)")
    assert (trial.end().key, trial.observed(), trial.status) == ("returned", {"x": 1}, 0), trial.stderr
    unseen, seen = census_unseen(trial)
    reason = "Too many open files"
    assert unseen == [{"name": kind, "reason": reason} for kind in ("threads", "descriptors", "processes")] and seen == {}


def test_census_without_descriptors_still_sees_tasks(hostile):
    trial = hostile("""
import resource
rt.spawn(rt.sleep, 60)
await rt.settle()
resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
""")
    unseen, seen = census_unseen(trial)
    assert [entry["name"] for entry in unseen] == ["threads", "descriptors", "processes"] and seen == {"tasks": 1}


@pytest.mark.parametrize("left", [0, 3])
def test_census_sees_what_exhausted_the_descriptors(hostile, left):
    """Up to the hard limit there is room to look."""
    trial = hostile(f"""
import os, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
kept = []
try:
    while True: kept.append(os.open("/dev/null", os.O_RDONLY))
except OSError as error:
    rt.observe("error", error.errno)
while len(kept) > {left}: os.close(kept.pop())
resource.setrlimit(resource.RLIMIT_NOFILE, (1, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
""")
    assert (trial.end().key, trial.observed()) == ("returned", {"error": 24}), trial.stderr
    unseen, seen = census_unseen(trial)
    assert unseen == [] and seen == ({"descriptors": left} if left else {})


def test_census_that_the_workload_broke_says_so(hostile):
    trial = hostile("""
import os
def no(*_): raise RuntimeError("no links")
os.readlink = no
""")
    unseen, seen = census_unseen(trial)
    assert unseen == [{"name": "descriptors", "reason": "RuntimeError: no links"}] and seen == {}


# What is raised, by what kind of thing, and where it is recorded. `async` says whether the raiser is a coroutine.
BASE_EXCEPTIONS = ["GeneratorExit", "SystemExit", "KeyboardInterrupt", "Odd"]
RAISERS = {
    "task": "task = rt.spawn(fail)",
    "plain-task": "def plain(): raise kind('out')\ntask = rt.spawn(plain)",
    "pool": "pool = rt.pool(2)\ntask = await pool.submit(fail)",
    "spawn-after": "task = rt.spawn_after(0.001, fail)",
    "periodic": "task = rt.periodic(0.001, fail)",
}
RAISE = """
class Odd(BaseException): pass
kind = {kind}
async def fail():
    await rt.checkpoint()
    raise kind("out")
{raiser}
"""


@pytest.mark.parametrize("kind", BASE_EXCEPTIONS)
@pytest.mark.parametrize("raiser", RAISERS)
def test_base_exceptions_end_their_task(hostile, kind, raiser):
    trial = hostile(RAISE.format(kind=kind, raiser=RAISERS[raiser]) + "while not task.done(): await rt.sleep(0.001)")
    assert (trial.end().key, trial.status) == ("returned", 0), f"{trial.end().value}\n{trial.stderr}"
    assert trial.of("census") == []
    [unhandled] = trial.of("exception", "task")
    assert unhandled.value["error"].rpartition(".")[2] == kind and unhandled.value["message"] == "out"
    assert [event.key for event in trial.of("task_end")].count("raised") == 1


@pytest.mark.parametrize("kind", BASE_EXCEPTIONS)
@pytest.mark.parametrize("raiser", RAISERS)
def test_base_exceptions_belong_to_who_joins(hostile, kind, raiser):
    returned(hostile(RAISE.format(kind=kind, raiser=RAISERS[raiser]) + """
try: await task.join()
except kind as error: assert str(error) == "out"
else: assert False
"""))


@pytest.mark.parametrize("kind", BASE_EXCEPTIONS)
def test_base_exceptions_end_main(hostile, kind):
    trial = hostile(RAISE.format(kind=kind, raiser="await fail()"))
    assert (trial.end().key, trial.end().value["message"], trial.status) == ("raised", "out", 0)
    assert trial.end().value["error"].rpartition(".")[2] == kind
    assert trial.of("census") == [] and trial.of("exception") == []


@pytest.mark.parametrize("kind", BASE_EXCEPTIONS)
def test_base_exceptions_of_handlers_are_answered(hostile, kind):
    trial = hostile(RAISE.format(kind=kind, raiser="""
server = await rt.http_server(lambda request: fail())
rt.observe("status", (await rt.http_request("GET", server.url)).status)
server.close()
"""))
    assert (trial.end().key, trial.observed(), trial.status) == ("returned", {"status": 500}, 0), trial.stderr
    assert trial.of("census") == []
    assert [event.value["message"] for event in trial.of("exception")] == ["out"]


@pytest.mark.parametrize("kind", ["StopIteration", "StopAsyncIteration", *BASE_EXCEPTIONS])
def test_plain_main_raises_whatever(plain, kind):
    trial = plain(f"class Odd(BaseException): pass\nraise {kind}('out')")
    assert (trial.end().key, trial.status) == ("raised", 0)
    assert "out" in trial.end().value["message"] and kind in trial.end().value["error"] + trial.end().value["message"]


def test_generator_exit_of_a_future_ends_main(hostile):
    """Python closes the coroutines that wait for such a future, in place of throwing it into them."""
    trial = hostile("""
import asyncio
if rt.runtime == "asyncio":
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_exception, GeneratorExit("out"))
    await future
raise GeneratorExit("out")
""")
    assert (trial.end().key, trial.end().value["error"], trial.status) == ("raised", "GeneratorExit", 0), trial.stderr


FORK = """
import os
with rt.op("fork", 1) as op:
    child = os.fork()
    if child == 0:
        {child}
    op.ok(1)
rt.observe("status", os.waitpid(child, 0)[1])
"""
CHILDREN = {  # what it does: its status
    "print('child'); return": 0,
    "print('child'); raise ValueError('child')": 256,
    "print('child'); import sys; sys.exit(3)": 768,
    "print('child'); import sys; sys.exit('why')": 256,
    "print('child'); raise GeneratorExit": 256,
    "print('child', flush=True); os._exit(4)": 1024,
}


@pytest.mark.parametrize("child", CHILDREN)
def test_forked_child_that_leaves_main_just_ends(hostile, child):
    trial = returned(hostile(FORK.format(child=child)))
    assert trial.observed() == {"status": CHILDREN[child]} and trial.orphans == []
    assert trial.stdout == "child\n"
    assert [event.key for event in trial.of("task_end")] == ["returned"] and len(trial.of("ok")) == 1
    assert trial.of("info") == []


def test_forked_child_that_leaves_a_task_reports_nothing(hostile):
    trial = returned(hostile("""
import os
async def forks():
    child = os.fork()
    if child == 0: return
    while os.waitpid(child, os.WNOHANG)[0] == 0: await rt.sleep(0.001)
parent = os.getpid()
await rt.spawn(forks).join()
if os.getpid() != parent: return
rt.observe("x", 1)
"""))
    assert trial.observed() == {"x": 1} and trial.orphans == []
    assert [event.key for event in trial.of("task_end")] == ["returned", "returned"]


def test_forked_child_of_a_pool(hostile):
    trial = returned(hostile("""
import os
async def forks():
    child = os.fork()
    if child == 0: raise ValueError("child")
    while os.waitpid(child, os.WNOHANG)[0] == 0: await rt.sleep(0.001)
parent = os.getpid()
pool = rt.pool(2)
task = await pool.submit(forks)
await task.join()
await pool.join()
rt.observe("x", 1)
"""))
    assert trial.observed() == {"x": 1} and trial.orphans == []


def test_forked_child_of_a_plain_main(plain):
    trial = plain("""
import os
child = os.fork()
if child == 0: return
rt.observe("status", os.waitpid(child, 0)[1])
""")
    assert returned(trial).observed() == {"status": 0}


def test_exceptions_of_threads_are_recorded_on_every_runtime(hostile):
    trial = hostile("""
import threading
thread = threading.Thread(target=lambda: 1 / 0); thread.start()
while thread.is_alive(): await rt.sleep(0.001)
""")
    assert [(event.key, event.value["error"]) for event in trial.of("exception")] == [("thread", "ZeroDivisionError")]
    assert trial.end().key == "returned" and trial.of("census") == []


def test_exceptions_of_finalisers_are_recorded_on_every_runtime(hostile):
    trial = hostile("""
class Connection:
    def __del__(self): raise ValueError("not closed")
Connection()
""")
    assert [(event.key, event.value["message"]) for event in trial.of("exception")] == [("unraisable", "not closed")]
    assert trial.end().key == "returned" and "Exception ignored in" in trial.stderr


def test_what_only_stops_a_finaliser_is_not_recorded_nor_what_follows_the_end(hostile):
    trial = hostile("""
import atexit, os
class Connection:
    def __init__(self, error): self.error = error
    def __del__(self): raise self.error
Connection(SystemExit(3))
atexit.register(lambda: 1 / 0)
child = os.fork()
if child == 0:
    Connection(ValueError("of a child"))
    os._exit(0)
rt.observe("status", os.waitpid(child, 0)[1])
""")
    assert trial.end().key == "returned" and trial.of("exception") == []
    assert "ZeroDivisionError" in trial.stderr and "of a child" in trial.stderr


# They are asked after their threads have ended: a green thread that waits for one of another thread may wait for ever.
FUTURES = """
import asyncio, concurrent.futures, gc, threading
from concurrent.futures import Future, ThreadPoolExecutor
def fail(): raise ValueError("of a worker")
def failed(kind=Future):
    future = kind()
    future.set_exception(ValueError("of nobody"))
    return future
"""


def never_retrieved(trial):
    assert trial.end().key == "returned", trial.end().value
    assert {event.key for event in trial.of("exception")} <= {"never-retrieved"}
    return [event.value["message"] for event in trial.of("exception")]


def test_exceptions_of_futures_that_nobody_asked_are_recorded(hostile):
    trial = hostile(FUTURES + """
with ThreadPoolExecutor(1) as executor: executor.submit(fail)
""")
    assert never_retrieved(trial) == ["of a worker"]
    assert [line for line in trial.of("exception")[0].value["stack"] if line.endswith(" in fail")]


def test_futures_that_live_on_or_form_a_cycle_are_asked_once(hostile):
    trial = hostile(FUTURES + """
rt.kept = failed()
with ThreadPoolExecutor(1) as executor: futures = [executor.submit(fail)]
rt.waited = concurrent.futures.wait(futures)
cycle = failed()
cycle.itself = cycle
del cycle
gc.collect()
""")
    assert sorted(never_retrieved(trial)) == ["of a worker", "of nobody", "of nobody"]


def test_a_map_whose_results_nobody_took_hides_no_failure(hostile):
    assert never_retrieved(hostile(FUTURES + """
with ThreadPoolExecutor(1) as executor: executor.map(lambda _: fail(), range(2))
""")) == ["of a worker", "of a worker"]


def test_futures_that_somebody_asked_are_no_finding(hostile):
    returned(hostile(FUTURES + """
def raises(call, *kinds):
    try: call()
    except kinds: return
    raise AssertionError("raised nothing")
raises(failed().result, ValueError)
assert str(failed().exception()) == "of nobody"
failed().add_done_callback(lambda _: None)
late = Future()
raises(lambda: late.result(0), TimeoutError, concurrent.futures.TimeoutError)
late.set_exception(ValueError("after its asker had gone"))
cancelled = Future()
assert cancelled.cancel()
given_up = failed()
given_up.cancel()
with ThreadPoolExecutor(2) as executor:
    futures = [executor.submit(fail) for _ in range(3)]
    results = executor.map(lambda _: fail(), range(3))
for future in concurrent.futures.as_completed(futures): future.exception()
raises(lambda: list(results), ValueError)
class Own(Future):
    def result(self, timeout=None): return super().result(timeout)
raises(failed(Own).result, ValueError)
class Unmade(Future):
    def __init__(self): pass
Unmade()
stopped = Future()
stopped.set_exception(SystemExit(1))
"""))


def test_who_asks_without_a_function_of_python_asks(hostile):
    returned(hostile(FUTURES + """
import _thread, operator, sys, time
if "eventlet" in sys.modules: _thread = sys.modules["eventlet"].patcher.original("_thread")
future, unraisable = failed(), []
sys.unraisablehook = lambda raised: unraisable.append(raised)
_thread.start_new_thread(operator.methodcaller("result"), (future,))
while not unraisable: time.sleep(0.001)  # a native thread wakes no green one
assert str(unraisable.pop().exc_value) == "of nobody"
"""))


# Looks at a future as futurist's executors do at each, for their statistics.
STATISTICS = """
import functools, types
def _capture_stats(executor, started_at, fut):
    if not fut.cancelled(): executor.failed = fut.exception() is not None
look = types.FunctionType(_capture_stats.__code__, {"__name__": "futurist._futures"})
look.__qualname__ = "_Gatherer._capture_stats"
def submit(executor):
    future = executor.submit(fail)
    future.add_done_callback(functools.partial(look, executor, 0))
    return future
"""


def test_statistics_do_not_ask(hostile):
    assert never_retrieved(hostile(FUTURES + STATISTICS + """
with ThreadPoolExecutor(1) as executor: submit(executor)
assert executor.failed
""")) == ["of a worker"]
    returned(hostile(FUTURES + STATISTICS + """
with ThreadPoolExecutor(1) as executor: future = submit(executor)
assert future.exception()
"""))


def test_asyncio_asks_futures_that_it_waits_for_and_not_those_that_it_makes(hostile):
    assert never_retrieved(hostile(FUTURES + """
loop = asyncio.SelectorEventLoop()
async def raises(): raise KeyError("of a coroutine")
async def use():
    try: await asyncio.wrap_future(failed())
    except ValueError: pass
    try: await loop.run_in_executor(None, fail)
    except ValueError: pass
    asyncio.run_coroutine_threadsafe(raises(), loop)
    try: await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(raises(), loop))
    except KeyError: pass
    await loop.shutdown_default_executor()
def run():
    asyncio._set_running_loop(None)
    loop.run_until_complete(use())
    loop.close()
thread = threading.Thread(target=run)
thread.start()
while thread.is_alive(): await rt.sleep(0.001)
""")) == ["'of a coroutine'"]


# An executor queues first what it then has no thread for.
NO_THREAD = """
from concurrent.futures import ThreadPoolExecutor
def refuse(executor): raise RuntimeError("can't start new thread")
pool, gate, ran = rt.pool(2), rt.event(), []
first = await pool.submit(gate.wait)
await rt.settle()
adjust, ThreadPoolExecutor._adjust_thread_count = ThreadPoolExecutor._adjust_thread_count, refuse
try: await pool.submit(ran.append, "ran")
except RuntimeError: ran.append("refused")
ThreadPoolExecutor._adjust_thread_count = adjust
gate.set()
await first.join()
await pool.join()
rt.observe("ran", ran)
"""


def test_a_task_that_a_pool_has_no_thread_for_never_runs(hostile):
    trial = returned(hostile(NO_THREAD))
    assert trial.observed()["ran"] == ["refused" if trial.runtime == "threading" else "ran"]


def test_objects_that_do_not_say_their_class(hostile):
    returned(hostile("""
import weakref
class Gone: pass
gone = Gone(); rt.proxy = weakref.proxy(gone); del gone
class Odd:
    @property
    def __class__(self): raise RuntimeError("no class")
rt.odd = Odd()
"""))


def test_main_that_cancels_itself_as_it_ends(hostile):
    trial = hostile("rt.spawn(rt.sleep, 60)\nawait rt.settle()\nrt.current_task().cancel()")
    assert (trial.end().key, trial.status) == ("returned", 0), trial.stderr
    assert [event.key for event in trial.of("census")] == ["tasks"]


def test_main_that_a_task_cancels(hostile):
    trial = hostile("main = rt.current_task()\nrt.spawn(main.cancel)\nawait rt.sleep(60)")
    assert (trial.end().key, trial.end().value["message"]) == ("raised", "main was cancelled")
    assert trial.of("census") == [] and trial.of("exception") == []


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_decorated_main_is_awaited(zygote, workload, runtime):
    zygote.load(runtime, workload("""
import functools
def decorate(fn): return functools.wraps(fn)(lambda *args: fn(*args))
@decorate
async def main(rt, params):
    await rt.checkpoint()
    rt.observe("x", 1)
""", whole=True))
    assert returned(zygote.trial(timeout=10)).observed() == {"x": 1}


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("define", ["def", "async def"])
def test_generators_are_no_main(zygote, workload, runtime, define):
    zygote.load(runtime, workload(f"def same(fn): return fn\n@same\n{define} main(rt, params): yield", whole=True))
    end = zygote.trial(timeout=10).end()
    assert (end.key, end.value["message"]) == ("raised", "main returned a generator, so nothing of it ran: main")


BROKEN_LOOPS = {
    "closed": "import os; os.closerange(0, 1000)",
    "stopped": "import asyncio; asyncio.get_running_loop().stop()",
    "clock": "import time; time.monotonic = None",
}


@pytest.mark.parametrize("how", BROKEN_LOOPS)
@pytest.mark.parametrize("after", ["rt.spawn(rt.sleep, 60); await rt.settle(); ", ""])
def test_loops_that_the_workload_breaks(zygote, workload, how, after):
    zygote.load("asyncio", workload(after + BROKEN_LOOPS[how] + "\nawait rt.sleep(0.01)"))
    trial = zygote.trial(timeout=10)
    assert (trial.end().key, trial.status) == ("raised", 0), trial.stderr
    census = {event.key: [entry["name"] for entry in event.value] for event in trial.of("census")}
    assert census.get("tasks", []) == (["sleep"] if after else []) and "unseen" not in census


@pytest.mark.parametrize("hook", ["settrace", "setprofile"])
def test_trace_functions_that_raise(hostile, hook):
    trial = hostile(f"import sys\ndef trace(*_): raise ValueError('trace')\nrt.observe('x', 1)\nsys.{hook}(trace)")
    assert (trial.end().key, trial.end().value["message"], trial.status) == ("raised", "trace", 0), trial.stderr
    assert trial.of("census") == []


@pytest.mark.parametrize("breaks", ["os.closerange(3, 1000); await rt.sleep(0.01)", "import asyncio; await asyncio.sleep(0)"])
def test_forked_child_whose_runtime_breaks(hostile, breaks):
    trial = returned(hostile(f"""
import os
child = os.fork()
if child == 0:
    {breaks}
    return
rt.observe("ended", os.waitpid(child, 0)[0] == child)
"""))
    assert trial.observed() == {"ended": True} and trial.orphans == []


ODD = {
    "errno": ("error = OSError(); error.errno = object(); raise error", "OSError", ""),
    "str": ("class Odd(Exception): __str__ = lambda _: exit()\nraise Odd", "Odd", "its __str__ raised SystemExit"),
    "name": ("raise type('Odd', (Exception,), {'__qualname__': 'a\\ud800', '__module__': 7})('b')", "7.a\\ud800", "b"),
}


@pytest.mark.parametrize("odd", ODD)
def test_odd_exceptions_are_described(hostile, odd):
    body, name, message = ODD[odd]
    trial = hostile(body)
    assert (trial.end().key, trial.end().value["message"], trial.status) == ("raised", message, 0), trial.stderr
    assert trial.end().value["error"].endswith(name)


def test_lone_surrogates_are_their_escapes_everywhere(hostile):
    trial = hostile(r"""
text, escape = "a\ud800b", "a\\ud800b"
rt.observe("alone", text); rt.observe("within", [text, {text: text}]); rt.observe(text, 1)
rt.outcome(text); rt.metric(text, 1.0, text)
with rt.op(text, [text]) as op: op.ok({text: text})
async def waits(): await rt.event().wait()
rt.spawn(waits, name=text)
""")
    text = "a\\ud800b"
    assert trial.observed() == {"alone": text, "within": [text, {text: text}], text: 1}
    assert (trial.of("invoke")[0].value, trial.of("ok")[0].value) == ([text], {text: text})
    assert trial.of("metric")[0].value == [1, text]
    assert [[entry["name"] for entry in event.value] for event in trial.of("census")] == [[text]]


def test_integers_that_python_does_not_print(hostile):
    [shown, one] = returned(hostile("rt.observe('x', [10 ** 5000, 1])")).observed()["x"]
    assert one == 1 and (shown == "i" + hex(10**5000) or sys.version_info < (3, 11))


# What a workload puts in the place of functions of the standard library.
REPLACED = {
    "time": "import time\ntime.sleep = time.monotonic = time.time = no",
    "json": "import json\njson.dumps = json.loads = no",
    "gc": "import gc\ngc.collect = gc.get_objects = no\ngc.freeze()",
    "traceback": "import traceback\ntraceback.print_exception = traceback.walk_tb = traceback.walk_stack = no",
    "atexit": "import atexit\natexit._run_exitfuncs = no",
    "exit": "import os, posix\nos._exit = posix._exit = os.getpid = posix.getpid = no",
    "modules": "import sys\nsys.modules.clear(); sys.path.clear()",
    "hooks": "import sys, threading\nsys.unraisablehook = sys.excepthook = threading.excepthook = None",
}
REPLACE = "def no(*_, **__): raise RuntimeError('no')\n"


@pytest.mark.parametrize("what", REPLACED)
def test_functions_that_the_workload_replaced(hostile, what):
    trial = returned(hostile(REPLACE + REPLACED[what] + "\nrt.observe('x', [1])\nwith rt.op('o', [2]) as op: op.ok({'a': 3})"))
    assert trial.observed() == {"x": [1]} and trial.of("ok")[0].value == {"a": 3}


@pytest.mark.parametrize("what", sorted(set(REPLACED) - {"modules"}))
def test_errors_and_leaks_beside_functions_that_the_workload_replaced(hostile, what):
    body = "async def waits(): await rt.event().wait()\nrt.spawn(waits)\nawait rt.settle()\n"
    trial = hostile(body + REPLACE + REPLACED[what] + "\n1 / 0")
    assert (trial.end().key, trial.end().value["error"], trial.status) == ("raised", "ZeroDivisionError", 0), trial.stderr
    assert [(event.key, event.value[0]["name"]) for event in trial.of("census")] == [("tasks", "waits")]


QUIET = {  # what is hostile to look at, and yet ends well
    "exit-handlers": "import atexit, sys\natexit.register(lambda: 1 / 0); atexit.register(sys.exit, 4)",
    "closed-descriptors": "import os\nos.closerange(0, 1000)",
    "no-directory": "import os, tempfile\nfolder = tempfile.mkdtemp(); os.chdir(folder); os.rmdir(folder)",
    "recursion-limit": "import sys\nsys.setrecursionlimit(60)",
    "no-memory": "import resource\nresource.setrlimit(resource.RLIMIT_AS, (1, 1))",
    "ticking": "import signal as s\ns.signal(s.SIGALRM, s.SIG_IGN); s.setitimer(s.ITIMER_REAL, 0.001, 0.001)",
    "process": "import multiprocessing as m\np = m.get_context('fork').Process(target=print); p.start(); p.join(); p.close()",
    "ended-twice": "with rt.op('o') as op:\n    op.ok(1)\n    try: op.ok(2)\n    except RuntimeError: pass",
}


@pytest.mark.parametrize("what", QUIET)
def test_what_ends_well(hostile, what):
    assert returned(hostile("rt.observe('x', 1)\n" + QUIET[what])).observed() == {"x": 1}


LOADING = {
    "functions": "import json, time, gc, os\n" + REPLACE
    + "json.dumps = json.loads = time.sleep = gc.collect = gc.freeze = os.fork = os.pidfd_open = no",
    "child-returns": "import os\nos.fork()",
    "child-raises": "import os\nif os.fork() == 0: raise ValueError",
    "child-exits": "import os, sys\nif os.fork() == 0: sys.exit(1)\nos.wait()",
}


@pytest.mark.parametrize("what", LOADING)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_loading_that_replaces_or_forks(zygote, workload, runtime, what):
    text = f"{LOADING[what]}\nasync def main(rt, params): rt.observe('x', [1])\n"
    answer = zygote.load(runtime, workload(text, whole=True))
    assert answer["type"] == "ready" and answer["pid"] == zygote.process.pid, answer
    assert returned(zygote.trial(timeout=10)).observed() == {"x": [1]}


def test_loading_that_cannot_say_what_it_raises(zygote, workload):
    answer = zygote.load("threading", workload("class Odd(Exception): __str__ = lambda _: 1 / 0\nraise Odd", whole=True))
    assert (answer["reason"], answer["message"]) == ("import", "Odd: its __str__ raised ZeroDivisionError")


def test_a_server_that_is_left_is_the_only_descriptor(hostile):
    trial = hostile("await rt.http_server(lambda request: trireme.Response())")
    [left] = trial.of("census", "descriptors")
    assert [entry["name"] for entry in left.value] == ["http-server"]


def test_a_coroutine_that_nobody_awaits_is_recorded(hostile):
    trial = hostile("rt.sleep(1)\nlater = rt.event().wait()\nawait rt.checkpoint()")
    told = [event.value for event in trial.of("warning", "never-awaited")]
    assert [text.partition(" (")[0] for text in told] == [
        "coroutine 'Runtime.sleep' was never awaited",
        "coroutine 'Event.wait' was never awaited",
    ]
    assert "coroutine 'Runtime.sleep' was never awaited" in trial.stderr
    assert trial.of("end")[0].key == "returned"


def test_a_coroutine_that_was_awaited_is_not(hostile):
    trial = hostile("task = rt.spawn(rt.sleep, 10)\ntask.cancel()\nawait rt.sleep(0.001)")
    assert trial.of("warning") == []


def test_a_name_that_the_runtime_does_not_have(hostile):
    trial = hostile("await rt.slep(1)")
    assert trial.of("end")[0].value["message"] == "rt has no 'slep': did you mean 'sleep'?"
    assert hostile("rt.zzzz").of("end")[0].value["message"] == "rt has no 'zzzz'"
