"""The pair of sockets by which the threads of eventlet.tpool wake the hub, made before the pool is set up.

tpool connects them in the task that offloads first. There the connection would count as one of that task's, so that those after
it had other numbers than on any other runtime, and a fault meant for the workload could hit it instead.
"""

from __future__ import annotations

from typing import Any

import eventlet.patcher
import eventlet.tpool

_socket = eventlet.patcher.original("socket")


# A socket of tpool.setup() that is connected already. Made by type(), since the module that it comes from has no types.
_Connected: Any = type("_Connected", (_socket.socket,), {"connect": lambda self, address: None})


class _Listener:
    """The listener of tpool.setup(), whose one connection is there already."""

    def __init__(self, accepted: Any) -> None:
        self._accepted = accepted

    def bind(self, address: Any) -> None: ...
    def listen(self, backlog: int) -> None: ...
    def getsockname(self) -> Any:
        return self._accepted.getsockname()

    def accept(self) -> tuple[Any, Any]:
        return self._accepted, self._accepted.getpeername()

    def close(self) -> None: ...


class TpoolPair:
    """Takes the place of tpool.setup(), which finds the pair connected."""

    def __init__(self) -> None:
        with _socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(1)
            client = _socket.create_connection(listener.getsockname())
            accepted = listener.accept()[0]
        self._unused: list[Any] = [_Listener(accepted), _Connected(fileno=client.detach())]
        self._descriptors = {accepted.fileno(), self._unused[1].fileno()}
        self._set_up = eventlet.tpool.setup
        eventlet.tpool.setup = self._set_up_with_it

    def descriptors(self) -> set[int]:
        """Until they are tpool's."""
        return self._descriptors if self._unused else set()

    def _set_up_with_it(self) -> None:
        if eventlet.tpool._setup_already or not self._unused:
            self._set_up()
            return
        module = eventlet.tpool.socket
        eventlet.tpool.socket = _Socket(module, self._unused)
        try:
            self._set_up()
        finally:
            eventlet.tpool.socket = module


class _Socket:
    """The module, whose sockets are those that are given."""

    def __init__(self, module: Any, sockets: list[Any]) -> None:
        self._module = module
        self._sockets = sockets

    def socket(self, *_: Any) -> Any:
        return self._sockets.pop(0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)
