from __future__ import annotations

import sys

import pytest

import agent as agents
import commands


@pytest.fixture
def zygote():
    """A runner that has loaded nothing yet."""
    with agents.agent(sys.executable) as made:
        yield made


@pytest.fixture
def command(tmp_path):
    """Runs an interpreter in an empty folder, as the runner of a command workload starts it."""
    return commands.Command(tmp_path)


@pytest.fixture
def workload(tmp_path):
    """Writes a workload: the body of an async main, or the whole text of a module."""

    def write(text, whole=False):
        lines = text if whole else "import trireme\nasync def main(rt, params):\n" + _indent(text)
        path = tmp_path / "workload.py"
        path.write_text(lines)
        return path

    return write


def _indent(text):
    return "".join(f"    {line}\n" for line in text.strip().splitlines())
