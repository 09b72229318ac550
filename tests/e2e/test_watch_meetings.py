"""`trireme watch -- CMD`: which programs let two read one socket, and which only look like it."""

from __future__ import annotations

import re
import shutil
import subprocess
import unittest

from watch_case import THREADS, VENV, WITH_EVENTLET, WatchCase

# Each sends more than the socket's buffer takes.
SENDERS = """\
    import asyncio, contextlib, socket
    async def main():
        ours, theirs = socket.socketpair()
        copy, size, lock = ours.dup(), 500000, LOCK
        for sock in (ours, copy, theirs):
            sock.setblocking(False)
        loop = asyncio.get_running_loop()
        async def send(sock, letter):
            async with lock:
                await loop.sock_sendall(sock, letter * size)
        senders = [asyncio.create_task(send(ours, b"a")), asyncio.create_task(send(copy, b"b"))]
        await asyncio.sleep(0)
        left = 2 * size
        while left:
            left -= len(await loop.sock_recv(theirs, left))
        await asyncio.gather(*senders)
    asyncio.run(main())
"""


class WatchMeetingsTest(WatchCase):
    def test_threads_that_read_one_socket(self) -> None:
        outcome = self.watch(THREADS + """\
    def read():
        ours.recv(1)
    readers = [start(read), start(read)]
    theirs.send(b"12")
    """)
        self.expect_readers(outcome)
        self.assertEqual(outcome.err.count("program.py:11 in read\n"), 2, outcome.err)

    @unittest.skipUnless(shutil.which("cc"), "no C compiler")
    def test_threads_of_a_program_in_c(self) -> None:
        """Of both it is told where they called from."""
        self.write("program.c", """\
            #define _GNU_SOURCE
            #include <pthread.h>
            #include <stdio.h>
            #include <sys/socket.h>
            #include <unistd.h>

            static int ends[2];
            static _Atomic int reader;

            void read_first(void) { char byte; reader = gettid(); recv(ends[0], &byte, 1, 0); }
            void read_second(void) { char byte; reader = gettid(); recv(ends[0], &byte, 1, 0); }
            static void *run(void *function) { ((void (*)(void))function)(); return NULL; }

            static void wait_until_it_sleeps(void) {
              char path[64], state = 0;
              while (reader == 0) continue;
              snprintf(path, sizeof(path), "/proc/self/task/%d/stat", reader);
              while (state != 'S') {
                FILE *file = fopen(path, "r");
                if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1) state = 0;
                fclose(file);
              }
              reader = 0;
            }

            int main(void) {
              pthread_t threads[2];
              socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
              pthread_create(&threads[0], NULL, run, read_first);
              wait_until_it_sleeps();
              pthread_create(&threads[1], NULL, run, read_second);
              wait_until_it_sleeps();
              send(ends[1], "12", 2, 0);
              for (int i = 0; i < 2; ++i) pthread_join(threads[i], NULL);
              return 0;
            }
            """)
        subprocess.run(["cc", "-pthread", "-o", "program", "program.c"], cwd=self.folder, check=True)
        outcome = self.trireme("watch", "--", "./program")
        self.expect_readers(outcome)
        self.assertRegex(outcome.err, r"thread \d+\n    program in read_first\n  thread \d+\n    program in read_second\n")

    def test_threads_that_wait_in_one_epoll_set(self) -> None:
        """Each reads what it is told of. Told one at a time, or taking the socket out first, they never meet."""
        for events, take, count in (("EPOLLIN", "pass", 1), ("EPOLLIN | select.EPOLLONESHOT", "pass", 0),
                                    ("EPOLLIN", "epoll.unregister(ours)", 0)):  # fmt: skip
            outcome = self.watch(f"""\
    import os, select, socket, threading
    WAIT = {{"x86_64": "232 ", "aarch64": "22 "}}[os.uname().machine]
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    epoll = select.epoll()
    epoll.register(ours, select.{events})
    stop = os.eventfd(0)
    epoll.register(stop, select.EPOLLIN)
    def work():
        while epoll.poll(maxevents=1)[0][0] != stop:
            try:
                {take}
                ours.recv(1)
                os.eventfd_write(stop, 1)
            except (BlockingIOError, FileNotFoundError):
                pass
        both_read.wait()  # of a thread that has ended no name is known
    both_read = threading.Barrier(2)
    threads = [threading.Thread(target=work, name=name) for name in ("one", "other")]
    for thread in threads:
        thread.start()
        while not open(f"/proc/self/task/{{thread.native_id}}/syscall").read().startswith(WAIT):
            pass
    theirs.send(b"1")
    for thread in threads:
        thread.join()
    """)
            self.expect_readers(outcome, count)
            if count:
                # By then the first may have been told as well.
                self.assertRegex(outcome.err, r"(one|other) reads the stream, (for which (one|other) waits|"
                                              r"while (one|other) woke from its wait) in the same epoll set\n")
                self.assertEqual(outcome.err.count("in work\n"), 2, outcome.err)

    def test_threads_that_take_turns(self) -> None:
        self.expect_readers(self.watch(THREADS + """\
    for byte in (b"1", b"2"):
        reader = start(ours.recv, 1)
        theirs.send(byte)
        reader.join()
    """), 0)

    TLS = THREADS + """\
    import ssl
    def tls(sock, side):
        context = ssl.SSLContext(side)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("AECDH-AES128-SHA@SECLEVEL=0")  # without a certificate
        return context.wrap_socket(sock, server_side=side == ssl.PROTOCOL_TLS_SERVER)
    ends = []
    thread = threading.Thread(target=lambda: ends.append(tls(theirs, ssl.PROTOCOL_TLS_SERVER)))
    thread.start()
    secure = tls(ours, ssl.PROTOCOL_TLS_CLIENT)
    thread.join()
    READ = {"x86_64": "0 ", "aarch64": "63 "}[os.uname().machine]
    def read():
        secure.recv(1)
    def read_in_a_thread():
        thread = threading.Thread(target=read)
        thread.start()
        while not open(f"/proc/self/task/{thread.native_id}/syscall").read().startswith(READ):
            pass
        return thread
"""

    def test_threads_that_read_one_socket_of_tls(self) -> None:
        outcome = self.watch(self.TLS + """\
    threads = [read_in_a_thread(), read_in_a_thread()]
    os._exit(0)  # OpenSSL does not survive it
    """)
        self.expect_readers(outcome)
        self.assertEqual(len(re.findall(r"program\.py:\d+ in read\n", outcome.err)), 2, outcome.err)

    def test_threads_that_take_turns_on_a_socket_of_tls(self) -> None:
        self.expect_readers(self.watch(self.TLS + """\
    for byte in (b"1", b"2"):
        reader = read_in_a_thread()
        ends[0].send(byte)
        reader.join()
    """), 0)

    def test_a_descriptor_that_was_duplicated(self) -> None:
        outcome = self.watch(THREADS + """\
    readers = [start(ours.recv, 1), start(ours.dup().recv, 1)]
    theirs.send(b"12")
    """)
        self.expect_readers(outcome)
        self.assertIn("cure: a duplicated descriptor is the same socket", outcome.err)

    def test_tasks_that_write_by_two_descriptors(self) -> None:
        for lock, findings in (("contextlib.nullcontext()", 1), ("asyncio.Lock()", 0)):
            with self.subTest(lock):
                outcome = self.watch(SENDERS.replace("LOCK", lock))
                self.assertEqual(outcome.code, findings, outcome.err)
                self.assertEqual(outcome.err.count("trireme: multiple-writers:"), findings, outcome.err)

    def test_a_forked_child_that_reads_too(self) -> None:
        outcome = self.watch(THREADS + """\
    reader = start(ours.recv, 1)
    child = os.fork()
    if child == 0:
        try:
            ours.recv(1, socket.MSG_DONTWAIT)
        except BlockingIOError:
            os._exit(0)
    os.waitpid(child, 0)
    theirs.send(b"1")
    """)
        self.expect_readers(outcome)
        self.assertIn("cure: close it in all processes but one", outcome.err)

    FORKED = """\
    def wait():
        ours.recv(1)
    child = os.fork()
    if child == 0:
        wait()
        os._exit(0)
    while not open(f"/proc/{child}/syscall").read().startswith(RECV):
        pass
    def come():
        try:
            ours.recv(1, socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass
    come()
    END
    os.waitpid(child, 0)
    """

    def test_a_forked_child_tells_where_it_waited_when_it_comes_back(self) -> None:
        outcome = self.watch(THREADS + self.FORKED.replace("END", 'theirs.send(b"1")'))
        self.assertEqual(outcome.err.splitlines()[-1], "trireme: 1 findings, program exited 0", outcome.err)
        last = outcome.err[outcome.err.rindex("trireme: multiple-readers:") :]
        self.assertRegex(last, "for which MainThread of process [0-9]+ waits already\n", outcome.err)
        for place in ("in wait\n", "in come\n"):
            self.assertIn(place, last, outcome.err)
        self.assertNotIn("no stack is known", last)

    def test_a_forked_child_that_never_comes_back_is_said_to_have_no_stack(self) -> None:
        outcome = self.watch(THREADS + self.FORKED.replace("END", "os.kill(child, 9)"))
        self.expect_readers(outcome)
        self.assertRegex(outcome.err, "\n  of thread [0-9]+ no stack is known: it is of another process, ")

    def test_a_forked_child_that_has_its_own(self) -> None:
        self.expect_readers(self.watch(THREADS + """\
    reader = start(ours.recv, 1)
    child = os.fork()
    if child == 0:
        one, other = socket.socketpair()
        other.send(b"x")
        one.recv(1)
        os._exit(0)
    os.waitpid(child, 0)
    theirs.send(b"1")
    """), 0)

    def test_a_descriptor_that_was_passed_on(self) -> None:
        self.expect_readers(self.watch(THREADS + """\
    import array
    reader = start(ours.recv, 1)
    one, other = socket.socketpair()
    socket.send_fds(one, [b"x"], [ours.fileno()])
    _, (copy,), _, _ = socket.recv_fds(other, 1, 1)
    try:
        socket.socket(fileno=copy).recv(1, socket.MSG_DONTWAIT)
    except BlockingIOError:
        theirs.send(b"1")
    """))

    ASYNCIO = """\
    import asyncio, socket
    async def settle():
        for _ in range(5):
            await asyncio.sleep(0)
    async def main():
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
"""

    def test_asyncio_tasks_that_read_one_socket(self) -> None:
        outcome = self.watch(self.ASYNCIO + """\
        tasks = []
        for name in ("one", "two"):
            tasks.append(asyncio.create_task(loop.sock_recv(ours, 1), name=name))
            await settle()
        theirs.send(b"1")
        await tasks[1]
        tasks[0].cancel()
    asyncio.run(main())
    """)
        self.expect_readers(outcome)
        self.assertIn("two calls to read the stream, for which one waits already", outcome.err)

    NAMELESS = """\
    import asyncio, socket
    class Nameless(asyncio.Task):
        __repr__ = object.__repr__
        def get_name(self):
            raise ValueError("it has none")
    async def main():
        loop = asyncio.get_running_loop()
        loop.set_task_factory(lambda loop, coroutine, **options: Nameless(coroutine, loop=loop, **options))
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        async def read():
            return await loop.sock_recv(ours, 1)
"""

    def test_a_task_whose_name_fails_is_told_by_its_class_and_fails_nowhere(self) -> None:
        outcome = self.watch(self.NAMELESS + """\
        readers = [asyncio.ensure_future(read()) for _ in range(2)]
        while len(asyncio.all_tasks()) == 3 and not loop._selector.get_map().get(ours.fileno()):
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        theirs.send(b"12")
        await asyncio.wait(readers, return_when=asyncio.FIRST_COMPLETED)
        for one in readers: one.cancel()
        print([one for one in await asyncio.gather(*readers, return_exceptions=True) if isinstance(one, ValueError)])
    asyncio.run(main())
    """)
        self.expect_readers(outcome)
        self.assertEqual(outcome.out, "[]\n")
        self.assertRegex(outcome.err, r"multiple-readers: Nameless \d+ calls to read the stream, for which Nameless \d+ waits")
        self.assertRegex(outcome.err, r"program\.py:\d+ in read\n")

    def test_tasks_without_names_that_take_turns(self) -> None:
        self.expect_readers(self.watch(self.NAMELESS + """\
        for _ in range(2):
            reader = asyncio.ensure_future(read())
            await asyncio.sleep(0)
            theirs.send(b"1")
            await reader
    asyncio.run(main())
    """), count=0)

    LOOPS = """\
    import asyncio, socket, threading
    begun, ended = threading.Event(), threading.Barrier(2)
    ours, theirs = socket.socketpair()
    def run(sock, wait, said):
        loop = asyncio.new_event_loop()
        wait()
        loop.add_reader(sock, print)
        loop.run_until_complete(asyncio.sleep(0))
        said()
        ended.wait()
        loop.remove_reader(sock)
        loop.close()
    def run_both(other):
        threads = [threading.Thread(target=run, args=(ours, lambda: None, begun.set)),
                   threading.Thread(target=run, args=(other, begun.wait, lambda: None))]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
"""

    def test_two_asyncio_loops_that_wait_for_one_socket(self) -> None:
        outcome = self.watch(self.LOOPS + """\
    run_both(ours)
    """)
        self.expect_readers(outcome)
        self.assertIn("two epoll sets wait to read the stream: Thread-1 (run)'s, and Thread-2 (run)'s", outcome.err)
        self.assertIn("program.py:10 in run\n", outcome.err)  # where the first one is

    def test_two_selectors_that_one_thread_makes(self) -> None:
        outcome = self.watch("""\
    import selectors, socket
    ours, theirs = socket.socketpair()
    both = selectors.DefaultSelector(), selectors.DefaultSelector()
    for selector in both:
        selector.register(ours, selectors.EVENT_READ)
    """)
        self.expect_readers(outcome)
        self.assertIn("two epoll sets wait to read the stream: MainThread's, and MainThread's", outcome.err)

    def test_two_asyncio_loops_that_have_their_own_sockets(self) -> None:
        self.expect_readers(self.watch(self.LOOPS + """\
    run_both(theirs)
    """), 0)

    def test_an_asyncio_task_after_one_that_was_cancelled(self) -> None:
        self.expect_readers(self.watch(self.ASYNCIO + """\
        task = asyncio.create_task(loop.sock_recv(ours, 1))
        await settle()
        task.cancel()
        await settle()
        theirs.send(b"1")
        await asyncio.create_task(loop.sock_recv(ours, 1))
    asyncio.run(main())
    """), 0)

    def test_an_asyncio_task_after_one_that_was_cancelled_and_has_not_run_since(self) -> None:
        self.expect_readers(self.watch(self.ASYNCIO + """\
        task = asyncio.create_task(loop.sock_recv(ours, 1))
        await settle()
        task.cancel()
        loop.call_soon(theirs.send, b"1")
        assert await loop.sock_recv(ours, 1) == b"1"
    asyncio.run(main())
    """), 0)

    # Two tasks that somebody else's function makes.
    OF_A_FACTORY = """\
        tasks = []
        for _ in range(2):
            tasks.append(asyncio.create_task(loop.sock_recv(ours, 1)))
            await settle()
        theirs.send(b"1")
        await tasks[1]
        tasks[0].cancel()
    asyncio.run(main())
"""

    def test_asyncio_tasks_of_a_task_factory(self) -> None:
        self.expect_readers(self.watch(self.ASYNCIO + """\
        loop.set_task_factory(lambda loop, coroutine, **options: asyncio.Task(coroutine, loop=loop, **options))
""" + self.OF_A_FACTORY))

    @unittest.skipUnless((VENV / "3.12/bin/python3").exists(), "no environment of 'trireme setup' with Python 3.12")
    def test_asyncio_tasks_that_begin_when_they_are_made(self) -> None:
        self.expect_readers(self.watch(self.ASYNCIO + """\
        loop.set_task_factory(asyncio.eager_task_factory)
""" + self.OF_A_FACTORY, python=str(VENV / "3.12/bin/python3")))

    def test_an_asyncio_task_after_the_loop_of_another_was_closed(self) -> None:
        self.expect_readers(self.watch("""\
    import asyncio, socket
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    early = asyncio.new_event_loop()
    task = early.create_task(early.sock_recv(ours, 1))
    early.run_until_complete(asyncio.sleep(0))
    early.run_until_complete(asyncio.sleep(0))
    early.close()
    async def read():
        asyncio.get_running_loop().call_soon(theirs.send, b"1")
        return await asyncio.get_running_loop().sock_recv(ours, 1)
    assert asyncio.run(read()) == b"1"
    """), 0)

    def test_an_asyncio_callback_that_goes_for_that_of_another_task(self) -> None:
        for before, count in (("", 1), ("loop.remove_reader(ours)", 0), ("first.cancel(); await settle()", 0)):
            outcome = self.watch(self.ASYNCIO + f"""\
        async def register():
            loop.add_reader(ours, print)
            await loop.create_future()
        first = asyncio.create_task(register())
        await settle()
        {before or "pass"}
        second = asyncio.create_task(register())
        await settle()
    asyncio.run(main())
    """)
            self.expect_readers(outcome, count)
            self.assertEqual("the runtime dropped who waited to read" in outcome.err, count == 1, outcome.err)

    def test_both_tasks_are_told_of_where_only_the_runtime_saw_them(self) -> None:
        stream = """\
        stream, writer = await asyncio.open_connection(sock=ours)
        async def wait():
            await stream.read(1)
"""
        callback = """\
        async def wait():
            loop.add_reader(ours, print)
            await loop.create_future()
"""
        for case in (stream, callback):
            outcome = self.watch(self.ASYNCIO + case + """\
        tasks = []  # else nothing holds them but each other
        for name in ("earlier", "later"):
            tasks.append(asyncio.create_task(wait(), name=name))
            await settle()
        for task in tasks:
            task.cancel()
    asyncio.run(main())
    """)
            self.expect_readers(outcome)
            message, earlier, later = re.split(r"\n  (?=earlier|later)", outcome.err)
            self.assertRegex(message, "(?m)^trireme: multiple-readers: the runtime (refused that|dropped who).* later ")
            for told in (earlier, later):
                self.assertRegex(told, r"program\.py:\d+ in wait")
                self.assertNotIn("trireme_watch", told)

    # A callback that the loop calls for what it reads, and who else looks at the socket.
    CALLBACK = ASYNCIO + """\
        import os, threading
        got, copy = [], ours.dup()
        def look():
            try: got.append(copy.recv(1))
            except BlockingIOError: got.append(b"")
        def ask(function):
            thread = threading.Thread(target=function)
            thread.start()
            thread.join()
        def fork():
            child = os.fork()
            if child == 0:
                look()
                os._exit(0)
            os.waitpid(child, 0)
        async def take():
            look()
        def leave_it_to_a_task():
            loop.create_task(take())
        loop.add_reader(ours, leave_it_to_a_task)
"""

    def test_an_asyncio_callback_and_whoever_reads_beside_its_loop(self) -> None:
        for beside in ("ask(look)", "fork()", "await loop.run_in_executor(None, look)"):
            with self.subTest(beside):
                outcome = self.watch(self.CALLBACK + f"""\
        {beside}
        loop.remove_reader(ours)
    asyncio.run(main())
    """)
                self.expect_readers(outcome)
                if beside != "fork()":
                    self.assertIn("for which callback main.<locals>.leave_it_to_a_task waits already", outcome.err)

    def test_an_asyncio_callback_that_reads_alone(self) -> None:
        for alone in ("look()", "theirs.send(b'1'); await settle()", "loop.remove_reader(ours); ask(look)",
                      "loop.remove_reader(ours); fork()"):
            with self.subTest(alone):
                self.expect_readers(self.watch(self.CALLBACK + f"""\
        {alone}
        loop.remove_reader(ours)
    asyncio.run(main())
    """), 0)

    LIBRARY = CALLBACK + """\
        import ctypes
        library = ctypes.CDLL(None)
        def look():
            library.recv(ours.fileno(), ctypes.create_string_buffer(1), 1, 0)
"""

    def test_a_library_that_reads_what_its_loop_has_a_callback_for(self) -> None:
        for how, count in (("look()", 0), ("ask(look)", 1)):
            with self.subTest(how):
                self.expect_readers(self.watch(self.LIBRARY + f"""\
        {how}
        loop.remove_reader(ours)
    asyncio.run(main())
    """), count)

    def test_an_asyncio_callback_of_a_loop_that_does_not_run(self) -> None:
        self.expect_readers(self.watch(THREADS + """\
    import asyncio
    loop = asyncio.new_event_loop()
    loop.add_reader(ours, print)
    loop.run_until_complete(asyncio.sleep(0))
    thread = start(ours.recv, 1)
    theirs.send(b"1")
    thread.join()
    """), 0)

    def test_who_comes_while_a_meeting_is_told_does_not_take_its_stacks(self) -> None:
        outcome = self.watch(THREADS + """\
    import ctypes
    builtins = ctypes.PyDLL(None).trireme_probe_python
    builtins.restype = ctypes.py_object
    def look():
        try:
            ours.recv(1, socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass
    def describe(task, thread):
        other = threading.Thread(target=look)
        other.start()
        other.join()
        return '"stack": ["told"]'
    builtins()[12](describe)
    reader = start(ours.recv, 1)
    look()
    theirs.send(b"1")
    """)
        self.expect_readers(outcome)
        self.assertIn("    told\n", outcome.err)

    EVENTLET = """\
    import eventlet
    eventlet.monkey_patch()
    import eventlet.debug, socket
    ours, theirs = socket.socketpair()
    def read():
        try:
            ours.recv(1)
        except RuntimeError:
            pass
"""

    @unittest.skipUnless(WITH_EVENTLET, "no environment of 'trireme setup'")
    def test_greenlets_below_a_task_and_those_that_never_switch_are_known(self) -> None:
        assert WITH_EVENTLET is not None
        for program in ("""\
            import asyncio, greenlet
            async def main():
                green = greenlet.greenlet(lambda: greenlet.getcurrent().parent.switch(1))
                assert green.switch() == 1
                green.switch()
            asyncio.run(main())
            """, "import greenlet"):
            outcome = self.watch(program, python=WITH_EVENTLET)
            self.assertEqual(outcome.err, "trireme: 0 findings, program exited 0\n")

    @unittest.skipUnless(WITH_EVENTLET, "no environment of 'trireme setup'")
    def test_green_threads_with_the_check_on_and_off(self) -> None:
        assert WITH_EVENTLET is not None
        for switch in ("", "    eventlet.debug.hub_prevent_multiple_readers(False)\n"):
            self.expect_readers(self.watch(self.EVENTLET + switch + """\
    threads = []
    for _ in range(2):
        threads.append(eventlet.spawn(read))
        eventlet.sleep(0)
    theirs.send(b"12")
    for thread in threads:
        thread.wait()
    """, python=WITH_EVENTLET))

    @unittest.skipUnless(WITH_EVENTLET, "no environment of 'trireme setup'")
    def test_a_lock_in_a_pipe_of_green_threads_and_native_ones(self) -> None:
        """As oslo.log's: each asks for one byte, and tells its hub that it waits. Who asks for two makes it no lock."""
        for asks, count in ((1, 0), (2, 1)):
            outcome = self.watch(f"""\
    import eventlet
    eventlet.monkey_patch()
    from eventlet import hubs, patcher
    import eventlet.debug, os
    eventlet.debug.hub_prevent_multiple_readers(False)
    native = patcher.original("threading")
    lock, key = os.pipe()
    os.set_blocking(lock, False)
    def take(size):
        while True:
            try:
                return os.read(lock, size)
            except BlockingIOError:
                hubs.trampoline(lock, read=True)
    def use(size):
        for _ in range(200):
            take(size)
            os.write(key, b"x")
    def several():
        for green in [eventlet.spawn(use, size) for size in (1, {asks})]:
            green.wait()
    os.write(key, b"x")
    threads = [native.Thread(target=several) for _ in range(2)]
    for thread in threads:
        thread.start()
    take(1)
    first, second = eventlet.spawn(use, 1), eventlet.spawn(use, {asks})
    eventlet.sleep(0)
    os.write(key, b"x")
    first.wait()
    second.wait()
    for thread in threads:
        thread.join()
    """, python=str(WITH_EVENTLET))
            self.expect_readers(outcome, count)

    @unittest.skipUnless(WITH_EVENTLET, "no environment of 'trireme setup'")
    def test_green_threads_that_take_turns(self) -> None:
        assert WITH_EVENTLET is not None
        self.expect_readers(self.watch(self.EVENTLET + """\
    for _ in range(3):
        thread = eventlet.spawn(read)
        eventlet.sleep(0)
        theirs.send(b"1")
        thread.wait()
    """, python=WITH_EVENTLET), 0)


if __name__ == "__main__":
    unittest.main()
