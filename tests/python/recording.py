"""A reader of recording files in pure Python, independent of the one in C++: harness/probe/probe_abi.h."""

from __future__ import annotations

import base64
import json
import re
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ABI = Path(__file__).parents[2] / "harness/probe/probe_abi.h"
PAGE = 4096
CHUNK = 32 * 1024
HEADER = struct.Struct("<8sIIIIQQQQQQQII")
CHUNK_HEADER = struct.Struct("<IIQQQ")
RECORD = struct.Struct("<IHHQIIQII")
PLAN = struct.Struct("<IIQIIQIIIIQQ224x")  # what stands before the faults of tasks
TASK_FAULT = struct.Struct("<96sQQIIII")
PLAN_SIZE = 2048  # all that the header has room for: what else a plan may have is nothing here
CHUNK_MAGIC = 0x4B4E4843

_text = ABI.read_text()
PLAN_VERSION = int(_text.split("#define TRIREME_PLAN_VERSION ")[1].split()[0])
KINDS = {int(n): name.lower() for name, n in re.findall(r"TRIREME_(\w+) =\s+(\d+)", _text.split("enum trireme_type")[0])}


@dataclass
class Event:
    kind: str
    key: str
    value: Any
    id: int
    task: int
    thread: int
    time: int


@dataclass
class TaskFault:
    """A task that is stopped at a point of its own."""

    task: str  # glob
    point: int
    timeout: bool = False


def _plan(faults: list[TaskFault]) -> bytes:
    plan = PLAN.pack(PLAN_VERSION, 0, 0, 0, 0, 0, 0, 0, len(faults), 0, 0, 0)
    for number, fault in enumerate(faults, 1):
        plan += TASK_FAULT.pack(fault.task.encode(), fault.point, 0, int(fault.timeout), number, 0, 0)
    return plan.ljust(PLAN_SIZE, b"\0")


def create(path: Path, chunks: int = 64, faults: list[TaskFault] | None = None) -> None:
    plan = _plan(faults) if faults else b""
    header = HEADER.pack(
        b"TRIREMEH", 1, CHUNK, 0, 1, time.monotonic_ns(), 0, chunks, 1 << 16, 0, 1, 1, 0, len(plan)
    )
    with open(path, "wb") as file:
        file.write(header + plan)
        file.truncate(PAGE + chunks * CHUNK)


class Marked(str):
    """What is recorded as no text of the workload's own: its mark, and how it is printed."""

    __slots__ = ()


class Escaped(str):
    """A text that was recorded with lone surrogates, as it is printed."""

    __slots__ = ()


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return Escaped(raw.decode("utf-8", "surrogatepass").encode("utf-8", "backslashreplace").decode())


def _unmarked(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("r"):
        return _text(base64.b64decode(value[1:]))
    if isinstance(value, str):
        return value[1:] if value.startswith("t") else Marked(value)
    if isinstance(value, list):
        return [_unmarked(element) for element in value]
    if isinstance(value, dict):
        return {_unmarked_name(name): _unmarked(member) for name, member in value.items()}
    return value


def _unmarked_name(name: str) -> str:
    return _unmarked(name[1:]) if name.startswith("\0") else name


def _value(kind: int, raw: bytes) -> Any:
    match kind:
        case 0:
            return None
        case 1:
            return struct.unpack("<q", raw)[0]
        case 2:
            return struct.unpack("<d", raw)[0]
        case 3:
            return _text(raw)
        case 4:
            return json.loads(raw)
        case 5:
            return bool(struct.unpack("<q", raw)[0])
        case 6:
            return base64.b64encode(raw).decode()
        case 7:
            return Marked("i" + raw.decode())
        case 8:
            return _unmarked(json.loads(raw))
    raise ValueError(f"type {kind}")


def read(path: Path) -> list[Event]:
    """All events, by time; those of one thread keep their order."""
    data = path.read_bytes()
    size, next_chunk, lost = (HEADER.unpack_from(data)[n] for n in (2, 6, 9))
    assert lost == 0, f"{lost} events were lost"
    events = []
    index = 0
    while index < next_chunk:
        at = PAGE + index * size
        magic, _, capacity, used, _ = CHUNK_HEADER.unpack_from(data, at)
        if magic != CHUNK_MAGIC:
            index += 1
            continue
        events += _records(data, at + CHUNK_HEADER.size, used)
        index += capacity // size
    return sorted(events, key=lambda event: event.time)


def _records(data: bytes, at: int, used: int) -> list[Event]:
    events = []
    end = at + used
    while at < end:
        size, kind, type_, when, task, thread, number, key_size, value_size = RECORD.unpack_from(data, at)
        key = at + RECORD.size
        raw = data[key + key_size : key + key_size + value_size]
        text = data[key : key + key_size].decode()
        events.append(Event(KINDS[kind], text, _value(type_, raw), number, task, thread, when))
        at += size
    return events
