from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import agent as agents

WORKLOAD = Path(__file__).parent / "workload.py"


@pytest.fixture(scope="session")
def runtime():
    return os.environ.get("TRIREME_RUNTIME", "threading")


@pytest.fixture(scope="session")
def python():
    return os.environ.get("TRIREME_PYTHON", sys.executable)


@pytest.fixture(scope="session")
def zygote(runtime, python):
    with agents.agent(python) as made:
        answer = made.load(runtime, WORKLOAD)
        assert answer["type"] == "ready", answer
        yield made


@pytest.fixture(scope="session")
def waits_zygote(runtime, python):
    """One that runs the cases of what_tasks_wait_for.py."""
    with agents.agent(python) as made:
        answer = made.load(runtime, WORKLOAD.with_name("what_tasks_wait_for.py"))
        assert answer["type"] == "ready", answer
        yield made
