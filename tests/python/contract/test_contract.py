"""Every case of tests/contract/cases.txt, on the runtime and interpreter that the environment names.

TRIREME_RUNTIME and TRIREME_PYTHON; tests/python/run-contract sets them.
"""

from __future__ import annotations

import base64
import re

import cases as workloads
import pytest

from agent import ROOT, Trial
from recording import Marked, TaskFault

# A line for each Python runtime of harness/protocol/runtimes.cc: its model.
RUNTIMES = {"eventlet": "green", "eventlet-asyncio": "green", "threading": "native", "asyncio": "async"}


def names_of_cases() -> list[str]:
    """The names of the cases that hold for Python."""
    names = []
    for line in (ROOT / "tests/contract/cases.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, text = line.partition(": ")
            if not text.startswith("[cpp]"):
                names.append(name)
    return names


def test_every_case_has_a_workload():
    assert sorted(names_of_cases()) == sorted(workloads.CASES)


def test_every_runtime_has_a_line():
    table = (ROOT / "harness/protocol/runtimes.cc").read_text()
    rows = re.findall(r'\{"([\w-]+)", "(\w+)", "python"', table)
    assert dict(rows) == RUNTIMES, "a Python runtime of runtimes.cc is not in this suite"


# What the cases of faults are told of: see cases.txt.
FAULTS = [TaskFault("victim*", 2), TaskFault("late*", 2, timeout=True)]

CHECKS = {}


def check(function):
    CHECKS[function.__name__.replace("_", "-")] = function
    return function


@pytest.mark.parametrize("name", names_of_cases())
def test_contract(name, zygote, runtime):
    faults = FAULTS if name.startswith("fault-") else None
    trial = zygote.trial({"case": name}, faults=faults)
    CHECKS.get(name, ended_clean)(trial)
    assert trial.status == 0, trial.stderr
    assert trial.orphans == []


def ended_clean(trial: Trial) -> None:
    end = trial.end()
    assert end.key == "returned", f"{end.value}\n{trial.stderr}"
    assert trial.of("exception") == []
    assert trial.of("census") == [], trial.of("census")


def only_exception(trial: Trial, key: str):
    found = trial.of("exception")
    assert [event.key for event in found] == [key], found
    return found[0]


@check
def join_raises(trial):
    ended_clean(trial)
    assert [event.key for event in trial.of("task_end")] == ["raised", "returned"]


def applied(trial: Trial) -> list[tuple[int, dict]]:
    return [(event.id, event.value) for event in trial.of("fault")]


@check
def fault_cancels_at_a_wait(trial):
    ended_clean(trial)
    names = {event.key: event.value for event in trial.of("task_start")}
    assert {number for number, _ in applied(trial)} == {1}
    hit = {names[value["task"]] for _, value in applied(trial)}
    assert hit == {name for name in names.values() if name.startswith("victim")}
    assert all(value["do"] == {"cancel": True} and value["point"] == 2 for _, value in applied(trial))


@check
def fault_ends_the_time_of_a_block(trial):
    ended_clean(trial)
    (path,) = [event.key for event in trial.of("task_start") if event.value == "late"]
    assert applied(trial) == [(2, {"do": {"timeout": True}, "point": 2, "task": path})]


@check
def task_paths(trial):
    ended_clean(trial)
    starts = trial.of("task_start")
    assert sorted(event.key for event in starts) == ["1", "1.1", "1.1.1", "1.1.2", "1.2", "1.2.1", "1.2.2"]
    numbers = {event.key: event.task for event in starts}
    for event in starts:
        assert event.id == (numbers[event.key.rpartition(".")[0]] if "." in event.key else 0)
    assert {event.key: event.value for event in starts}["1.2"] == "two"


@check
def random_per_task(trial):
    ended_clean(trial)
    first, (path_1, second), (path_2, third) = trial.observed()["drawn"]
    assert (path_1, path_2) == ("1.1", "1.2")
    assert [first, second, third] == [first_real("0x1", path) for path in ("1", "1.1", "1.2")]


def first_real(inputs: str, path: str) -> float:
    """The golden value that C++ draws too."""
    lines = (ROOT / "tests/contract/random.txt").read_text().splitlines()
    call, value = lines[lines.index(f"task {inputs} {path}") + 1].split()
    assert call == "real"
    return float.fromhex(value)


@check
def unjoined_exception_recorded(trial):
    error = only_exception(trial, "task").value
    assert (error["error"], error["family"], error["message"]) == ("ValueError", "value", "nobody hears")
    assert error["stack"][-1].startswith("cases/support.py:")
    assert trial.end().key == "returned"


@check
def main_exception_is_end_raised(trial):
    error = trial.end().value
    assert trial.end().key == "raised"
    assert (error["error"], error["family"], error["message"]) == ("ValueError", "value", "out of main")
    assert error["stack"][-1].endswith(" in fail")
    assert trial.of("exception") == []


@check
def timeout_is_an_exception(trial):
    ended_clean(trial)
    assert trial.of("info")[0].value["family"] == "timeout"
    assert trial.of("fail")[0].value["error"] == "trireme.TimeoutExpired"


@check
def http_handler_raises(trial):
    assert only_exception(trial, "handler").value["message"] == "handler"
    assert trial.end().key == "returned"
    assert trial.of("census") == []


@check
def resolve_fails(trial):
    ended_clean(trial)
    assert trial.of("fail")[0].value["family"] == "other"


@check
def op_ok(trial):
    ended_clean(trial)
    invoke, ok = trial.of("invoke")[0], trial.of("ok")[0]
    assert (invoke.id, invoke.key, invoke.value) == (ok.id, "o", 1)
    assert (ok.key, ok.value) == ("o", 2)


@check
def op_fail(trial):
    ended_clean(trial)
    assert [event.value for event in trial.of("fail")] == ["why"]


@check
def op_fail_by_exception(trial):
    ended_clean(trial)
    handled, made = (event.value for event in trial.of("fail"))
    assert (handled["error"], handled["family"], handled["errno"]) == ("ConnectionResetError", "reset", 104)
    assert "gone" in handled["message"]
    assert handled["stack"]
    assert (made["family"], made["errno"]) == ("timeout", None)


@check
def op_left_open_is_info(trial):
    ended_clean(trial)
    assert [(event.key, event.value) for event in trial.of("info")] == [("o", None)]


@check
def op_left_by_exception_is_info(trial):
    ended_clean(trial)
    error = trial.of("info")[0].value
    assert (error["family"], error["errno"]) == ("reset", 104)


@check
def op_within_cancelled_task(trial):
    ended_clean(trial)
    assert [event.value["family"] for event in trial.of("info")] == ["cancelled"]


@check
def values_of_every_kind(trial):
    ended_clean(trial)
    expected = [*workloads.recording.VALUES[:-2], base64.b64encode(b"\x00\xff").decode(), [Marked("bAQ==")]]
    for events in (trial.of("observe"), trial.of("invoke"), trial.of("ok")):
        assert [event.value for event in events] == expected
    assert len({event.id for event in trial.of("invoke")}) == len(expected)


@check
def sets_are_one_value_however_they_were_filled(trial):
    ended_clean(trial)
    assert trial.observed() == {key: ["z", ["a", 0, 8], [1]] for key in ("there", "back")}


@check
def keys_that_json_has_one_name_for_are_refused(trial):
    ended_clean(trial)
    apart, refused = trial.observed()["apart"], trial.observed()["refused"]
    assert apart == {Marked("n1"): "a", Marked("nnull"): "b", Marked("n2.5"): "c"}
    assert "two keys that JSON has one name for, '1'" in refused


@check
def observe_outcome_metric(trial):
    ended_clean(trial)
    assert trial.observed() == {"key": [1, 2]}
    assert [event.key for event in trial.of("outcome")] == ["fifo"]
    assert [(event.key, event.value) for event in trial.of("metric")] == [("speed", [2.5, "m/s"])]


@check
def errors_have_families(trial):
    ended_clean(trial)
    families = {event.key: event.value and event.value["family"] for event in trial.of("info")}
    if RUNTIMES[trial.of("begin")[0].value["runtime"]] == "green":
        # Eventlet makes an end of stream of it: SOCKET_CLOSED in eventlet/greenio/base.py.
        assert families.pop("reset") is None
    else:
        assert families["reset"] == "reset"
    assert families == {family: family for family in families}
    assert len(families | {"reset": None}) == 9


@check
def runtime_and_model(trial):
    ended_clean(trial)
    seen = trial.observed()
    assert RUNTIMES[seen["runtime"]] == seen["model"]
    assert seen["seed"] == 0x5EED
    begin = trial.events[0] if trial.events[0].kind == "begin" else trial.of("begin")[0]
    assert begin.value["runtime"] == seen["runtime"]
    assert begin.value["environment"]["interpreter"] == seen["interpreter"]


@check
def waits_are_points(trial):
    ended_clean(trial)
    reader = next(event.task for event in trial.of("task_start") if event.key == "1.1")
    waits = [event for event in trial.of("wait", "recv") if event.task == reader]
    wakes = [event for event in trial.of("wake", "recv") if event.task == reader]
    assert [event.id for event in waits] == [event.id for event in wakes] == [2]  # after the checkpoint


@check
def unsupported_is_reported(trial):
    assert trial.end().key == "unsupported"
    assert trial.end().value["message"] == "no such thing here"


@check
def task_left_waiting_in_census(trial):
    [census] = trial.of("census", "tasks")
    assert [(entry["name"], entry["path"]) for entry in census.value] == [("forgotten", "1.1")]
    assert trial.of("census") == [census]
    assert trial.end().key == "returned"


@check
def descriptor_left_open_in_census(trial):
    [census] = trial.of("census", "descriptors")
    assert [(entry["name"], entry["path"]) for entry in census.value] == [("listener", "1.1")]
    assert trial.of("census") == [census]


@check
def suspended_is_reported(trial):
    begin = trial.of("begin")[0].value
    if RUNTIMES[begin["runtime"]] == "async":
        assert trial.observed() == {"suspended": "fine here"}
        return
    assert trial.end().key == "suspended"
    assert re.match(r"cases/ends\.py:\d+ in suspended_is_reported ", trial.end().value["message"])


@check
def plain_main_with_blocking(trial):
    ended_clean(trial)
    assert trial.observed() == {"expired": True, "cancelled": True, "map": [2, 4, 6], "path": "1"}
    assert trial.of("ok")[0].value == "line\n"


def test_trials_are_independent(zygote):
    for _ in range(2):
        assert zygote.trial({"case": "trials-are-independent"}).observed() == {"count": 1}


def test_checks_name_cases():
    assert set(CHECKS) <= set(names_of_cases())
