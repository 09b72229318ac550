"""Greenlets that a program switches itself, under `trireme watch`: with a scheduler of its own, in any thread, or with none."""

from __future__ import annotations

import unittest

from trireme_case import Outcome
from watch_case import WITH_EVENTLET, WatchCase

# Tasks try, and wait where there is nothing. The scheduler is a greenlet, or the code that made the tasks.
SCHEDULER = """\
import collections, greenlet, select, socket, threading, time
class Scheduler:
    def __init__(self, how):
        self.how, self.ready, self.waiting, self.live = how, collections.deque(), {}, 0
        self.epoll = select.epoll()
    def spawn(self, function, *args):
        def body():
            function(*args)
            self.live -= 1
        self.live += 1
        self.ready.append(greenlet.greenlet(body, self.greenlet))
    def recv(self, sock):
        while True:
            try:
                return sock.recv(1)
            except BlockingIOError:
                self.wait(sock.fileno())
    def give_way(self):
        self.ready.append(greenlet.getcurrent())
        self.greenlet.switch()
    def wait(self, fd):
        self.waiting.setdefault(fd, []).append(greenlet.getcurrent())
        if self.how == "epoll" and len(self.waiting[fd]) == 1:
            self.epoll.register(fd, select.EPOLLIN)
        self.greenlet.switch()
    def poll(self):
        if self.how == "select":
            return select.select(self.waiting, [], [])[0]
        if self.how == "poll":
            poll = select.poll()
            for fd in self.waiting:
                poll.register(fd, select.POLLIN)
            return [fd for fd, _ in poll.poll()]
        found = [fd for fd, _ in self.epoll.poll()]
        for fd in found:
            self.epoll.unregister(fd)
        return found
    def run(self):
        while self.ready:
            while self.ready:
                self.ready.popleft().switch()
            for fd in self.poll() if self.live else ():
                self.ready.extend(self.waiting.pop(fd))
    def start(self, main):
        self.greenlet = greenlet.greenlet(self.run)
        self.spawn(main)
        self.greenlet.switch()
    def start_here(self, main):
        self.greenlet = greenlet.getcurrent()
        self.spawn(main)
        self.run()
    def pair(self):
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        return ours, theirs
    def first(self, sock):
        self.recv(sock)
    def second(self, sock):
        self.recv(sock)
"""
SAME = """\
def main():
    ours, theirs = s.pair()
    s.spawn(s.first, ours)
    s.spawn(s.second, ours)
    for _ in range(3):
        s.give_way()
    theirs.send(b"12")
"""
OWN = """\
def main():
    ours, theirs = s.pair()
    mine, yours = s.pair()
    s.spawn(s.first, ours)
    s.spawn(s.second, mine)
    for _ in range(3):
        s.give_way()
    theirs.send(b"1")
    yours.send(b"2")
"""
HANDED_OVER = """\
def main():
    ours, theirs = s.pair()
    def first():
        s.recv(ours)
        s.spawn(s.second, ours)
        s.spawn(theirs.send, b"2")
    s.spawn(first)
    s.give_way()
    theirs.send(b"1")
"""
# Each ends with the socket empty, and its registration stays.
DRAINED = """\
def main():
    ours, theirs = s.pair()
    epoll = select.epoll()
    epoll.register(ours, select.EPOLLIN)
    def drain():
        try:
            while ours.recv(1):
                pass
        except BlockingIOError:
            pass
    for _ in range(3):
        theirs.send(b"12")
        s.spawn(drain)
        s.give_way()
"""


@unittest.skipUnless(WITH_EVENTLET, "no environment of 'trireme setup'")
class WatchGreenletsTest(WatchCase):
    def watch_greenlets(self, program: str, *options: str) -> Outcome:
        assert WITH_EVENTLET is not None
        return self.watch(program, *options, python=WITH_EVENTLET)

    def test_two_readers_of_a_hand_made_scheduler(self) -> None:
        for how in ("epoll", "poll", "select"):
            for start in ("start", "start_here"):
                with self.subTest(how=how, start=start):
                    outcome = self.watch_greenlets(f"{SCHEDULER}s = Scheduler({how!r})\n{SAME}s.{start}(main)\n")
                    self.expect_readers(outcome)
                    for place in ("in first", "in second"):
                        self.assertIn(place, outcome.err)

    def test_one_reader_each_and_one_after_the_other(self) -> None:
        for how in ("epoll", "poll", "select"):
            for start in ("start", "start_here"):
                for main in (OWN, HANDED_OVER, DRAINED):
                    with self.subTest(how=how, start=start, main=main):
                        program = f"{SCHEDULER}s = Scheduler({how!r})\n{main}s.{start}(main)\n"
                        self.expect_readers(self.watch_greenlets(program), count=0)

    def test_schedulers_of_other_threads(self) -> None:
        for main, count in ((SAME, 1), (OWN, 0)):
            self.expect_readers(self.watch_greenlets(f"""\
{SCHEDULER}
s = Scheduler("epoll")
{main}
thread = threading.Thread(target=s.start, args=(main,))
thread.start()
thread.join()
"""), count)

    def test_greenlets_of_two_threads_meet(self) -> None:
        for own, count in (("theirs, ours", 1), ("theirs, s.pair()[0]", 0)):
            self.expect_readers(self.watch_greenlets(f"""\
{SCHEDULER}
s, other = Scheduler("epoll"), Scheduler("epoll")
told = threading.Event()
ours, theirs = s.pair()
_, read = {own}
def look(sock):
    try:
        sock.recv(1)
    except BlockingIOError:
        pass
def main():
    s.spawn(s.first, ours)
    s.spawn(told.set)
    s.spawn(done.wait)
done = threading.Event()
thread = threading.Thread(target=s.start, args=(main,))
thread.start()
told.wait()
other.start(lambda: look(read))
done.set()
theirs.send(b"1")
thread.join()
"""), count)

    def test_a_task_holds_a_scheduler_that_polled(self) -> None:
        """Greenlets that nothing polls for are generators, which may take as long as they like."""
        wait = "ours, theirs = s.pair(); s.spawn(theirs.send, b'1'); s.recv(ours)"
        for before, count in ((wait, 1), ("s.give_way()", 0)):
            outcome = self.watch_greenlets(f"""\
{SCHEDULER}
s = Scheduler("epoll")
def main():
    {before}
    end = time.thread_time() + 0.5
    while time.thread_time() < end:
        pass
s.start(main)
""", "--checks", "blocked-loop")
            self.assertEqual(outcome.err.splitlines()[-1], f"trireme: {count} findings, program exited 0", outcome.err)
