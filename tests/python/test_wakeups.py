"""How tasks that are threads are woken: the eventfds that pass from one to the next."""

from __future__ import annotations

import os

import pytest

from trireme_agent.threads.waiting import SPARES, Wakeup


@pytest.fixture(autouse=True)
def without_spares():
    yield
    Wakeup.forget_spares()
    assert Wakeup.descriptors == set()


def test_the_next_task_takes_the_eventfd_of_one_that_ended():
    first, second, third = Wakeup(), Wakeup(), Wakeup()
    fd = first.eventfd()
    first.close()
    assert second.eventfd() == fd
    assert third.eventfd() not in (None, fd)  # second has not ended
    second.close()
    third.close()


def test_few_are_kept():
    wakeups = [Wakeup() for _ in range(SPARES + 3)]
    for wakeup in wakeups:
        wakeup.eventfd()
    for wakeup in wakeups:
        wakeup.close()
    assert len(Wakeup.descriptors) == SPARES


def test_closing_one_that_has_none_or_twice_keeps_nothing():
    wakeup = Wakeup()
    wakeup.close()
    assert Wakeup.descriptors == set()
    fd = wakeup.eventfd()
    wakeup.close()
    wakeup.close()
    first, second = Wakeup(), Wakeup()
    assert first.eventfd() == fd != second.eventfd()
    first.close()
    second.close()


def test_a_forked_child_has_none_of_its_parents_spares():
    wakeup = Wakeup()
    fd = wakeup.eventfd()
    assert fd is not None
    wakeup.close()
    child = os.fork()
    if child == 0:
        try:
            os.fstat(fd)
        except OSError:
            os._exit(0 if not Wakeup.descriptors else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.fstat(fd)  # the parent keeps its own
