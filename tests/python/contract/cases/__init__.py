"""The cases, a module for each part of the contract."""

from . import (
    beside,
    cancellation,
    coordination,
    datagrams,
    ends,
    http_traffic,
    pools,
    recording,
    streams,
    task_faults,
    tasks,
    timeouts,
)
from .support import CASES

__all__ = [
    "CASES",
    "beside",
    "cancellation",
    "coordination",
    "datagrams",
    "ends",
    "http_traffic",
    "pools",
    "recording",
    "streams",
    "task_faults",
    "tasks",
    "timeouts",
]
