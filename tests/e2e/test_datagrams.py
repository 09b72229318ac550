"""Datagrams under a plan: what the log says of them is what came, on every runtime."""

from __future__ import annotations

import json
import unittest
from collections import Counter
from typing import Any

from trireme_case import PYTHON, TriremeCase

# Numbered ones. What is late when the sender is closed is sent then, so that all have come at the end.
DATAGRAMS = """\
    import select
    import socket


    async def main(rt, params):
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        receiver.bind(("127.0.0.1", 0))
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        got = []
        for number in range(200):
            sender.sendto(b"%d" % number, receiver.getsockname())
            while select.select([receiver], [], [], 0)[0]:
                got.append(int(receiver.recv(100)))
        sender.close()
        while select.select([receiver], [], [], 0)[0]:
            got.append(int(receiver.recv(100)))
        receiver.close()
        rt.observe("came", len(got))
        rt.observe("different", len(set(got)))
        rt.observe("late", sum(a > b for a, b in zip(got, got[1:])) > 0)
    """


# The same by the workload API. Of the word that ends it, some come.
ENDPOINTS = """\
    async def main(rt, params):
        server, client = await rt.datagram(), await rt.datagram()
        got = []

        async def serve():
            while (received := await server.recv_from(100))[0] != b"end":
                got.append(int(received[0]))

        task = rt.spawn(serve)
        for n in range(200):
            await client.send_to(b"%d" % n, server.address)
        await rt.settle()
        rt.observe("got", got)
        for _ in range(20):
            await client.send_to(b"end", server.address)
        await task.join()
        client.close()
        server.close()
    """
ENDPOINTS_CC = """\
    #include "trireme/workload.h"

    using namespace trireme;

    Task<> Main(Runtime& rt, const Params&) {
      Datagram server = co_await rt.Datagram(), client = co_await rt.Datagram();
      std::vector<Value> got;
      auto serve = [&]() -> Task<> {
        for (;;) {
          const Received received = co_await server.RecvFrom(100);
          if (received.data == "end") break;
          got.emplace_back(std::stoi(received.data));
        }
      };
      auto task = rt.Spawn(serve);
      for (int n = 0; n < 200; ++n) {
        const std::string data = std::to_string(n);
        co_await client.SendTo(data, server.address());
      }
      co_await rt.Settle();
      rt.Observe("got", Value::List(got));
      for (int n = 0; n < 20; ++n) co_await client.SendTo("end", server.address());
      co_await task.Join();
      client.Close();
      server.Close();
    }
    TRIREME_WORKLOAD(Main)
    """


class DatagramsTest(TriremeCase):
    """What the log of faults says of datagrams is what came."""

    def happened(self, network: str, out: str, *runtimes: str) -> dict[str, tuple[Counter[str], dict[str, Any]]]:
        """By runtime: how many of each kind the log has, and what the trial observed."""
        self.write("s/scenario.yaml", f"""\
            version: 1
            summary: Datagrams
            workload: {{python: workload.py}}
            runtimes: [{", ".join(runtimes)}]
            checks: []
            faults: [{{name: net, network: {network}}}]
            """)
        self.write("s/workload.py", DATAGRAMS)
        outcome = self.trireme("run", "s", "--seed", "7", "--out", out, *PYTHON)
        self.assertEqual(outcome.code, 0, outcome.out + outcome.err)
        logs: dict[str, tuple[Counter[str], dict[str, Any]]] = {}
        for event in map(json.loads, self.trireme("history", out).out.splitlines()):
            kinds, seen = logs.setdefault(event["runtime"], (Counter(), {}))
            if event["event"] == "fault":
                kinds.update(event["do"])
            if event["event"] == "observe":
                seen[event["key"]] = event["value"]
        return logs

    def test_what_came_is_what_the_log_says(self) -> None:
        network = "{loss: 0.2, duplicate: 0.1, reorder: true}"
        first = self.happened(network, "first", "eventlet", "threading", "asyncio")
        for kinds, seen in first.values():
            self.assertEqual(seen["came"], 200 - kinds["drop"] + kinds["duplicate"])
            self.assertEqual(seen["different"], 200 - kinds["drop"])
            self.assertTrue(seen["late"] and all(kinds[kind] > 0 for kind in ("drop", "duplicate", "reorder")), kinds)
            self.assertEqual(kinds, first["threading"][0])
        self.assertEqual(self.happened(network, "second", "eventlet", "threading", "asyncio"), first)

    def test_all_runtimes_lose_the_same(self) -> None:
        self.write("s/scenario.yaml", """\
            version: 1
            summary: Datagrams
            workload: {python: workload.py, cpp: workload.cc}
            runtimes: [threading, asyncio, fiber, thread, coroutine]
            compare: {observe: exact}
            """)
        self.write("s/workload.py", ENDPOINTS)
        self.write("s/workload.cc", ENDPOINTS_CC)
        outcome = self.trireme("run", "s", "--faults", "lossy-datagrams", "--seed", "7", "--out", "out", *PYTHON)
        self.assertEqual(outcome.code, 0, outcome.out + outcome.err)
        self.assertIn("fault logs: equal in 4 of 4 trials", outcome.out)
        events = map(json.loads, self.trireme("history", "out").out.splitlines())
        came = [event["value"] for event in events if event["event"] == "observe"]
        self.assertEqual(len(came), 5)
        self.assertLess(len(set(came[0])), 200)

    def test_one_kind_alone(self) -> None:
        kinds, seen = self.happened("{duplicate: 0.1}", "out", "threading")["threading"]
        self.assertEqual(list(kinds), ["duplicate"])
        self.assertEqual(seen, {"came": 200 + kinds["duplicate"], "different": 200, "late": False})


if __name__ == "__main__":
    unittest.main()
