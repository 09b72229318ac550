"""`compare: {wire: ...}`: what went over the connections is compared, with nothing observed."""

from __future__ import annotations

import json
import unittest

from test_command_arms import INTERPRETER
from trireme_case import PYTHON, Outcome, TriremeCase

# The reference is threading. ANSWER and END are what asyncio does otherwise.
WORKLOAD = """\
    import os, socket, struct, time

    async def main(rt, params):
        listener = await rt.listen()
        other = rt.runtime != "threading"

        async def write(stream):
            for piece in %(answer)s:
                await stream.send_all(piece)

        async def end(stream):
            %(end)s

        async def serve():
            stream = await listener.accept()
            await stream.recv_until(b"\\n")
            await write(stream)
            await end(stream)
            stream.close()

        server = rt.spawn(serve)
        stream = await rt.connect(listener.address)
        await stream.send_all(b"item\\n")
        try:
            while await stream.recv(100):
                pass
        except OSError:
            pass
        %(bye)s
        stream.close()
        await server.join()
        listener.close()
    """
SCENARIO = """\
    version: 1
    summary: A port of a server
    workload: {%s}
    runtimes: [%s]
    reference: %s
    trials: 3
    timeout: 60s
    compare: {wire: %s}
    """
SAME = '[b"stock: 4\\n", b"price: 7\\n"]'
RESET = """
            if other:
                with socket.socket(fileno=os.dup(stream.fileno())) as sock:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))"""
HALF = """
            if other:
                stream.shutdown()
                await stream.recv(100)"""
BYE = 'await stream.send_all(b"bye\\n")'
NOTHING = "pass"
# The program connects before it does anything else that is recorded.
PROGRAM = """\
    import os, socket

    original = "eventlet" in socket.socket.__module__
    listener = socket.create_server(("127.0.0.1", 0))
    for _ in range(2):
        client = socket.create_connection(listener.getsockname())
        client.sendall(b"item\\n")
        server, _ = listener.accept()
        server.recv(100)
        for piece in %s:
            server.sendall(piece)
        server.close()
        while client.recv(100):
            pass
        client.close()
    """


class WireCase(TriremeCase):
    def messages(self, runtime: str) -> list[str]:
        results = json.loads((self.run_directory() / "results.json").read_text())
        cells = {cell["runtime"]: cell for cell in results["cells"]}
        return [finding["message"] for finding in cells[runtime]["findings"]]


class WireTest(WireCase):
    def run_port(self, rule: str, answer: str = SAME, end: str = NOTHING, bye: str = NOTHING) -> Outcome:
        self.write("s/scenario.yaml", SCENARIO % ("python: workload.py", "threading, asyncio", "threading", rule))
        self.write("s/workload.py", WORKLOAD % {"answer": answer, "end": end, "bye": bye})
        return self.trireme("run", "s", *PYTHON, "--seed", "1")

    def assert_differs(self, outcome: Outcome, *messages: str) -> None:
        self.assertEqual(outcome.code, 1, outcome.out + outcome.err)
        for message in messages:
            self.assertIn(message, self.messages("asyncio"))
        self.assertIn("asyncio differs from threading in 1 of 1 scenario: s\n", outcome.out)

    def assert_same(self, outcome: Outcome) -> None:
        self.assertEqual(outcome.code, 0, outcome.out + outcome.err)
        self.assertIn("asyncio does the same as threading in 1 scenario\n", outcome.out)

    def test_another_byte(self) -> None:
        self.assert_differs(self.run_port("exact", '[b"stock: 4\\n", b"price: 8\\n" if other else b"price: 7\\n"]'),
                            "server write of 1#0 differs from threading/here in byte 16: "
                            'here "8\\n", there "7\\n"')

    def test_segments_ids_and_dates_are_no_difference(self) -> None:
        text = '(b"id: %s; Fri, 27 Nov 2026 00:00:%02d GMT\\n" % (os.urandom(8).hex().encode(), other) + b"stock: 4\\n")'
        for rule in ("exact", "lines"):
            with self.subTest(rule):
                self.assert_same(self.run_port(rule, f"[bytes([each]) for each in {text}] if other else [{text}]"))
                self.doCleanups()
                self.setUp()

    def test_another_order_of_lines(self) -> None:
        self.assert_differs(self.run_port("lines", f"{SAME}[::-1 if other else 1]"),
                            "server write of 1#0 differs from threading/here in line 1: "
                            'here "price: 7\\nstock: 4\\n", there "stock: 4\\nprice: 7\\n"')

    def test_another_header_of_http(self) -> None:
        head = 'b"HTTP/1.1 200 OK\\r\\nDate: %d\\r\\nX-A: %d\\r\\nContent-Length: 0\\r\\n\\r\\n"'
        self.assert_differs(self.run_port("http", f"[{head} % (time.time(), other)]"),
                            "server write of 1#0 differs from threading/here in message 1 header x-a: here "
                            '"1\\r\\nContent-Length: 0\\r\\n\\r\\n", there "0\\r\\nContent-Length: 0\\r\\n\\r\\n"')

    def test_another_order_of_headers_is_no_difference_of_http(self) -> None:
        headers = '[b"X-A: 1\\r\\n", b"Date: now\\r\\n", b"Content-Length: 0\\r\\n"]'
        self.assert_same(self.run_port(
            "http", f'[b"HTTP/1.1 200 OK\\r\\n", *{headers}[::-1 if other else 1], b"\\r\\n"]'))

    def test_a_reset_instead_of_an_end(self) -> None:
        self.assert_differs(self.run_port("exact", end=RESET),
                            "client read of 1#0 ended with RST here, with FIN on threading/here")

    def test_half_a_close_instead_of_a_whole_one(self) -> None:
        self.assert_differs(self.run_port("exact", end=HALF, bye=BYE),
                            "server write of 1#0 ended with FIN, half here, with FIN on threading/here")


@unittest.skipIf(INTERPRETER is None, "no interpreter has eventlet: trireme setup")
class CommandWireTest(WireCase):
    def run_program(self, answer: str) -> Outcome:
        command = 'command: ["python3", "program.py"]'
        self.write("s/scenario.yaml", SCENARIO % (command, "eventlet, threading", "eventlet", "lines"))
        self.write("s/program.py", PROGRAM % answer)
        return self.trireme("run", "s", "--python", f"here={INTERPRETER}", "--seed", "1")

    def test_a_program_that_writes_something_else(self) -> None:
        outcome = self.run_program(f"{SAME}[::1 if original else -1]")
        self.assertEqual(outcome.code, 1, outcome.out + outcome.err)
        self.assertEqual(self.messages("threading"), [
            "server write of -#0 differs from eventlet/here in line 1: "
            'here "price: 7\\nstock: 4\\n", there "stock: 4\\nprice: 7\\n"'])

    def test_a_program_that_writes_the_same_in_other_pieces(self) -> None:
        answer = '[b"id: %s\\n" % os.urandom(8).hex().encode(), b"stock: 4\\n"]'
        outcome = self.run_program(f'[b"".join({answer})] if original else {answer}')
        self.assertEqual(outcome.code, 0, outcome.out + outcome.err)
        self.assertIn("threading does the same as eventlet in 1 scenario\n", outcome.out)


if __name__ == "__main__":
    unittest.main()
