"""Runs the real binary in a temporary folder and compares everything that it says.

A test that fails keeps its folder and prints its path with the command that was run last.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import textwrap
import unittest
from dataclasses import dataclass
from pathlib import Path

BINARY = os.environ["TRIREME"]
# The interpreter that runs the tests hosts the workloads too: every machine that builds Trireme has it.
PYTHON = ["--python", f"here={sys.executable}"]
TIMEOUT = 100


@dataclass
class Outcome:
    code: int
    out: str
    err: str


def normalised(text: str) -> str:
    """Without what differs from run to run: the run's id, its seed, the ids of cells, and durations."""
    text = re.sub(r"trireme-runs/\d{8}T\d{6}Z-[0-9a-f]{6}", "trireme-runs/RUN", text)
    text = re.sub(r"--python here=\S+", "--python here=PYTHON", text)
    return text.replace(sys.executable, "PYTHON")


class TriremeCase(unittest.TestCase):
    maxDiff = None

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="trireme-e2e-")).resolve()
        self.last_command = ""
        self.addCleanup(self._remove_or_keep)

    def _remove_or_keep(self) -> None:
        result = getattr(self._outcome, "result", None)
        problems = [*result.failures, *result.errors] if result else []
        if any(case is self for case, _ in problems):
            print(f"\nkept: {self.folder}\nran:  cd {self.folder} && {self.last_command}", file=sys.stderr)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, path: str, text: str) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
        return file

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith("TRIREME") and name not in ("VIRTUAL_ENV", "NO_COLOR")}
        return kept | {"LC_ALL": "C.UTF-8", "TERM": "dumb"}

    def start(self, *arguments: str, **options: object) -> subprocess.Popen[str]:
        command = [BINARY, *arguments]
        self.last_command = shlex.join(command)
        settings: dict[str, object] = {"cwd": self.folder, "env": self.environment(), "stdin": subprocess.DEVNULL,
                                       "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, **(settings | options))  # type: ignore[call-overload, no-any-return]

    def trireme(self, *arguments: str, timeout: float = TIMEOUT, **options: object) -> Outcome:
        process = self.start(*arguments, **options)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        return Outcome(process.returncode, out, err)

    def expect(self, *arguments: str, code: int = 0, out: str | None = "", err: str | None = "") -> Outcome:
        """Runs `trireme ARGUMENTS` and compares exit code, standard output and standard error whole; None: not compared."""
        outcome = self.trireme(*arguments)
        if err is not None:
            self.assertEqual(normalised(outcome.err), textwrap.dedent(err))
        if out is not None:
            self.assertEqual(normalised(outcome.out), textwrap.dedent(out))
        self.assertEqual(outcome.code, code, outcome.err)
        return outcome

    def run_directory(self) -> Path:
        runs = list((self.folder / "trireme-runs").iterdir())
        self.assertEqual(len(runs), 1)
        return runs[0]
