"""The probe's builtins under one interpreter: python_test.py VERSION PROBE. Ends with 77 where there is none."""

from __future__ import annotations

import gc
import glob
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import weakref

HEADER = struct.Struct("<8sIIIIQQQQQQQII")
CHUNK = struct.Struct("<IIQQQ")
RECORD = struct.Struct("<IHHQIIQII")
CHUNK_SIZE = 32768
OBSERVE, INVOKE, TASK_END, SWITCH, PROCESS = 7, 3, 12, 13, 18
NONE, INT, DOUBLE, TEXT, JSON, BOOL, BYTES, DIGITS, MARKED = range(9)


def make_recording(path: str, chunks: int = 8) -> None:
    header = HEADER.pack(b"TRIREMEH", 1, CHUNK_SIZE, 0, 1, 0, 0, chunks, 1000, 0, 1, 1, 0, 0)
    with open(path, "wb") as file:
        file.write(header.ljust(4096, b"\0"))
        file.write(bytes(chunks * CHUNK_SIZE))


def read_recording(path: str) -> list[tuple[int, int, int, bytes, int, bytes]]:
    """(kind, task, id, key, type, value) in the order of the file."""
    with open(path, "rb") as file:
        data = file.read()
    assert HEADER.unpack_from(data)[9] == 0, "events were lost"
    events = []
    offset = 4096
    while offset < len(data):
        magic, _, capacity, used, _ = CHUNK.unpack_from(data, offset)
        at, end = offset + CHUNK.size, offset + CHUNK.size + used
        while magic and at < end:
            size, kind, kind_of_value, _, task, _, number, key_size, value_size = RECORD.unpack_from(data, at)
            key = at + RECORD.size
            value = key + key_size
            events.append((kind, task, number, data[key:value], kind_of_value, data[value : value + value_size]))
            at += size
        offset += capacity if magic else CHUNK_SIZE
    return events


class ProbeBuiltinsTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "history.ring")
        make_recording(self.path)
        self.assertEqual(attach(self.path), 0)

    def recorded(self) -> list[tuple[int, int, int, bytes, int, bytes]]:
        return read_recording(self.path)

    def value_of(self, value: object) -> tuple[int, bytes]:
        before = len(self.recorded())
        record(OBSERVE, 0, "k", value)
        return self.recorded()[before][4:]

    def test_keeps_every_kind_of_value(self) -> None:
        class Number(int):
            pass

        class Name(str):
            pass

        self.assertEqual(self.value_of(None), (NONE, b""))
        self.assertEqual(self.value_of(True), (BOOL, struct.pack("<q", 1)))
        self.assertEqual(self.value_of(False), (BOOL, struct.pack("<q", 0)))
        self.assertEqual(self.value_of(-1), (INT, struct.pack("<q", -1)))
        self.assertEqual(self.value_of(2**63 - 1), (INT, struct.pack("<q", 2**63 - 1)))
        self.assertEqual(self.value_of(Number(5)), (INT, struct.pack("<q", 5)))
        self.assertEqual(self.value_of(1.5), (DOUBLE, struct.pack("<d", 1.5)))
        self.assertEqual(self.value_of(-1.0), (DOUBLE, struct.pack("<d", -1.0)))
        self.assertEqual(self.value_of("caf\u00e9"), (TEXT, "caf\u00e9".encode()))
        self.assertEqual(self.value_of(Name("name")), (TEXT, b"name"))
        self.assertEqual(self.value_of(b"\0\xff"), (BYTES, b"\0\xff"))

    def test_keeps_integers_of_any_size(self) -> None:
        self.assertEqual(self.value_of(2**63), (JSON, str(2**63).encode()))
        self.assertEqual(self.value_of(2**64 - 1), (JSON, str(2**64 - 1).encode()))
        self.assertEqual(self.value_of(2**64), (DIGITS, str(2**64).encode()))
        self.assertEqual(self.value_of(-(2**63)), (INT, struct.pack("<q", -(2**63))))
        self.assertEqual(self.value_of(-(2**63) - 1), (DIGITS, str(-(2**63) - 1).encode()))
        kind, digits = self.value_of(1 << 50000)
        self.assertEqual((kind, int(digits, 0) if digits.startswith(b"0x") else len(digits)), (DIGITS, 1 << 50000))

    def test_keeps_text_with_lone_surrogates(self) -> None:
        self.assertEqual(self.value_of("a\udc80"), (TEXT, b"a\xed\xb2\x80"))  # which no other text is
        record(OBSERVE, 0, "k\ud800", None)
        self.assertEqual(self.recorded()[-1][3], b"k\\ud800")

    def test_refuses_what_the_history_has_no_form_for(self) -> None:
        for value in ([], {}, 1j, object(), int, bytearray(b"x")):
            with self.assertRaises(TypeError):
                record(OBSERVE, 0, "k", value)
            with self.assertRaises(TypeError):
                invoke("k", value)
        self.assertEqual(self.recorded(), [])

    def test_refuses_wrong_arguments(self) -> None:
        calls = [
            (attach, ()), (attach, (5,)), (attach, (b"path",)), (record, (1, 1, "k")), (record, (1, 1, "k", 1, 1)),
            (record, ("1", 1, "k", 1)), (record, (1, None, "k", 1)), (record, (1, 1, b"k", 1)),
            (record_json, (1, 1, "k", 5)), (record_json, (1, 1, "k")), (record_marked, (1, 1, "k")),
            (record_for, ("x", 1, 1, "k", 1)),
            (record_for, (1, 1, 1, "k")), (record_json_for, (1, 1, 1, "k", b"x")), (invoke, ("k",)), (invoke, (1, 1)),
            (new_task, (1,)), (current_task, (1,)), (set_task, ()), (set_task, ("x",)), (set_task, (None,)),
            (greenlet_trace, ()), (greenlet_trace, ("switch", None)), (greenlet_trace, ("switch", ())), (now, (1,)),
            (new_operation, (1,)), (wait_standing, ()), (wait_standing, ("x",)), (wait_standing, (1,)),
            (wait_standing, (1, True, 1)), (call_fails, ()), (call_fails, ("x",)), (call_fails, (1, 1)),
            (serve, ()), (serve, ("x",)), (switch_without_hub, ()), (switch_without_hub, ("switch", None)),
            (switch_without_hub, ("switch", ())), (set_reader_source, ()), (own_pairs, ()), (set_writer_source, ()),
        ]  # fmt: skip
        for function, arguments in calls:
            with self.assertRaises(TypeError, msg=f"{function} {arguments}"):
                function(*arguments)
            with self.assertRaises(TypeError):
                function(*arguments, keyword=1)
        for arguments in ((-1, 1, "k", 1), (1, -1, "k", 1), (2**16, 1, "k", 1), (1, 2**64, "k", 1)):
            with self.assertRaises((OverflowError, ValueError)):
                record(*arguments)
        with self.assertRaises((OverflowError, ValueError)):
            set_task(2**32)
        with self.assertRaises(ValueError):
            attach("a\0b")
        self.assertEqual(self.recorded(), [])

    def test_gives_the_error_of_an_attach_that_failed(self) -> None:
        self.assertEqual(attach("/nowhere"), 2)
        record(OBSERVE, 0, "k", 1)
        self.assertEqual(self.recorded(), [])

    def test_records_for_a_given_task(self) -> None:
        record_for(9, OBSERVE, 3, "k", "v")
        record_json_for(8, OBSERVE, 4, "j", '{"a": 1}')
        record_json(OBSERVE, 5, "l", "[]")
        record_marked(OBSERVE, 6, "m", '["tx"]')
        self.assertEqual(
            self.recorded(),
            [(OBSERVE, 9, 3, b"k", TEXT, b"v"), (OBSERVE, 8, 4, b"j", JSON, b'{"a": 1}'), (OBSERVE, 0, 5, b"l", JSON, b"[]"),
             (OBSERVE, 0, 6, b"m", MARKED, b'["tx"]')],
        )  # fmt: skip

    def test_numbers_operations_and_tasks(self) -> None:
        first, second = invoke("a", 1), invoke("b", None)
        self.assertNotEqual(first, second)
        self.assertEqual([event[:4] for event in self.recorded()], [(INVOKE, 0, first, b"a"), (INVOKE, 0, second, b"b")])
        self.assertNotIn(new_operation(), (first, second))
        self.assertEqual(new_task() + 1, new_task())

    def test_records_switches(self) -> None:
        set_task(4)
        self.assertEqual(current_task(), 4)
        set_task(4)
        set_task(0)
        self.assertEqual([event[:3] for event in self.recorded()], [(SWITCH, 4, 0), (SWITCH, 0, 4)])

    def test_traces_greenlets(self) -> None:
        class Greenlet:
            pass

        class Broken:
            @property
            def trireme_task(self) -> int:
                raise RuntimeError("broken")

        ours, foreign, odd = Greenlet(), Greenlet(), Greenlet()
        ours.trireme_task = 6
        odd.trireme_task = "six"
        for target, task in ((ours, 6), (odd, 0), (ours, 6), (Broken(), 0), (object(), 0)):
            self.assertIsNone(greenlet_trace("switch", (None, target)))
            self.assertEqual(current_task(), task)
        greenlet_trace("switch", (None, foreign))
        number = current_task()
        self.assertEqual(foreign.trireme_task, number)
        greenlet_trace("switch", (None, ours))
        greenlet_trace("switch", (None, foreign))
        self.assertEqual(current_task(), number)
        set_task(0)

    def test_leaks_no_references(self) -> None:
        value = "value \u20ac" * 50
        missing = object()
        counts = []
        for _ in range(2):
            for _ in range(1000):
                record(OBSERVE, 0, value, value)
                greenlet_trace("switch", (None, missing))
                record(OBSERVE, 0, "k", 2**70)
            counts.append((sys.getrefcount(value), sys.getrefcount(missing), sys.getrefcount(greenlet_trace)))
        self.assertEqual(counts[0], counts[1])

    def test_records_in_forked_children_and_threads(self) -> None:
        import threading

        threads = [threading.Thread(target=record, args=(OBSERVE, 0, "thread", n)) for n in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        child = os.fork()
        if child == 0:
            record(OBSERVE, 0, "child", None)
            os._exit(0)
        os.waitpid(child, 0)
        recorded = self.recorded()
        self.assertEqual(sum(event[3] == b"thread" for event in recorded), 20)
        self.assertEqual([event[0] for event in recorded if event[2] == os.getpid()], [PROCESS])
        self.assertEqual(sum(event[3] == b"child" for event in recorded), 1)

    def test_gives_the_time(self) -> None:
        import time

        before = time.monotonic_ns()
        self.assertLessEqual(before, now())
        self.assertLessEqual(now(), time.monotonic_ns())

    def test_leaves_the_gil_as_it_was(self) -> None:
        import sysconfig

        enabled = getattr(sys, "_is_gil_enabled", lambda: True)()
        self.assertEqual(enabled, not sysconfig.get_config_var("Py_GIL_DISABLED"))

    def steps_of(self, work: object) -> tuple[object, list[tuple[int, int, int, bytes, int, bytes]]]:
        """A coroutine's send as steps of task 7, called in task 3, and what is recorded from now on."""
        set_task(3)
        self.addCleanup(set_task, 0)
        return step(7, work), self.recorded()

    def test_a_step_runs_as_its_task(self) -> None:
        def work() -> object:
            sent = yield current_task()
            yield (current_task(), sent)

        send, before = self.steps_of(work().send)
        self.assertEqual((send(None), current_task()), (7, 3))
        self.assertEqual((send("x"), current_task()), ((7, "x"), 3))
        self.assertEqual([event[:3] for event in self.recorded()[len(before) :]], [(SWITCH, 7, 3), (SWITCH, 3, 7)] * 2)

    def test_the_step_that_raises_is_the_last(self) -> None:
        def work() -> object:
            return current_task()
            yield

        send, before = self.steps_of(work().send)
        with self.assertRaises(StopIteration) as ended:
            send(None)
        self.assertEqual((ended.exception.value, current_task()), (7, 3))
        kinds = [event[:4] for event in self.recorded()[len(before) :]]
        self.assertEqual(kinds, [(SWITCH, 7, 3, b""), (TASK_END, 7, 0, b"returned"), (SWITCH, 3, 7, b"")])

    def test_a_step_holds_what_it_needs_and_lets_go_of_it(self) -> None:
        class Work:
            def send(self, value: object) -> object:
                return value

        work = Work()
        gone = weakref.ref(work)
        send = step(1 << 31, work.send)
        del work
        self.assertIs(send(gone), gone)
        self.assertIsNotNone(gone())
        del send
        gc.collect()
        self.assertIsNone(gone())

    def test_refuses_what_is_no_step(self) -> None:
        for wrong in (lambda: step(), lambda: step("1", id), lambda: step(1, id)(), lambda: step(1, 2)(3)):
            self.assertRaises(TypeError, wrong)
        self.assertRaises((OverflowError, ValueError), step, -1, id)
        self.assertRaises(ValueError, step, 1 << 32, id)


def find_interpreter(version: str) -> str | None:
    """Of pyenv, of `trireme setup`, or of PATH; `3.13t` is a free-threaded build."""
    roots = [os.environ.get("PYENV_ROOT", ""), os.path.expanduser("~/.pyenv")]
    exact = [os.path.join(root, "versions", f"{version}*", "bin", f"python{version}") for root in roots if root]
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    home = os.environ.get("TRIREME_HOME") or os.path.join(data, "trireme")
    exact.insert(0, os.path.join(home, "venvs", version, "bin", "python"))
    found = [path for pattern in exact for path in sorted(glob.glob(pattern)) if os.access(path, os.X_OK)]
    return found[-1] if found else shutil.which(f"python{version}")


def main() -> int:
    version, probe = sys.argv[1], sys.argv[2]
    interpreter = find_interpreter(version)
    if interpreter is None:
        print(f"skipped: no Python {version}")
        return 77
    environment = {**os.environ, "LD_PRELOAD": probe}
    environment.pop("TRIREME_HISTORY", None)
    return subprocess.run([interpreter, __file__], env=environment, check=False).returncode


if __name__ == "__main__":
    if len(sys.argv) == 3:
        sys.exit(main())
    import ctypes

    make_builtins = ctypes.PyDLL(None).trireme_probe_python
    make_builtins.restype = ctypes.py_object
    (
        attach, record, record_json, record_for, record_json_for, invoke,
        new_task, current_task, set_task, greenlet_trace, now, new_operation, set_stack_source, wait_for,
        loop_waits, point, step, wait_standing, record_marked, call_fails, serve,
        switch_without_hub, set_reader_source, loop_runs, own_pairs, set_writer_source,
    ) = make_builtins()  # fmt: skip
    unittest.main()
