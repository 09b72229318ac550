from __future__ import annotations

import socket
import unittest
from pathlib import Path
from unittest import mock

import servers


class FreePortTest(unittest.TestCase):
    def test_the_kernel_gives_it_to_nobody_who_asks_for_any(self) -> None:
        lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
        self.assertLess(servers.free_port(), lowest)

    def test_it_is_not_one_that_somebody_has(self) -> None:
        with socket.socket() as holder:
            taken = servers.free_port()
            holder.bind(("127.0.0.1", taken))
            with mock.patch.object(servers.random, "sample", lambda candidates, _: [taken, *candidates]):
                self.assertNotEqual(servers.free_port(), taken)


if __name__ == "__main__":
    unittest.main()
