"""What the agent records of locks, queues, pools and streams: "What tasks wait for" in harness/probe/probe_abi.h."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from agent import Trial


class History:
    """A trial whose events are told in short: `1.1 wait lock`, `1 put 2`."""

    def __init__(self, trial: Trial) -> None:
        assert trial.end().key == "returned", f"{trial.end().value}\n{trial.stderr}"
        assert trial.of("census") == [] and trial.of("exception") == []
        self.trial = trial
        self.paths = {event.task: event.key for event in trial.of("task_start")}
        self.new = trial.of("sync", "new")

    def numbers(self, kind: str) -> list[int]:
        return [event.id for event in self.new if event.value["kind"] == kind]

    def of(self, kind: str, index: int = 0) -> list[str]:
        """All that happened to the one of that kind; not where a lock was taken."""
        return self.about(self.numbers(kind)[index])

    def about(self, number: int) -> list[str]:
        told, waiting = [], set()
        for event in self.trial.events:
            path = self.paths.get(event.task, "?")
            if event.kind == "sync" and event.id == number and event.key != "new":
                told.append(" ".join([path, event.key, *([str(event.value)] if isinstance(event.value, int) else [])]))
            elif event.kind == "wait" and event.value == number and event.key != "join":
                waiting.add(event.task)
                told.append(f"{path} WAIT {event.key}")
            elif event.kind == "wake" and event.task in waiting:
                waiting.discard(event.task)
                told.append(f"{path} WAKE {event.key}")
        assert not waiting, told
        return told


def by_task(told: list[str], path: str) -> list[str]:
    return [line.partition(" ")[2] for line in told if line.startswith(path + " ")]


@pytest.fixture
def run(waits_zygote):
    return lambda case: History(waits_zygote.trial({"case": case}))


def test_everything_has_a_number_and_a_place(run):
    history = run("everything_has_a_number")
    assert [(event.value["kind"], event.value["size"]) for event in history.new] == [
        ("lock", 1), ("rlock", 1), ("semaphore", 3), ("condition", 1), ("event", 0), ("queue", 0), ("queue", 5),
        ("pool", 2), ("stream", 0), ("stream", 0), ("stream", 0),
    ]  # fmt: skip
    assert len({event.id for event in history.new}) == len(history.new)
    for event in history.new:
        assert set(event.value) == {"kind", "size", "place"}
        assert re.fullmatch(r"what_tasks_wait_for\.py:\d+ in everything_has_a_number", event.value["place"])


def test_place_in_a_plain_function(run):
    [lock] = run("plain_function_is_the_place").new
    assert re.fullmatch(r"what_tasks_wait_for\.py:\d+ in make", lock.value["place"])


def test_lock_that_nobody_else_wants(run):
    assert run("lock_alone").of("lock") == ["1 acquire", "1 release"] * 2


def test_lock_that_another_has(run):
    assert run("lock_contended").of("lock") == [
        "1 acquire", "1.1 WAIT lock", "1 release", "1.1 WAKE lock", "1.1 acquire", "1.1 release",
    ]  # fmt: skip


@pytest.mark.parametrize("case", ["lock_cancelled", "lock_timed_out"])
def test_lock_that_was_not_acquired(run, case):
    history = run(case)
    *_, last = history.paths.values()
    assert history.of("lock", -1) == ["1 acquire", f"{last} WAIT lock", f"{last} WAKE lock", "1 release"]


def test_release_that_is_refused_leaves_nothing(run):
    assert run("lock_released_too_often").of("lock") == ["1 acquire", "1 release"]
    assert run("rlock_levels").of("rlock") == ["1 acquire", "1 acquire", "1 release", "1 release"]


def test_semaphore(run):
    assert run("semaphore_permits").of("semaphore") == [
        "1 acquire", "1.1 WAIT semaphore", "1 release", "1.1 WAKE semaphore", "1.1 acquire", "1 release",
    ]  # fmt: skip


def test_condition_that_is_notified(run):
    assert run("condition_notified").of("condition") == [
        "1.1 acquire", "1.1 wait", "1.1 WAIT condition",
        "1 acquire", "1 notify", "1.1 WAKE condition", "1.1 WAIT lock", "1 release",
        "1.1 WAKE lock", "1.1 acquire", "1.1 release",
    ]  # fmt: skip


def test_condition_whose_waiter_is_cancelled(run):
    assert run("condition_cancelled").of("condition") == [
        "1.1 acquire", "1.1 wait", "1.1 WAIT condition", "1.1 WAKE condition", "1.1 WAIT lock", "1.1 WAKE lock",
        "1.1 acquire", "1.1 release", "1 acquire", "1 notify", "1 release",
    ]  # fmt: skip


def test_condition_that_is_not_locked(run):
    assert run("condition_waits_without_its_lock").of("condition") == []


def test_condition_gives_back_each_level(run, runtime):
    levels = 1 if runtime == "asyncio" else 2
    told = [line for line in by_task(run("condition_levels").of("condition"), "1.1") if line.islower()]
    assert told == ["acquire"] * levels + ["wait"] + ["acquire"] * levels + ["release"] * levels


def test_event(run):
    assert run("event_set").of("event") == [
        "1.1 WAIT event", "1 set", "1.1 WAKE event", "1.1 passed", "1 passed", "1 passed", "1 clear",
        "1.2 WAIT event", "1.2 WAKE event",
    ]  # fmt: skip


def test_queue(run):
    told = run("queue_full_and_empty").of("queue")
    assert [line for line in told if "WAKE" not in line] == [
        "1 put 1", "1.1 WAIT queue-put", "1 get 0", "1.1 put 1", "1 get 0", "1.2 WAIT queue-get", "1 put 1", "1.2 get 0",
    ]  # fmt: skip
    assert told.index("1 get 0") < told.index("1.1 WAKE queue-put")
    assert told.index("1.2 WAIT queue-get") < told.index("1.2 WAKE queue-get")


def test_queue_whose_callers_are_cancelled(run):
    assert run("queue_cancelled").of("queue") == [
        "1.1 WAIT queue-get", "1.1 WAKE queue-get", "1 put 1", "1.2 WAIT queue-put", "1.2 WAKE queue-put", "1 get 0",
    ]  # fmt: skip


def test_queue_whose_items_the_runtime_moves(run):
    told = [line for line in run("queue_when_both_sides_wait").of("queue") if line.split()[1] in ("put", "get")]
    assert Counter(line.rpartition(" ")[0] for line in told) == {"1 put": 1, "1.1 put": 1, "1.2 put": 1, "1 get": 3}
    fill = 0
    for line in told:
        fill += 1 if " put " in line else -1
        assert line.endswith(f" {fill}") and 0 <= fill <= 1, told


def deadlines(history):
    """Of each wait that has one, by its kind and ordinal: in how many nanoseconds it ends by itself."""
    waits = {(event.task, event.id): event for event in history.trial.of("wait")}
    found = {}
    for event in history.trial.of("deadline"):
        wait = waits[event.task, event.id]
        assert wait.key == event.key and wait.time >= event.time
        found[history.paths[event.task], event.key] = event.value
    return found


def test_wait_that_the_nearest_of_two_timeouts_would_end(run):
    found = deadlines(run("lock_within_two_timeouts"))
    assert list(found) == [("1.1", "lock")] and 900e9 < found["1.1", "lock"] <= 1000e9


def test_acquire_says_when_its_wait_would_end(run):
    within, without = [
        event.value for event in run("lock_within_two_timeouts").trial.of("sync", "acquire")[1:]
    ]
    assert 0 < within <= 1000e9 and re.fullmatch(r"what_tasks_wait_for\.py:\d+ in \w+", without)


def test_lock_after_a_condition_has_a_deadline_where_that_ends_its_wait(run, runtime):
    trial = run("condition_within_a_timeout").trial
    ends = ["condition"] if runtime == "threading" else ["condition", "lock"]
    assert [event.key for event in trial.of("deadline")] == ends
    again = trial.of("sync", "acquire")[-1]
    assert again.value is None


def test_wait_without_a_timeout(run):
    assert deadlines(run("lock_contended")) == {}


def test_pool_of_one_place(run, runtime):
    history = run("pool_of_one_place")
    told = history.of("pool")
    queued = ["WAIT pool-place", "WAKE pool-place", "acquire", "release"]
    assert by_task(told, "1.2") == by_task(told, "1.3") == queued
    assert told.index("1.3 WAIT pool-place") < told.index("1.2 release") < told.index("1.3 WAKE pool-place")
    blocks = ["WAIT pool", "WAKE pool"] if runtime.startswith("eventlet") else []
    assert by_task(told, "1") == blocks


def test_pool_that_is_joined(run):
    told = run("pool_joined").of("pool")
    assert by_task(told, "1.2") == ["WAIT pool-join", "WAKE pool-join"]


def test_task_that_never_gets_a_place(run):
    told = run("pool_cancelled_without_a_place").of("pool")
    assert by_task(told, "1.2.1") == ["WAIT pool-place", "WAKE pool-place"]
    assert told.count("1.1 acquire") == told.count("1.1 release") == 1


def test_pool_that_is_submitted_to_from_its_own_place(run, runtime):
    history = run("pool_within_a_full_one")
    told = history.of("pool")
    if not runtime.startswith("eventlet"):
        assert by_task(told, "1.1.1") == ["WAIT pool-place", "WAKE pool-place", "acquire", "release"]
        return
    assert told == ["1.1 WAIT pool-place", "1.1 WAKE pool-place", "1.1 acquire", "1.1 release"]
    inner = next(number for number, path in history.paths.items() if path == "1.1.1")
    [outer] = [event for event in history.trial.of("wait", "join") if event.value == inner]
    assert history.paths[outer.task] == "1.1"


def test_join(run):
    history = run("join_of_a_task")
    joins = [(history.paths[event.task], history.paths[event.value]) for event in history.trial.of("wait", "join")]
    assert joins == [("1.2", "1.1"), ("1", "1.2")]


def test_stream(run):
    history = run("stream_read_and_written")
    assert history.of("stream", 0) == ["1 connected", "1.1 read", "1.1 WAIT recv", "1.1 WAKE recv", "1 close"]
    assert [line for line in history.of("stream", 1) if line.islower()] == ["1 connected", "1 write", "1 close"]


def test_duplicate_of_a_stream_has_the_number_of_its_original(run):
    history = run("stream_duplicated")
    assert len(history.new) == 2
    assert [line for line in history.of("stream", 0) if line.islower()] == ["1 connected", "1 close", "1 write", "1 close"]


def test_listener(run):
    history = run("listener_accepts")
    assert history.of("stream", 0) == ["1.1 WAIT accept", "1.1 WAKE accept", "1 close"]
    assert len(history.new) == 3


def test_what_is_given_is_recorded_before_others_can_have_it(run):
    events = run("given_to_others").trial.events
    told = [(event.kind, event.key) for event in events if event.kind in ("sync", "observe")]
    given = ["release", "release", "set", "clear", "notify", "release"]
    assert told[-2 * len(given) :] == [(kind, name) for name in given for kind in ("sync", "observe")]


def test_no_more_is_taken_than_there_is(run):
    """At no place of the history, though threads do all of it at once."""
    history = run("crowd")
    for kind, size in {"lock": 1, "semaphore": 2, "condition": 1, "pool": 2}.items():
        holders = 0
        for line in history.of(kind):
            holders += line.endswith(" acquire") - line.endswith(" release")
            assert 0 <= holders <= size
        assert holders == 0
    fill = 0
    for line in history.of("queue"):
        action = line.split()[1]
        if action in ("put", "get"):
            fill += 1 if action == "put" else -1
            assert line.endswith(f" {fill}") and 0 <= fill <= 2
