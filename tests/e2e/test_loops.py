"""Loops that are held and loops that spin: on every runtime, and in programs that are watched.

What holds a loop here uses up processor time of its own thread, or sleeps: so a loaded machine changes nothing.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
import unittest
from typing import Any

from trireme_case import Outcome, TriremeCase
from watch_case import WITH_EVENTLET

PYTHON = WITH_EVENTLET or sys.executable
LOOPS = (["eventlet", "eventlet-asyncio"] if WITH_EVENTLET else []) + ["asyncio"]
NATIVE_LOOPS = ["fiber", "coroutine"]
THREADS = ["threading", "thread"]

HOLD_YAML = """\
    version: 1
    summary: Holds its loop
    workload: {python: workload.py, cpp: workload.cc}
    runtimes: [%s]
    params: {how: ""}
    checks: [{blocked-loop: {threshold: 100ms}}]
    """
HOLD_PY = """\
    import ctypes
    import re
    import sys
    import time

    usleep = ctypes.PyDLL(None).usleep  # which keeps the interpreter
    if "eventlet" in sys.modules:
        from eventlet import patcher
        time = patcher.original("time")


    def burn_here(seconds=0.4):
        end = time.thread_time() + seconds
        while time.thread_time() < end:
            pass


    def sleep_here():
        time.sleep(0.4)


    def keep_here():
        usleep(400_000)


    def match_here():
        end = time.thread_time() + 0.4
        letters = 14
        while time.thread_time() < end:  # until a single match takes long
            letters += 1
            re.match("(a+)+b", "a" * letters)


    HOLDS = {"burn": burn_here, "sleep": sleep_here, "keep": keep_here, "match": match_here}


    async def main(rt, params):
        how = params["how"]

        async def holder():
            with rt.op("hold") as op:
                if how == "offload":
                    await rt.offload(burn_here)
                elif how == "pieces":
                    for _ in range(20):
                        burn_here(0.02)
                        await rt.checkpoint()
                elif how == "wait":
                    await rt.sleep(0.4)
                else:
                    HOLDS[how]()
                op.ok()

        async def other():
            for _ in range(3):
                await rt.sleep(0.01)

        if how == "first":  # before this thread has waited once
            waiting = rt.spawn(other, name="other")
            burn_here()
            return await waiting.join()
        await rt.gather(rt.spawn(holder, name="holder"), rt.spawn(other, name="other"))
    """
HOLD_CC = """\
    #include "trireme/workload.h"

    #include <time.h>
    #include <unistd.h>

    #include <chrono>
    #include <string>
    #include <thread>
    #include <vector>

    using namespace trireme;

    namespace {

    inline __attribute__((always_inline)) double OwnSeconds() {
      timespec time{};
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
    }

    __attribute__((noinline)) void BurnHere(double seconds) {
      const double end = OwnSeconds() + seconds;
      while (OwnSeconds() < end) asm volatile("");
    }
    __attribute__((noinline)) void SleepHere() {
      std::this_thread::sleep_for(std::chrono::milliseconds(400));
      asm volatile("");
    }
    __attribute__((noinline)) void NapHere() {
      usleep(400'000);  // which a signal ends
      asm volatile("");
    }

    Task<> Hold(Runtime& rt, std::string how) {
      Operation op = rt.Op("hold");
      if (how == "burn") BurnHere(0.4);
      if (how == "sleep") SleepHere();
      if (how == "nap") NapHere();
      if (how == "wait") co_await rt.Sleep(0.4);
      if (how == "offload") co_await rt.Offload([] { BurnHere(0.4); });
      for (int n = 0; how == "pieces" && n < 20; ++n) {
        BurnHere(0.02);
        co_await rt.Checkpoint();
      }
      op.Ok();
    }

    Task<> Other(Runtime& rt) {
      for (int n = 0; n < 3; ++n) co_await rt.Sleep(0.01);
    }

    Task<> Main(Runtime& rt, const Params& params) {
      if (params.Get<std::string>("how") == "first") {  // before this thread has waited once
        TaskHandle<> waiting = rt.Spawn("other", Other, rt);
        BurnHere(0.4);
        co_await waiting.Join();
        co_return;
      }
      std::vector<TaskHandle<>> tasks;
      tasks.push_back(rt.Spawn("holder", Hold, rt, params.Get<std::string>("how")));
      tasks.push_back(rt.Spawn("other", Other, rt));
      co_await rt.Gather(tasks);
    }

    }  // namespace

    TRIREME_WORKLOAD(Main)
    """

SPIN_YAML = """\
    version: 1
    summary: Spins
    workload: {python: workload.py}
    runtimes: [%s]
    params: {how: ""}
    checks: [{hub-spin: {for: 300ms}}]
    """
SPIN_PY = """\
    import socket
    import time

    if hasattr(time, "thread_time"):
        own = time.thread_time


    def listen(rt, end):
        if rt.runtime == "asyncio":
            import asyncio
            asyncio.get_running_loop().add_reader(end, lambda: None)
            return lambda: asyncio.get_running_loop().remove_reader(end)
        import eventlet.hubs
        hub = eventlet.hubs.get_hub()
        listener = hub.add("read", end.fileno(), lambda fd: None, lambda error: None, lambda: None)
        return lambda: hub.remove(listener)


    async def main(rt, params):
        how = params["how"]
        ours, theirs = socket.socketpair()

        async def asker():
            end, count = own() + 0.7, 0
            with rt.op("ask"):
                while own() < end:
                    count += 1
                    if how == "compute":
                        piece = own() + 0.003
                        while own() < piece:
                            pass
                    if how == "record" and count % 100 == 0:
                        rt.observe("count", count)
                    if how == "move":
                        theirs.send(b"x")
                        ours.recv(1)
                    await rt.checkpoint()

        async def ready():
            theirs.send(b"x")
            forget = listen(rt, ours)
            end = own() + 0.7
            with rt.op("wait"):
                while own() < end:
                    await rt.sleep(0.05)
            forget()

        async def idle():
            with rt.op("wait"):
                await rt.sleep(0.7)

        await rt.spawn({"ready": ready, "idle": idle}.get(how, asker)).join()
        ours.close()
        theirs.close()
    """


class LoopsTest(TriremeCase):
    def cells(self, yaml: str, runtimes: list[str], how: str) -> dict[str, dict[str, Any]]:
        """The results by runtime, of one trial each."""
        self.write("loops/scenario.yaml", yaml % ", ".join(runtimes))
        out = f"runs/{how}"
        self.last = self.trireme("run", "loops", "--python", f"here={PYTHON}", "--param", f"how={how}", "--trials", "1",
                                 "--out", out)
        results = json.loads((self.folder / out / "results.json").read_text())
        return {cell["runtime"]: cell for cell in results["cells"]}

    def hold(self, runtimes: list[str], how: str) -> dict[str, dict[str, Any]]:
        self.write("loops/workload.py", HOLD_PY)
        self.write("loops/workload.cc", HOLD_CC)
        return self.cells(HOLD_YAML, runtimes, how)

    def expect_held(self, cells: dict[str, dict[str, Any]], function: str) -> None:
        for runtime, cell in cells.items():
            self.assertEqual([f["kind"] for f in cell["findings"]], ["blocked-loop"], (runtime, cell, self.last.out))
            finding = cell["findings"][0]
            self.assertRegex(finding["message"], r"^holder held the loop for \d+\.\d\d s, \d+\.\d\d s of its own", runtime)
            self.assertRegex(finding["message"], rf": (workload\.py:\d+ in )?{function}(\(\w*\))?$", runtime)
            self.assertIn(function, "".join(finding["participants"][0]["stack"]), runtime)

    def test_what_holds_a_loop_is_found_while_it_does(self) -> None:
        for how in ("burn", "sleep"):
            cells = self.hold(LOOPS + NATIVE_LOOPS, how)
            python = {runtime: cells[runtime] for runtime in LOOPS}
            native = {runtime: cells[runtime] for runtime in NATIVE_LOOPS}
            self.expect_held(python, f"{how}_here")
            self.expect_held(native, f"{how.capitalize()}Here")
            self.assertEqual(len({cell["findings"][0]["signature"] for cell in python.values()}), 1)
            self.assertTrue(all(cell["findings"][0]["evidence"]["source"] in ("the interpreter", "a signal")
                                for cell in cells.values()), cells)

    def test_what_ends_by_being_asked_where_it_is_has_a_stack(self) -> None:
        self.expect_held(self.hold(NATIVE_LOOPS, "nap"), "NapHere")

    def test_a_call_that_keeps_the_interpreter_is_found_while_it_does(self) -> None:
        for how in ("keep", "match"):
            cells = self.hold(LOOPS, how)
            self.expect_held(cells, f"{how}_here")
            for cell in cells.values():
                self.assertFalse(cell["findings"][0]["evidence"]["source"].startswith("after"), cell)

    def test_main_that_holds_the_loop_before_it_first_waits_is_found(self) -> None:
        for runtime, cell in self.hold(LOOPS + NATIVE_LOOPS + THREADS, "first").items():
            kinds = [] if runtime in THREADS else ["blocked-loop"]
            self.assertEqual([f["kind"] for f in cell["findings"]], kinds, (runtime, cell["reason"]))

    def test_what_gives_way_holds_nothing(self) -> None:
        for how in ("offload", "pieces", "wait"):
            for runtime, cell in self.hold(LOOPS + NATIVE_LOOPS, how).items():
                self.assertEqual((cell["verdict"], cell["findings"]), ("pass", []), (how, runtime, cell["reason"]))

    def test_threads_are_no_loops(self) -> None:
        for runtime, cell in self.hold(THREADS, "burn").items():
            self.assertEqual((cell["verdict"], cell["findings"]), ("pass", []), (runtime, cell["reason"]))

    def test_a_loop_that_spins_is_found(self) -> None:
        self.write("loops/workload.py", SPIN_PY)
        task = r": asker, workload.py:\d+ in asker$"
        for how, message in (("ask", r"of \d+ polls 0 found events, and \d+ steps of tasks led to nothing" + task),
                             ("ready", r"of \d+ polls \d+ found events that nobody took")):
            for runtime, cell in self.cells(SPIN_YAML, LOOPS, how).items():
                self.assertEqual([f["kind"] for f in cell["findings"]], ["hub-spin"], (how, runtime, cell["reason"]))
                self.assertRegex(cell["findings"][0]["message"], message)
                if (how, runtime) == ("ready", "asyncio"):
                    self.assertRegex(cell["findings"][0]["message"], r": callback listen\.<locals>\.<lambda>, "
                                                                     r"workload\.py:\d+ in <lambda>$")

    def test_a_loop_that_works_or_rests_does_not_spin(self) -> None:
        self.write("loops/workload.py", SPIN_PY)
        for how in ("compute", "record", "move", "idle"):
            for runtime, cell in self.cells(SPIN_YAML, LOOPS, how).items():
                self.assertEqual((cell["verdict"], cell["findings"]), ("pass", []), (how, runtime, cell["reason"]))

    def test_a_history_that_was_not_watched_for_it_says_so(self) -> None:
        self.write("loops/workload.py", HOLD_PY)
        self.cells(HOLD_YAML.replace("100ms", "1s").replace(", cpp: workload.cc", ""), ["asyncio"], "wait")
        history = next((self.folder / "runs/wait").glob("trials/*/0/history.trh"))
        for threshold, said in (("2s", ""), ("100ms", "the recording did not watch its loops for holds of 100ms: run it "
                                                      "again with this check")):
            outcome = self.trireme("check", str(history), "--check", f"blocked-loop:threshold={threshold}")
            self.assertIn(said, outcome.out + outcome.err)
            self.assertEqual("did not watch" in outcome.out + outcome.err, bool(said), outcome.out)


class WatchedLoopsTest(TriremeCase):
    def watch(self, *parts: str, checks: str = "blocked-loop", python: str = sys.executable) -> Outcome:
        self.write("program.py", "".join(textwrap.dedent(part) for part in parts))
        return self.trireme("watch", "--checks", checks, "--", python, "-W", "ignore", "program.py")

    ASYNCIO = """\
        import asyncio, threading, time
        async def pause():
            for _ in range(3):
                await asyncio.sleep(0.01)
        async def hold(how):
            await asyncio.sleep(0.01)
            how()
        def block():
            time.sleep(0.4)
        def call():
            asyncio.get_running_loop().call_soon(block)
        async def main(how):
            await asyncio.gather(pause(), hold(how))
            await pause()
        """

    def expect(self, outcome: Outcome, *functions: str) -> None:  # type: ignore[override]
        count = len(functions)
        self.assertEqual(outcome.code, 1 if count else 0, outcome.err)
        self.assertEqual(outcome.err.splitlines()[-1], f"trireme: {count} findings, program exited 0", outcome.err)
        for function in functions:
            self.assertRegex(outcome.err, rf"trireme: blocked-loop: .* held the loop for .*program\.py:\d+ in {function}\n")
            self.assertRegex(outcome.err, rf"program\.py:\d+ in {function}\n")

    def test_an_asyncio_program_that_blocks(self) -> None:
        self.expect(self.watch(self.ASYNCIO, "asyncio.run(main(block))\n"), "block")

    def test_a_callback_that_blocks(self) -> None:
        outcome = self.watch(self.ASYNCIO, "asyncio.run(main(call))\n")
        self.expect(outcome, "block")
        self.assertIn("a callback held the loop", outcome.err)

    def test_what_the_interpreter_takes_down_holds_no_loop(self) -> None:
        """It takes longer than the threshold, by a sleep that nothing here waits for; an exit handler that does is found
        where the loop is not over: a hub is there to the end."""
        last = """\
            class Last:
                def __init__(self, call=time.sleep):
                    self.call = call
                def __del__(self):
                    self.call(0.4)
            """
        for when, found in (("kept = Last()", ()), ("import atexit; atexit.register(block)", ("block",))):
            self.expect(self.watch(self.ASYNCIO, last, f"""\
                {when}
                asyncio.run(main(lambda: None))
                """))
            if WITH_EVENTLET is not None:
                program = f"{when}\nother.wait()\n"
                self.expect(self.watch(self.EVENTLET, last, program, python=WITH_EVENTLET), *found)

    def test_an_asyncio_program_that_asks_a_thread(self) -> None:
        self.expect(self.watch(self.ASYNCIO, """\
        asyncio.run(main(lambda: asyncio.get_running_loop().run_in_executor(None, block)))
        """))

    def test_a_program_of_threads_has_no_loop(self) -> None:
        self.expect(self.watch(self.ASYNCIO, """\
        import select, socket
        ends = socket.socketpair()
        threads = [threading.Thread(target=block), threading.Thread(target=select.select, args=([ends[0]], [], [], 0.3))]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        """))

    def test_the_program_does_not_see_who_watches_it(self) -> None:
        outcome = self.watch(self.ASYNCIO, """\
        async def look():
            await asyncio.gather(pause(), hold(block))
            import os, sys
            print(sorted(thread.name for thread in threading.enumerate()), len(sys._current_frames()))
            print(sorted(os.listdir("/proc/self/fd")))
            if os.fork() == 0:
                os._exit(7)
            print(os.waitpid(-1, 0)[1] >> 8)
        asyncio.run(look())
        """)
        self.expect(outcome, "block")
        names, descriptors, status = outcome.out.splitlines()
        self.assertEqual((names, status), ("['MainThread'] 1", "7"))
        self.assertEqual(len(eval(descriptors)), 7, descriptors)  # 0 to 2, epoll, the loop's pair, the listing

    def test_a_hold_that_the_end_of_the_program_ends(self) -> None:
        outcome = self.watch(self.ASYNCIO, """\
        import os
        def leave():
            block()
            os._exit(0)
        asyncio.run(main(leave))
        """)
        self.expect(outcome, "block")

    EVENTLET = """\
        import eventlet
        eventlet.monkey_patch()
        from eventlet import patcher, tpool
        time = patcher.original("time")
        def block():
            time.sleep(0.4)
        def pause():
            for _ in range(3):
                eventlet.sleep(0.15)   # longer than the threshold, with nothing to poll
        other = eventlet.spawn(pause)
        eventlet.sleep(0.01)
        """

    @unittest.skipUnless(WITH_EVENTLET, "no environment of 'trireme setup'")
    def test_an_eventlet_program_that_blocks(self) -> None:
        assert WITH_EVENTLET is not None
        outcome = self.watch(self.EVENTLET, "eventlet.spawn(block).wait()\nother.wait()\n", python=WITH_EVENTLET)
        self.expect(outcome, "block")

    @unittest.skipUnless(WITH_EVENTLET, "no environment of 'trireme setup'")
    def test_an_eventlet_program_that_asks_a_thread(self) -> None:
        assert WITH_EVENTLET is not None
        program = "eventlet.spawn(tpool.execute, block).wait()\nother.wait()\n"
        self.expect(self.watch(self.EVENTLET, program, python=WITH_EVENTLET))

    def test_callbacks_of_a_loop_without_tasks_hold_it(self) -> None:
        program = """\
            import asyncio, time
            def late(seconds):
                end = time.thread_time() + seconds
                while time.thread_time() < end:
                    pass
            loop = asyncio.new_event_loop()
            loop.call_soon(loop.call_soon, late, %s)
            loop.call_later(0.1, loop.stop)
            loop.run_forever()
            """
        self.assertRegex(self.watch(program % 0.4, checks="blocked-loop").err, r"blocked-loop: a callback held .* in late\n")
        self.expect(self.watch(program % 0.01, checks="blocked-loop"))

    def test_what_follows_a_loop_holds_nothing(self) -> None:
        self.expect(self.watch("""\
            import asyncio, select, time
            async def main():
                await asyncio.gather(*[asyncio.sleep(0.01) for _ in range(3)])
            for _ in range(2):
                asyncio.run(main())
                time.sleep(0.4)  # what would hold a loop, if there were one
                select.select([], [], [], 0.01)  # which is no loop's
                time.sleep(0.4)  # the same after a poll
            """, checks="blocked-loop"))

    def test_a_descriptor_that_nobody_reads(self) -> None:
        outcome = self.watch("""\
            import asyncio, functools, socket, time
            def on_ready(number):
                pass
            async def main():
                ours, theirs = socket.socketpair()
                theirs.send(b"x")
                asyncio.get_running_loop().add_reader(ours, functools.partial(on_ready, 1))
                end = time.thread_time() + 1
                while time.thread_time() < end:
                    await asyncio.sleep(0.05)
            asyncio.run(main())
            """, checks="hub-spin:for=300ms")
        self.assertEqual(outcome.code, 1, outcome.err)
        self.assertRegex(outcome.err, r"trireme: hub-spin: a loop spun for .* found events that nobody took, "
                                      r"of descriptor \d+, the stream: callback on_ready, .*program\.py:2 in on_ready\n")
        self.assertRegex(outcome.err, r"\n  callback on_ready, thread \d+\n    .*program\.py:2 in on_ready\n")

    def test_a_descriptor_that_there_is_always_room_in(self) -> None:
        outcome = self.watch("""\
            import asyncio, socket, time
            def on_room():
                pass
            async def main():
                ours, theirs = socket.socketpair()
                asyncio.get_running_loop().add_writer(ours, on_room)
                end = time.thread_time() + 1
                while time.thread_time() < end:
                    await asyncio.sleep(0.05)
            asyncio.run(main())
            """, checks="hub-spin:for=300ms")
        self.assertEqual(outcome.code, 1, outcome.err)
        self.assertRegex(outcome.err, r"hub-spin: a loop spun for .* of descriptor \d+, the stream: callback on_room, "
                                      r".*program\.py:2 in on_room\n")

    def test_a_task_that_gives_way_again_and_again_is_named(self) -> None:
        outcome = self.watch("""\
            import asyncio, time
            async def poll():
                end = time.thread_time() + 1.5
                while time.thread_time() < end:
                    await asyncio.sleep(0)
            async def main():
                await asyncio.create_task(poll(), name="poller")
            asyncio.run(main())
            """, checks="hub-spin:for=300ms")
        self.assertRegex(outcome.err, r"hub-spin: a loop spun for .* led to nothing: poller, .*program\.py:5 in poll\n")
        self.assertRegex(outcome.err, r"\n  poller, thread \d+\n    .*program\.py:5 in poll\n")

    @unittest.skipUnless(WITH_EVENTLET, "no environment of 'trireme setup'")
    def test_a_green_thread_that_gives_way_again_and_again_is_named(self) -> None:
        assert WITH_EVENTLET is not None
        outcome = self.watch("""\
            import eventlet, time
            own = time.thread_time
            def poll():
                end = own() + 1.5
                while own() < end:
                    eventlet.sleep(0)
            eventlet.spawn(poll).wait()
            """, checks="hub-spin:for=300ms", python=WITH_EVENTLET)
        self.assertRegex(outcome.err, r"hub-spin: a loop spun for .*: GreenThread \d+, .*program\.py:6 in poll\n")

    def test_what_it_was_when_it_ended_is_said_at_the_end(self) -> None:
        outcome = self.watch(self.ASYNCIO.replace("0.4", "1.5"), "asyncio.run(main(block))\n")
        said = re.findall(r"held the loop for .*", outcome.err)
        self.assertEqual(len(said), 2, outcome.err)
        self.assertIn("and had not ended", said[0])
        self.assertNotIn("and had not ended", said[1])


if __name__ == "__main__":
    unittest.main()
