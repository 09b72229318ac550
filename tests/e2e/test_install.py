"""An installed copy works read-only, from any directory, for an ordinary user, with no checkout in sight.

As root the test hides the checkout (an empty file system is mounted over it, in a mount namespace of its own) and
becomes another user; otherwise it makes the copy read-only and runs as whoever it is.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ["TRIREME"]).resolve().parents[1]
NOBODY = 65534

WORKLOAD = """\
async def main(rt, params):
    listener = await rt.listen()

    async def echo():
        stream = await listener.accept()
        await stream.send_all(await stream.recv_exactly(5))
        stream.close()

    server = rt.spawn(echo)
    stream = await rt.connect(listener.address)
    with rt.op("echo") as op:
        await stream.send_all(b"hello")
        op.ok((await stream.recv_exactly(5)).decode())
    stream.close()
    await server.join()
    rt.observe("done", True)
"""


def hidden(command: list[str]) -> list[str]:
    """`command` as an ordinary user who cannot see the checkout, where that is possible."""
    if os.geteuid() != 0:
        return command
    hide = f'mount -t tmpfs none {CHECKOUT} && exec "$@"'
    user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    whole = ["unshare", "--mount", "sh", "-c", hide, "sh", *user, *command]
    allowed = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0
    return whole if allowed else [*user, *command]


class InstallTest(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = Path(self.folder.name)
        os.chmod(self.root, 0o755)
        self.prefix = self.root / "prefix"
        subprocess.run(["cmake", "--install", str(BUILD), "--prefix", str(self.prefix)], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["chmod", "-R", "a-w", str(self.prefix)], check=True)
        self.addCleanup(subprocess.run, ["chmod", "-R", "u+w", str(self.prefix)], check=True)
        self.home = self.root / "home"
        self.home.mkdir()
        if os.geteuid() == 0:
            os.chown(self.home, NOBODY, NOBODY)

    def trireme(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            hidden([str(self.prefix / "bin/trireme"), *arguments]),
            cwd=self.home,
            env={"HOME": str(self.home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def results(self, run: str) -> dict[str, object]:
        # Read as its owner wrote it, below a folder that root sees as well.
        return json.loads((self.home / run / "results.json").read_text())

    def test_runs_a_scenario_of_the_users_own(self) -> None:
        scenario = self.home / "echo"
        scenario.mkdir()
        (scenario / "scenario.yaml").write_text(
            "version: 1\nsummary: One echo\nworkload: {python: workload.py}\nruntimes: [threading, asyncio]\n"
        )
        (scenario / "workload.py").write_text(WORKLOAD)
        done = self.trireme("run", "echo", "--out", "run")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        cells = self.results("run")["cells"]
        self.assertEqual([cell["verdict"] for cell in cells], ["pass", "pass"], done.stdout)

    def test_runs_a_shipped_scenario_in_both_languages(self) -> None:
        runtimes = ["threading", "asyncio", "thread", "fiber", "coroutine"]  # Eventlet is setup's, not the system's
        options = ["--runtimes", ",".join(runtimes), "--reference", "threading", "--trials", "2", "--out", "run"]
        done = self.trireme("run", "planted/lost-update-safe", *options)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        verdicts = {cell["runtime"]: cell["verdict"] for cell in self.results("run")["cells"]}
        self.assertEqual(verdicts, dict.fromkeys(runtimes, "pass"))

    def test_names_no_place_of_the_checkout(self) -> None:
        for file in self.prefix.rglob("*"):
            if file.is_file() and file.suffix in (".py", ".cmake", ".yaml", ".txt", ".h"):
                self.assertNotIn(str(CHECKOUT), file.read_text(), file)


if __name__ == "__main__":
    unittest.main()
