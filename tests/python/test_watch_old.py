"""What is watched may be an older Python than any that runs a workload: 3.8 is the oldest whose tasks are told apart."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent import AGENT, PROBE

COMMAND = AGENT / "command"
# Classes of this module take arguments from 3.9 on.
AS_IN_3_8 = """
import collections.abc
for name in collections.abc.__all__:
    if "__class_getitem__" in vars(getattr(collections.abc, name)):
        del getattr(collections.abc, name).__class_getitem__
import trireme_watch
"""


def versions(*prefixes):
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    return [python for prefix in prefixes for python in sorted(root.glob(f"{prefix}.*/bin/python"))]


def run(python, program, **environment):
    return subprocess.run([python, "-B", "-c", program], env={**os.environ, "PYTHONPATH": str(COMMAND), **environment},
                          capture_output=True, text=True)


def test_nothing_of_it_is_newer_than_3_8():
    run_as = run(sys.executable, AS_IN_3_8)
    assert (run_as.returncode, run_as.stderr) == (0, "")


def test_a_probe_of_an_older_version_is_refused():
    load = "import trireme_builtins\ntrireme_builtins._COUNT {}\nprint(trireme_builtins.load() is None)"
    as_now = run(sys.executable, load.format("+= 0"), LD_PRELOAD=PROBE)
    assert (as_now.stdout, as_now.stderr) == ("False\n", "")
    older = run(sys.executable, load.format("+= 1"), LD_PRELOAD=PROBE)
    assert older.stdout == "True\n" and " functions for Python, and its adapter needs " in older.stderr


@pytest.mark.parametrize("python", versions("3.8", "3.9"), ids=str)
def test_an_old_interpreter_loads_it(python):
    loaded = run(python, "import trireme_watch")
    assert (loaded.returncode, loaded.stderr) == (0, "")


@pytest.mark.parametrize("python", versions("2.7", "3.6", "3.7"), ids=str)
def test_a_still_older_one_is_left_as_it_is(python, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("print('its own')")
    program = "import sys; print('trireme_watch' in sys.modules)"
    left = run(python, program, PYTHONPATH=f"{COMMAND}{os.pathsep}{tmp_path}", TRIREME_WATCH="1")
    assert (left.returncode, left.stdout) == (0, "its own\nFalse\n")
    version = ".".join(python.parent.parent.name.split(".")[:2])
    told = f"trireme: of Python {version} only the threads are told apart, not the tasks: that needs 3.8\n"
    assert left.stderr == told
    (tmp_path / "sitecustomize.py").unlink()
    assert run(python, "", TRIREME_WATCH="1").stderr == told
