"""What workloads import: the small types of the workload API. Everything that acts is `rt`, main's first argument."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

__all__ = ["Cancelled", "Completed", "Headers", "Request", "Response", "TimeoutExpired", "Unsupported"]


class TimeoutExpired(Exception):
    """The block of an `rt.timeout` took longer than it may."""


class Cancelled(Exception):
    """The task that was joined had been cancelled."""


class Unsupported(Exception):
    """This runtime has no equivalent: the cell becomes `unsupported` with this reason."""


class Headers(Mapping[str, str]):
    """HTTP headers: looked up without regard to case, in the order they came."""

    def __init__(self, items: Mapping[str, str] | list[tuple[str, str]] | None = None) -> None:
        pairs = items.items() if isinstance(items, Mapping) else items or []
        self._items = {name.lower(): value for name, value in pairs}

    def __getitem__(self, name: str) -> str:
        return self._items[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        return f"Headers({self._items!r})"


@dataclass(frozen=True)
class Request:
    """What an HTTP handler is given."""

    method: str
    path: str
    headers: Headers
    body: bytes


@dataclass(frozen=True)
class Response:
    """What an HTTP handler returns, and what `rt.http_request` gives."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] | None = field(default=None)


@dataclass(frozen=True)
class Completed:
    """A program that `rt.subprocess` ran to its end; returncode is -n after death by signal n."""

    returncode: int
    stdout: bytes
    stderr: bytes
