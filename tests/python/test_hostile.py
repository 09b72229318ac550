"""Workloads that take away what the agent stands on: each trial is judged by what its workload did."""

from __future__ import annotations

import sys

import pytest

import agent


@pytest.fixture(scope="module", params=["eventlet", "threading", "asyncio"])
def hostile(request, tmp_path_factory):
    """Runs the body of an async main, on each runtime: one zygote of each runs them all."""
    path = tmp_path_factory.mktemp("hostile") / "workload.py"
    path.write_text(HOST)
    with agent.agent(sys.executable) as made:
        assert made.load(request.param, path)["type"] == "ready"

        def run(body: str, **options):
            trial = made.trial({"body": body}, **options)
            trial.runtime = request.param
            return trial

        yield run


HOST = """
import textwrap
import trireme

async def main(rt, params):
    names = {"rt": rt, "trireme": trireme}
    exec("async def body():\\n" + textwrap.indent(params["body"], "    "), names)
    await names["body"]()
"""


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
