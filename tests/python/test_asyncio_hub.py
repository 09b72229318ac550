"""Eventlet on its asyncio hub, in a trial."""

from __future__ import annotations

import sys

import agent

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
