"""What the probe asks of Python fails for nobody but us, and what a signal handler raises meanwhile goes to the program."""

from __future__ import annotations

import functools
import os
import signal
import sys
import threading

from agent import AGENT

sys.path.insert(0, str(AGENT / "command"))
from trireme_sources import answering  # found by its own name, as where it runs


class OfAHandler(Exception):
    pass


def fail(*_):
    raise OfAHandler


class Handler:
    def __call__(self, *_):
        raise OfAHandler

    def method(self, *_):
        fail()


def let_go_and_fail(*_):
    signal.signal(signal.SIGUSR2, signal.SIG_DFL)
    raise OfAHandler


def raises(kind, function, *args):
    try:
        function(*args)
    except kind:
        return True
    return False


def interrupted_by(handler):
    """What comes of a source that is interrupted by a signal with that handler."""

    def source(number):
        os.kill(os.getpid(), signal.SIGUSR2)
        return "answer"

    before = signal.signal(signal.SIGUSR2, handler)
    try:
        return answering(source, "")(1)
    finally:
        signal.signal(signal.SIGUSR2, before)


def of_ours():
    """A source whose code is ours, which raises what it is given."""
    names = {}
    exec(compile("def source(kind):\n    raise kind\n", str(AGENT / "ours.py"), "exec"), names)
    return answering(names["source"], "")


def test_what_another_thread_raised_in_this_one_is_raised():
    assert raises(OfAHandler, of_ours(), OfAHandler)


def test_what_our_code_raises_by_itself_is_not():
    assert of_ours()(ValueError) == ""


def test_what_our_code_came_to_in_the_programs_is_not():
    assert answering(fail, "")(1) == ""


def test_an_answer_is_given():
    assert answering(lambda a, b: a + b, 0)(1, 2) == 3


def test_an_error_of_its_own_is_no_answer():
    assert answering(lambda number: [][number], "")(1) == ""


def test_what_a_signal_handler_raises_is_the_programs():
    for handler in (fail, Handler(), Handler().method, functools.partial(fail, 1), let_go_and_fail):
        assert raises(OfAHandler, interrupted_by, handler), handler


def test_a_handler_that_raises_nothing_changes_no_answer():
    assert interrupted_by(lambda *_: None) == "answer"


def test_the_same_error_without_a_signal_is_our_own():
    before = signal.signal(signal.SIGUSR2, lambda *_: fail())
    try:
        assert answering(fail, "")() == ""
    finally:
        signal.signal(signal.SIGUSR2, before)


def test_what_is_no_error_goes_on_its_way():
    def interrupt():
        raise KeyboardInterrupt

    assert raises(KeyboardInterrupt, answering(interrupt, ""))


def test_another_thread_runs_no_signal_handler():
    told = []
    before = signal.signal(signal.SIGUSR2, fail)
    try:
        thread = threading.Thread(target=lambda: told.append(answering(fail, "nothing")()))
        thread.start()
        thread.join()
    finally:
        signal.signal(signal.SIGUSR2, before)
    assert told == ["nothing"]
