"""What `rt` records of a workload: operations, observations, outcomes, metrics."""

from __future__ import annotations

import base64
import math
from json import dumps, loads  # by name: a workload may put another in its place
from types import TracebackType
from typing import Any

from trireme_agent import errors, probe

_SCALARS = frozenset({int, str, float, bytes, bool, type(None)})
_invoke = probe.invoke
_record = probe.record


def to_json(value: Any) -> str:
    """A value as every reader of the history gets it back.

    At any depth: an integer beyond 64 bits is its digits as text, a float that JSON has no number for is the text NaN,
    Infinity or -Infinity, a lone surrogate is its escape (as the history prints such a value by itself),
    bytes are base64 text, an exception is its description, a set is sorted.
    """
    try:
        return dumps(_portable(value))
    except RecursionError:
        raise _no_end() from None


def record_json(kind: int, number: int, key: str, value: Any) -> None:
    """As to_json(), with marks where something in it only looks like text, as probe_abi.h has it: so that the text
    "AA==" is not equal to the bytes b"\\0".
    """
    try:
        made = _portable(value)
        marked = _needs_marks(made)
        text = dumps(_marked(made) if marked else made)
    except RecursionError:
        raise _no_end() from None
    if marked:
        probe.record_marked(kind, number, key, text)
    else:
        probe.record_json(kind, number, key, text)


def _no_end() -> ValueError:
    return ValueError("a value that contains itself, or is nested too deeply, is no JSON")


class _Marked(str):
    """What JSON has only text for, which is what it is; `marked`, as probe_abi.h has it."""

    __slots__ = ("marked",)
    marked: str

    def __new__(cls, mark: str, text: str, exact: str | None = None) -> _Marked:
        self = super().__new__(cls, text)
        self.marked = mark + (text if exact is None else exact)
        return self


def _needs_marks(made: Any) -> bool:
    if isinstance(made, (list, dict)):
        return any(map(_needs_marks, made)) or (isinstance(made, dict) and any(map(_needs_marks, made.values())))
    return isinstance(made, _Marked)


def _marked(made: Any) -> Any:
    if isinstance(made, str):
        return made.marked if isinstance(made, _Marked) else "t" + made
    if isinstance(made, list):
        return [_marked(element) for element in made]
    if isinstance(made, dict):
        return {_marked_name(name): _marked(member) for name, member in made.items()}
    return made


def _marked_name(name: str) -> str:
    return name.marked if isinstance(name, _Marked) else name


def _order(made: Any) -> tuple[str, str]:
    return dumps(made), dumps(_marked(made))


def _portable(value: Any) -> Any:
    if isinstance(value, str):
        return _portable_text(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if -(1 << 63) <= value < 1 << 64 else _Marked("i", _digits(int(value)))
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else _Marked("f", _NOT_FINITE.get(float(value), "NaN"))
    if isinstance(value, dict):
        return _portable_dict(value)
    if isinstance(value, (list, tuple)):
        return [_portable(element) for element in value]
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _Marked("b", base64.b64encode(bytes(value)).decode("ascii"))
    if isinstance(value, BaseException):
        return _portable(errors.describe(value))
    if isinstance(value, (set, frozenset)):
        # By what is recorded: the repr() of a set in a set has the order in which that was filled.
        return sorted((_portable(element) for element in value), key=_order)
    raise TypeError(f"a value of type {type(value).__name__} is no JSON")


def _portable_text(value: str) -> str:
    try:
        return value.encode().decode()
    except UnicodeEncodeError:
        exact = base64.b64encode(value.encode("utf-8", "surrogatepass")).decode("ascii")
        return _Marked("r", errors.text(value), exact)


def _portable_dict(value: dict[Any, Any]) -> dict[str, Any]:
    """Raises TypeError for two keys that are one in JSON, as 1 and "1" are: one of the two members would be lost."""
    made = {}
    for key, member in value.items():
        name = _portable_name(key)
        if name in made:
            raise TypeError(f"a dict with two keys that JSON has one name for, {str(name)!r}, is no JSON")
        made[name] = _portable(member)
    return made


def _portable_name(key: Any) -> str:
    if not isinstance(key, str):
        return _Marked("\0n", _key_text(key))
    name = _portable_text(key)
    if isinstance(name, _Marked):
        return _Marked("\0", name, name.marked)
    return _Marked("\0t", name) if name.startswith("\0") else name


def _key_text(key: Any) -> str:
    """As json has it: "1", "true", "null"."""
    (text,) = loads(dumps({key: None}))
    return str(text)


def _digits(value: int) -> str:
    try:
        return str(value)
    except ValueError:  # more than Python prints
        return hex(value)


_NOT_FINITE = {math.inf: "Infinity", -math.inf: "-Infinity"}


def record(kind: int, number: int, key: str, value: Any) -> None:
    if type(value) in _SCALARS:
        _record(kind, number, key, value)
    else:
        record_json(kind, number, key, value)


_inherited = 0  # the operations below this number were begun by a process that this one is a fork of


def inherit() -> None:
    """In a forked child: the operations that are open are its parent's to end."""
    global _inherited
    _inherited = probe.new_operation()


class Operation:
    """An operation of the workload: `with rt.op(name, value) as op:`, ended by ok() or fail(), else info."""

    __slots__ = ("_id", "_name", "_open")

    def __init__(self, name: str, value: Any = None) -> None:
        self._name = name
        self._open = True
        if type(value) in _SCALARS:
            self._id = _invoke(name, value)
        else:
            self._id = probe.new_operation()
            record_json(probe.INVOKE, self._id, name, value)

    def __enter__(self) -> Operation:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._open:
            return
        self._open = False
        if self._id < _inherited:
            return
        if error is None:
            _record(probe.INFO, self._id, self._name, None)
        else:
            probe.record_json(probe.INFO, self._id, self._name, errors.to_json(error))

    def ok(self, value: Any = None) -> None:
        """It happened, with this result."""
        self._end(4, value)

    def fail(self, error: Any = None) -> None:
        """It did not happen, for this reason: an exception, or any value."""
        self._end(5, errors.describe(error) if isinstance(error, BaseException) else error)

    def _end(self, kind: int, value: Any) -> None:
        if not self._open:
            raise RuntimeError(f"operation {self._name!r} has already ended")
        self._open = False
        if self._id < _inherited:
            return
        if type(value) in _SCALARS:
            _record(kind, self._id, self._name, value)
        else:
            record_json(kind, self._id, self._name, value)
