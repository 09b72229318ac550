"""Runs on one machine divide its ports, and say where none are left. In a network namespace of its own: ports are its, too."""

from __future__ import annotations

import subprocess
import sys
import unittest

from trireme_case import BINARY, TriremeCase

NOTE = "other runs on this machine had all ports"

# Becomes the command, as root of a new network namespace, with as many of its parts taken as it is told.
PROGRAM = """\
    import ctypes, os, socket, sys

    CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0 and libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        sys.exit(77)
    first, last = open("/proc/sys/net/ipv4/ip_local_port_range").read().split()
    for part in range(int(sys.argv[1])):
        name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        name.bind(f"\\0trireme/ports/{first}-{last}/{part}")
        name.set_inheritable(True)
        name.detach()
    os.execv(sys.argv[2], sys.argv[2:])
    """
WORKLOAD = """\
    async def main(rt, params):
        rt.observe("done", 1)
    """
SCENARIO = """\
    version: 1
    summary: s
    workload: {python: workload.py}
    runtimes: [threading]
    """


# What a client sees of its socket when it was refused, and that it may be bound then.
CLIENT = """\
    import socket

    closed = socket.create_server(("127.0.0.1", 0))
    refusing = closed.getsockname()
    closed.close()
    client = socket.socket()
    print("refused:", client.connect_ex(refusing) != 0)
    client.bind(("127.0.0.1", 0))
    server = socket.create_server(("127.0.0.1", 0))
    client.connect(server.getsockname())
    print("reuse:", client.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR))
    """


class PortsTest(TriremeCase):
    def test_a_watched_client_sees_its_socket_as_it_is(self) -> None:
        self.write("client.py", CLIENT)
        alone = subprocess.run([sys.executable, "client.py"], cwd=self.folder, capture_output=True, text=True, check=True)
        outcome = self.trireme("watch", "--faults", "short-io", "--", sys.executable, "client.py")
        self.assertEqual((outcome.code, outcome.out), (0, alone.stdout), outcome.err)

    def run_with(self, taken: int) -> str:
        self.write("program.py", PROGRAM)
        self.write("s/workload.py", WORKLOAD)
        self.write("s/scenario.yaml", SCENARIO)
        command = [sys.executable, "program.py", str(taken), BINARY, "run", "s", "--out", "out"]
        done = subprocess.run(command, cwd=self.folder, env=self.environment(), capture_output=True, text=True, timeout=120,
                              check=False)
        if done.returncode == 77:
            self.skipTest("no network namespace of its own here")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_a_run_that_finds_none_left_says_so_and_goes_on(self) -> None:
        self.assertIn(NOTE, self.run_with(taken=16))

    def test_a_run_that_finds_one_part_says_nothing(self) -> None:
        self.assertNotIn(NOTE, self.run_with(taken=15))


if __name__ == "__main__":
    unittest.main()
