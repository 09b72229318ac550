"""The runner's end of the protocol socket: PROTOCOL.md.

Built on _socket and posix, which no runtime patches: the zygote must go on when its process is patched.
"""

from __future__ import annotations

import _socket
import array
from json import dumps, loads  # by name: a workload may put others in their place
from typing import Any

VERSION = 1
_MAX_PACKET = 128 * 1024
_MAX_DESCRIPTORS = 8


class ProtocolError(Exception):
    """The engine sent what is no protocol."""


class Channel:
    def __init__(self, fd: int) -> None:
        self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, fd)

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def send(self, message: dict[str, Any], descriptors: list[int] | None = None) -> None:
        rights = array.array("i", descriptors or [])
        ancillary = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)] if rights else []
        self._socket.sendmsg([dumps(message).encode()], ancillary)

    def receive(self) -> tuple[dict[str, Any], list[int]] | None:
        """The next message and its descriptors; None when the engine closed its end."""
        room = _socket.CMSG_SPACE(_MAX_DESCRIPTORS * 4)
        data, ancillary, flags, _ = self._socket.recvmsg(_MAX_PACKET, room, _socket.MSG_CMSG_CLOEXEC)
        if not data:
            return None
        rights = array.array("i")
        for level, kind, content in ancillary:
            if level == _socket.SOL_SOCKET and kind == _socket.SCM_RIGHTS:
                rights.frombytes(content[: len(content) - len(content) % rights.itemsize])
        return _parse(data, flags), list(rights)


def _parse(data: bytes, flags: int) -> dict[str, Any]:
    if flags & (_socket.MSG_TRUNC | _socket.MSG_CTRUNC):
        raise ProtocolError("a packet was cut short")
    try:
        message = loads(data)
    except ValueError as error:
        raise ProtocolError(f"a packet is no JSON: {error}") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise ProtocolError("a packet is no object with a type")
    return message
