"""From bytes to syntax trees, for files that may be anything."""

from __future__ import annotations

import ast
import io
import os
import re
import stat
import tokenize
from typing import NamedTuple

from trireme_agent.hacks.finding import Finding

# A tree takes a hundred times the memory of its source; what people write is below a megabyte.
MAX_BYTES = 4 << 20

_HUB = re.compile(rb"eventlet|EVENTLET_HUB")
_PIPE = re.compile(rb"\bpipe2?\b|eventfd")
_SPAWN = re.compile(rb"spawn|Thread|submit|create_task|ensure_future|run_in_executor")
_SOCKET = re.compile(rb"recv|read|accept|send|write")


class Unscanned(NamedTuple):
    line: int
    column: int
    reason: str


class Unreadable(Exception):
    def __init__(self, reason: str, line: int = 1, column: int = 1) -> None:
        super().__init__(reason)
        self.why = Unscanned(line, column, reason)


def read(path: str) -> bytes:
    try:
        # Without waiting: the path may have become a pipe since it was found.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Unreadable("it is no regular file")
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise Unreadable(f"it cannot be read: {error.strerror}") from error
    if len(text) > MAX_BYTES:
        raise Unreadable(f"it has more than {MAX_BYTES >> 20} MiB")
    if b"\0" in text:
        line = text.count(b"\n", 0, text.index(b"\0")) + 1
        raise Unreadable("it holds a NUL byte, which no Python source does", line)
    return text


def parse(text: bytes, path: str) -> ast.Module:
    try:
        return ast.parse(text, path)
    except SyntaxError as error:
        reason = " ".join(f"{type(error).__name__}: {error.msg}".split())
        raise Unreadable(reason, max(error.lineno or 1, 1), max(error.offset or 1, 1)) from error
    except ValueError as error:
        raise Unreadable(f"{type(error).__name__}: {error}") from error


def may_use_hub(text: bytes) -> bool:
    """False only where no hub is named, but by names that other files of the project hand on."""
    return bool(_HUB.search(text))


def may_hold_something(text: bytes) -> bool:
    """False only where no finding is possible, but for names that other files of the project hand on."""
    if may_use_hub(text) or _PIPE.search(text):
        return True
    return bool(_SPAWN.search(text) and _SOCKET.search(text))


def in_characters(findings: list[Finding], text: bytes) -> list[Finding]:
    """The parser counts columns from 0 and in bytes of UTF-8, whatever the file is written in."""
    if not findings:
        return []
    encoding, _ = tokenize.detect_encoding(io.BytesIO(text).readline)
    lines = io.TextIOWrapper(io.BytesIO(text), encoding, "replace").read().split("\n")

    def column(line: int, offset: int) -> int:
        before = lines[line - 1].encode("utf-8", "replace")[:offset] if line <= len(lines) else b" " * offset
        return len(before.decode("utf-8", "replace")) + 1

    return [
        each._replace(column=column(each.line, each.column), end_column=column(each.end_line, each.end_column))
        for each in findings
    ]
