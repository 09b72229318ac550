"""What a trial says is left at its end."""

from __future__ import annotations

import pytest

from agent import GREEN, RUNTIMES


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


STRAYS = {  # each sleeps for longer than any trial here lasts: it is there when the trial ends
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
    ended = {call}(time.sleep, 0.01)  # of what is tested: a call that blocks its thread
    if ended is not None: await ended
await rt.gather(*[rt.spawn(wait) for _ in range(3)])
"""))
    trial = zygote.trial()
    assert trial.end().key == "returned"
    assert trial.of("census") == []


WITH_HELPERS = """
import multiprocessing, multiprocessing.shared_memory, time
context = multiprocessing.get_context("{method}")
worker = context.Process(target=time.sleep, args=({seconds},))  # 0: ends by itself; 60: is there when the trial ends
worker.start()
shared = multiprocessing.shared_memory.SharedMemory(create=True, size=1)  # by the tracker of resources
shared.close()
shared.unlink()
rt.kept = worker
if not {seconds}:
    worker.join()
    worker.close()
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_helpers_of_multiprocessing_are_no_leak(zygote, workload, method):
    zygote.load("threading", workload(WITH_HELPERS.format(method=method, seconds=0)))
    trial = zygote.trial()
    assert trial.end().key == "returned"
    assert trial.of("census") == []


def test_a_worker_beside_helpers_is_a_leak(zygote, workload):
    zygote.load("threading", workload(WITH_HELPERS.format(method="spawn", seconds=60)))
    [left] = [event.value for event in zygote.trial().of("census") if event.key == "processes"]
    assert ["spawn_main" in entry["name"] for entry in left] == [True]


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
