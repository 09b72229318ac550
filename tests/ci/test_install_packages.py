from __future__ import annotations

import subprocess
import tempfile
import unittest
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "ci/install-packages"
COREUTILS = ("sh", "dirname", "sed", "cat", "mktemp", "rm", "tee", "chmod")


class InstallPackagesTest(unittest.TestCase):
    """The script among programs of our own: which packages are installed, who we are, what apt-get does."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.bin = Path(folder.name)
        self.log = self.bin / "log"
        for name in COREUTILS:
            (self.bin / name).symlink_to(subprocess.check_output(["which", name], text=True).strip())
        self.program("id", "echo 0")
        self.program("apt-get", f'echo "$*" >> {self.log}')
        for name in ("xmllint", "nginx", "redis-server", "fiu-ctrl"):
            self.program(name, "")
        self.installed("everything")

    def program(self, name: str, script: str) -> None:
        file = self.bin / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def installed(self, *names: str) -> None:
        """Only these packages are installed; "everything" for all."""
        pattern = "*" if names == ("everything",) else "|".join(names)
        self.program("dpkg-query", f'case $4 in {pattern}) printf installed;; *) exit 1;; esac')

    def run_script(self, *groups: str) -> tuple[int, str, str]:
        environment = {"PATH": str(self.bin), "POLICY_RC_D": str(self.bin / "policy")}
        done = subprocess.run([str(SCRIPT), *groups], env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def test_is_silent_when_nothing_is_missing(self) -> None:
        self.assertEqual(self.run_script("build", "test"), (0, "", ""))
        self.assertFalse(self.log.exists())

    def test_installs_what_is_missing_and_no_more(self) -> None:
        self.installed("libclang-rt-14-dev", "llvm")
        self.assertEqual(self.run_script("test"), (0, "installing: clang\n", ""))
        self.assertEqual(self.log.read_text().splitlines()[-1].split()[-3:], ["-y", "--no-install-recommends", "clang"])

    def test_no_server_is_started_that_is_installed(self) -> None:
        self.installed("libclang-rt-14-dev", "llvm")
        self.program("apt-get", f'{self.bin}/policy >> {self.log}; echo "policy says $?" >> {self.log}')
        self.assertEqual(self.run_script("test")[0], 0)
        self.assertEqual(self.log.read_text().splitlines()[-1], "policy says 101")
        self.assertFalse((self.bin / "policy").exists())

    def test_needs_no_package_whose_program_is_there(self) -> None:
        self.installed("libclang-rt-14-dev", "llvm")
        self.program("clang++", "")
        self.assertEqual(self.run_script("test"), (0, "", ""))

    def test_uses_sudo_when_it_is_not_root(self) -> None:
        self.installed("libclang-rt-14-dev", "llvm")
        self.program("id", "echo 1000")
        self.program("sudo", f'echo sudo >> {self.log}; exec "$@"')
        self.assertEqual(self.run_script("test")[0], 0)
        self.assertEqual(self.log.read_text().splitlines()[0], "sudo")

    def test_says_what_is_missing_without_root_and_sudo(self) -> None:
        self.installed("llvm")
        self.program("id", "echo 1000")
        self.assertEqual(
            self.run_script("test"),
            (
                3,
                "",
                "ci/install-packages: error: not root, and no sudo\n"
                "  missing: clang libclang-rt-14-dev\n"
                "hint: as root: apt-get install --no-install-recommends clang libclang-rt-14-dev\n",
            ),
        )

    def test_says_what_is_missing_without_a_network(self) -> None:
        self.installed("libclang-rt-14-dev", "llvm")
        self.program("apt-get", "echo 'Temporary failure resolving'; exit 100")
        code, _, errors = self.run_script("test")
        self.assertEqual(code, 3)
        self.assertIn("error: cannot read the package index\n  missing: clang\n", errors)
