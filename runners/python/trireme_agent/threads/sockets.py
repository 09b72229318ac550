"""Sockets of native threads: each call is tried without waiting, then waits on poll() where it can be ended."""

from __future__ import annotations

import http.client
import os
import select
import socket
from typing import Any

from trireme_agent import network
from trireme_agent.backend import Address
from trireme_agent.threads.waiting import WaitingBackend


class TaskSocket(socket.socket):
    """A socket.socket whose calls raise when the task that makes them is cancelled or a deadline comes."""

    def __init__(self, backend: WaitingBackend, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._backend = backend

    @classmethod
    def adopt(cls, backend: WaitingBackend, sock: socket.socket) -> TaskSocket:
        return cls(backend, sock.family, sock.type, sock.proto, fileno=sock.detach())

    def dup(self) -> TaskSocket:
        return TaskSocket(self._backend, self.family, self.type, self.proto, fileno=os.dup(self.fileno()))

    def recv(self, size: int, flags: int = 0) -> bytes:
        while True:
            try:
                return super().recv(size, flags | socket.MSG_DONTWAIT)
            except BlockingIOError:
                self._backend.wait_fd(self.fileno(), select.POLLIN)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        while True:
            try:
                return super().recv_into(buffer, nbytes, flags | socket.MSG_DONTWAIT)
            except BlockingIOError:
                self._backend.wait_fd(self.fileno(), select.POLLIN)

    def sendall(self, data: Any, flags: int = 0) -> None:
        left = memoryview(data).cast("B")
        while left:
            try:
                left = left[super().send(left, flags | socket.MSG_DONTWAIT) :]
            except BlockingIOError:
                self._backend.wait_fd(self.fileno(), select.POLLOUT)

    def recvfrom(self, size: int, flags: int = 0) -> tuple[bytes, Any]:
        while True:
            try:
                return super().recvfrom(size, flags | socket.MSG_DONTWAIT)
            except BlockingIOError:
                self._backend.wait_fd(self.fileno(), select.POLLIN)

    def send_to(self, data: bytes, address: Address) -> None:
        while True:
            try:
                super().sendto(data, socket.MSG_DONTWAIT, address)
                return
            except BlockingIOError:
                self._backend.wait_fd(self.fileno(), select.POLLOUT)

    def accept_task(self) -> TaskSocket:
        """REQUIRES: the socket does not block."""
        while True:
            try:
                sock, _ = super().accept()
                break
            except BlockingIOError:
                self._backend.wait_fd(self.fileno(), select.POLLIN)
        sock.setblocking(True)
        return network.no_delay(TaskSocket.adopt(self._backend, sock))

    def connect_task(self, address: Address) -> None:
        self.setblocking(False)
        try:
            super().connect(address)
        except BlockingIOError:
            self._backend.wait_fd(self.fileno(), select.POLLOUT)
            error = self.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                raise OSError(error, os.strerror(error)) from None
        self.setblocking(True)
        network.no_delay(self)


def connect(backend: WaitingBackend, address: Address) -> TaskSocket:
    sock = TaskSocket(backend, network.family(address))
    try:
        sock.connect_task(address)
    except BaseException:
        sock.close()
        raise
    return sock


def listen(backend: WaitingBackend, address: Address) -> TaskSocket:
    sock = network.listening(TaskSocket(backend, network.family(address)), address)
    sock.setblocking(False)
    return sock


def datagram(backend: WaitingBackend, address: Address) -> TaskSocket:
    return network.bound(TaskSocket(backend, network.family(address), socket.SOCK_DGRAM), address)


class HttpConnection(http.client.HTTPConnection):
    """http.client over a socket whose waits can be ended."""

    def __init__(self, backend: WaitingBackend, host: str, port: int) -> None:
        super().__init__(host, port)
        self._backend = backend

    def connect(self) -> None:
        self.sock = connect(self._backend, (self.host, self.port))
