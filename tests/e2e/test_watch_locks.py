"""`trireme watch --checks deadlock,lock-order`: programs that know nothing of it, each with one like it that is right."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
import unittest

from trireme_case import BINARY, Outcome
from watch_case import WITH_EVENTLET, WatchCase

# Both locks are held before either task asks for the other's.
CROSSED = """\
    import threading
    a, b = threading.Lock(), threading.Lock()
    both = threading.Barrier(2)
    def one():
        with a:
            both.wait()
            with b:
                pass
    def two():
        with b:
            both.wait()
            with a:
                pass
    threads = [threading.Thread(target=work) for work in (one, two)]
"""

ORDERED = """\
    import threading
    a, b = threading.Lock(), threading.Lock()
    both, first = threading.Barrier(2), threading.Event()
    def one():
        both.wait()
        with a:
            with b:
                pass
        first.set()
    def two():
        both.wait()
        first.wait()
        {}
    threads = [threading.Thread(target=work) for work in (one, two)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""

TASKS = """\
    import asyncio
    async def main():
        a, b = asyncio.Lock(), asyncio.Lock()
        both = [asyncio.Event(), asyncio.Event()]
        async def work(first, second, mine, other):
            async with first:
                both[mine].set()
                await both[other].wait()
                {}
        await asyncio.gather(work(a, b, 0, 1), work(b, a, 1, 0))
        print("went on")
    asyncio.run(main())
"""

GREEN = """\
    import eventlet
    from eventlet.semaphore import Semaphore
    a, b = Semaphore(), Semaphore()
    def work(first, second):
        with first:
            eventlet.sleep(0)
            {}
    threads = [eventlet.spawn(work, a, b), eventlet.spawn(work, b, a)]
    for thread in threads:
        thread.wait()
    print("went on")
"""

START = """\
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
"""


class WatchLocksTest(WatchCase):
    def look(self, program: str, *options: str, checks: str = "deadlock,lock-order", python: str = sys.executable) -> Outcome:
        return self.watch(program, "--checks", checks, *options, python=python)

    def stuck(self, program: str, *options: str, checks: str = "deadlock,lock-order", python: str = sys.executable) -> Outcome:
        """Ends the program when it was told to be stuck, as it cannot end itself."""
        self.write("program.py", program)
        command = [BINARY, "watch", "--checks", checks, "--for", "60s", *options, "--", python, "-W", "ignore", "program.py"]
        with subprocess.Popen(command, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watch:
            assert watch.stderr is not None and watch.stdout is not None
            said = ""
            for line in watch.stderr:
                said += line
                if line.startswith("trireme: deadlock"):
                    watch.send_signal(signal.SIGTERM)
            out = watch.stdout.read()
        return Outcome(watch.returncode, out, said)

    def expect(self, kind: str, outcome: Outcome, *words: str) -> None:
        told = [line for line in outcome.err.splitlines() if line.startswith("trireme: " + kind)]
        self.assertEqual((outcome.code, len(told)), (1, 1), outcome.err)
        for word in words:
            self.assertIn(word, told[0])

    def expect_nothing(self, outcome: Outcome, out: str | None = None) -> None:
        self.assertEqual((outcome.code, outcome.err), (0, "trireme: 0 findings, program exited 0\n"))
        if out is not None:
            self.assertEqual(outcome.out, out)

    def test_threads_that_wait_for_each_other(self) -> None:
        outcome = self.stuck(CROSSED + START, "--report", "json=found.json", checks="deadlock")
        self.expect("deadlock", outcome, "Thread-1 (one) waits for the lock made at program.py:2 that Thread-2 (two) holds "
                    "since program.py:10", "that Thread-1 (one) holds since program.py:5")
        (finding,) = json.loads((self.folder / "found.json").read_text())["cells"][0]["findings"]
        stacks = [participant["stack"][-1] for participant in finding["participants"]]
        self.assertEqual([stack.rpartition("/")[2] for stack in stacks], ["program.py:7 in one", "program.py:12 in two"])

    def test_it_is_not_judged_unless_asked(self) -> None:
        outcome = self.watch("import threading\nprint(type(threading.Lock()).__module__, threading.active_count())\n")
        self.expect_nothing(outcome, "_thread 1\n")

    def test_a_lock_that_is_tried_for_a_while(self) -> None:
        program = CROSSED.replace("with b:\n                pass", "b.acquire(timeout=2)") + START
        self.expect_nothing(self.look(program, checks="deadlock"))

    def test_opposite_orders(self) -> None:
        outcome = self.look(ORDERED.format("with b:\n            with a:\n                pass"))
        self.expect("lock-order", outcome, "Thread-1 (one) took the lock made at program.py:2 (number",
                    "(at program.py:6) and then", "Thread-2 (two) took the lock made at program.py:2", "(at program.py:13)")

    def test_the_same_order(self) -> None:
        self.expect_nothing(self.look(ORDERED.format("with a:\n            with b:\n                pass")))

    def test_opposite_orders_of_who_only_tries(self) -> None:
        """Neither of them waits, or both give up."""
        for how in ("False", "timeout=60"):
            program = ORDERED.format(f"b.acquire({how}) and a.acquire({how}) and (a.release(), b.release())")
            program = program.replace("with a:\n            with b:\n                pass",
                                      f"a.acquire({how}) and b.acquire({how}) and (b.release(), a.release())")
            self.expect_nothing(self.look(program))

    def test_one_after_the_other_has_ended(self) -> None:
        program = ORDERED.format("with b:\n            with a:\n                pass").replace("both.wait()", "pass")
        program = program.replace("first.wait()", "pass").partition("    for thread in threads")[0]
        self.expect_nothing(self.look(program + "    for thread in threads:\n        thread.start()\n        thread.join()\n"))

    def test_who_holds_it_itself(self) -> None:
        program = "import threading\nlock = threading.{}()\nwith lock:\n    with lock:\n        print('went on')\n"
        self.expect("deadlock", self.stuck(program.format("Lock")), "MainThread waits for the lock made at program.py:2 that "
                    "itself holds since program.py:3")
        self.expect_nothing(self.look(program.format("RLock")), "went on\n")

    def test_a_join_of_who_needs_the_lock(self) -> None:
        program = """\
            import threading
            lock = threading.Lock()
            def work():
                with lock:
                    pass
            thread = threading.Thread(target=work, name="worker")
            with lock:
                thread.start()
            {}thread.join()
            """
        self.expect("deadlock", self.stuck(program.format("    ")), "MainThread waits for the end of worker, worker waits for")
        self.expect_nothing(self.look(program.format("")))

    def test_a_lock_that_another_thread_held_at_a_fork(self) -> None:
        """F50: nobody is left in the child who could give it back."""
        program = """\
            import os, signal, threading
            lock, held, over = threading.Lock(), threading.Event(), threading.Event()
            def hold():
                with lock:
                    held.set()
                    over.wait()
            thread = threading.Thread(target=hold, name="holder")
            thread.start()
            held.wait()
            {}
            if (child := os.fork()) == 0:
                signal.alarm(20)  # it is not in the way of what comes after the test
                for stream in 0, 1, 2:
                    os.close(stream)
                with lock:
                    os._exit(0)
            os.waitpid(child, 0)
            over.set()
            thread.join()
            """
        outcome = self.stuck(program.format(""))
        self.expect("deadlock", outcome, "MainThread waits for the lock made at program.py:2 that holder held when it ended")
        self.expect_nothing(self.look(program.format("over.set(); thread.join()")))

    def test_a_queue_that_nobody_puts_to(self) -> None:
        program = """\
            import queue, threading
            items = queue.Queue()
            thread = threading.Thread(target=items.get, name="getter")
            thread.start()
            {}
            """
        outcome = self.stuck(program.format("thread.join()"))
        self.expect("deadlock", outcome, "getter waits for an item of the queue made at program.py:2",
                    "nobody is left who could end that")
        # It puts when the wait has lasted for long enough to be looked at, which nothing outside can see.
        self.expect_nothing(self.look(program.format("import time; time.sleep(1.5); items.put(1)")))

    def test_a_job_that_waits_for_its_own_pool(self) -> None:
        program = """\
            from concurrent.futures import ThreadPoolExecutor
            pool = ThreadPoolExecutor({})
            def outer():
                return pool.submit(int).result()
            print(pool.submit(outer).result())
            """
        outcome = self.stuck(program.format(1))
        self.expect("deadlock", outcome, "waits for a place of the pool made at program.py:2 that itself holds")
        self.expect_nothing(self.look(program.format(2)), "0\n")

    def test_locks_as_signals(self) -> None:
        """Whoever took them last waits for another to release them: for longer than a wait has to last to be looked at, which
        nothing outside of the program could tell it. So it sleeps."""
        program = """\
            import threading, time
            done = threading.Lock()
            done.acquire()
            def give():
                time.sleep(1.5)  # longer than a wait lasts that is not looked at
                done.release()
            threading.Thread(target=give).start()
            done.acquire()
            permits, told = threading.Semaphore(0), threading.Condition()
            def tell():
                time.sleep(1.5)  # longer than a wait lasts that is not looked at
                permits.release()
                with told:
                    told.notify()
            with told:
                threading.Thread(target=tell).start()
                told.wait()
            permits.acquire()
            ping, pong = threading.Lock(), threading.Lock()
            pong.acquire()
            def play(mine, other):
                for _ in range(3):
                    mine.acquire()
                    time.sleep(.6)  # longer than a wait lasts that is not looked at
                    other.release()
            threads = [threading.Thread(target=play, args=pair) for pair in ((ping, pong), (pong, ping))]
            """
        self.expect_nothing(self.look(textwrap.dedent(program) + textwrap.dedent(START)))

    def test_programs_full_of_queues_and_logs(self) -> None:
        program = """\
            import logging, queue, sys, threading
            from concurrent.futures import ThreadPoolExecutor
            logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
            items = queue.Queue(3)
            def put():
                for item in range(500):
                    items.put(item)
                items.put(None)
            thread = threading.Thread(target=put)
            thread.start()
            while items.get() is not None:
                pass
            thread.join()
            pool = ThreadPoolExecutor(4)
            for item in range(100):
                pool.submit(logging.info, "one")
            """
        self.expect_nothing(self.look(program), "one\n" * 100)

    def test_tasks(self) -> None:
        self.expect("deadlock", self.stuck(TASKS.format("async with second: pass"), checks="deadlock"),
                    "waits for the lock made at program.py:3 that Task-", "holds since program.py:6")
        timed = "\n                ".join(["try:", "    await asyncio.wait_for(second.acquire(), 1.5)",
                                           "except asyncio.TimeoutError:", "    pass", "else:", "    second.release()"])
        self.expect_nothing(self.look(TASKS.format(timed), checks="deadlock"), "went on\n")

    def test_tasks_that_await_each_other(self) -> None:
        program = """\
            import asyncio
            async def main():
                async def one():
                    await asyncio.sleep(0)
                    await second
                async def two():
                    await {}
                first, second = asyncio.create_task(one(), name="one"), asyncio.create_task(two(), name="two")
                await first
            asyncio.run(main())
            """
        outcome = self.stuck(program.format("first"))
        self.expect("deadlock", outcome, "one waits for the end of two", "two waits for the end of one")
        self.expect_nothing(self.look(program.format("asyncio.sleep(1.5)")))

    def test_the_report_says_what_nobody_looks_at(self) -> None:
        outcome = self.trireme("watch", "--checks", "deadlock", "--", "sh", "-c", "exit 0")
        self.assertEqual(outcome.code, 0)
        self.assertIn("trireme: unknown: no Python in it said what its tasks wait for", outcome.err)

    def test_no_fork_is_warned_of(self) -> None:
        program = """\
            import asyncio, os, warnings
            warnings.simplefilter("error")
            async def main():
                task = asyncio.create_task(asyncio.sleep(.7))
                await task
                child = os.fork()
                if child == 0:
                    os._exit(0)
                os.waitpid(child, 0)
            asyncio.run(main())
            """
        self.expect_nothing(self.look(program))

    @unittest.skipIf(WITH_EVENTLET is None, "no environment with Eventlet: trireme setup makes it")
    def test_green_threads(self) -> None:
        python = str(WITH_EVENTLET)
        self.expect("deadlock", self.stuck(GREEN.format("with second: pass"), checks="deadlock", python=python),
                    "waits for the lock made at program.py:3 that GreenThread", "holds since program.py:5")
        timed = "second.acquire(timeout=1.5) and second.release()"
        self.expect_nothing(self.look(GREEN.format(timed), checks="deadlock", python=python), "went on\n")

    @unittest.skipIf(WITH_EVENTLET is None, "no environment with Eventlet: trireme setup makes it")
    def test_patched_threads(self) -> None:
        python, patch = str(WITH_EVENTLET), "    import eventlet; eventlet.monkey_patch()\n"
        outcome = self.stuck(patch + CROSSED + START, checks="deadlock", python=python)
        self.expect("deadlock", outcome, "Thread-1 (one) waits for the lock made at program.py:3 that "
                    "Thread-2 (two) holds since program.py:11")
        timed = CROSSED.replace("with b:\n                pass", "b.acquire(timeout=2)")
        self.expect_nothing(self.look(patch + timed + START, checks="deadlock", python=python))


if __name__ == "__main__":
    unittest.main()
