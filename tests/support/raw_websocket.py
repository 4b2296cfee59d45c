"""A WebSocket client made of bytes: it can break every rule, which a well-kept library would not let it."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import struct
from typing import Any

MASK = b"\1\2\3\4"


class RawClient:
    """Speak to a WebSocket server byte by byte."""

    def __init__(self, port: int, *, receive_buffer: int | None = None, timeout: float = 5.0) -> None:
        self.socket = socket.socket()
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect(("127.0.0.1", port))
        self.port = port
        self.rest = b""

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def ask(self, path: str = "/", **headers: str) -> int:
        """Ask to become a WebSocket; return the HTTP status."""
        fields = {
            "Host": f"127.0.0.1:{self.port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            "Sec-WebSocket-Version": "13",
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items() if value), "", ""]
        self.socket.sendall("\r\n".join(lines).encode())
        while b"\r\n\r\n" not in self.rest:
            self.rest += self._more(1)
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        return int(head.split()[1])

    def subscribe(self, **asked: Any) -> None:
        """Shake hands, hear hello, subscribe and hear that it was understood."""
        assert self.ask() == 101
        assert self.hear()["type"] == "hello"
        self.send(json.dumps({"type": "subscribe", **asked}).encode())
        assert self.hear()["type"] == "subscribed"

    def send(self, payload: bytes, opcode: int = 1) -> None:
        """Send one proper frame."""
        self.socket.sendall(frame(payload, opcode))

    def hear(self) -> dict[str, Any]:
        """Return the next message, which must be JSON."""
        opcode, payload = self.frame()
        assert opcode == 1, (opcode, payload)
        return json.loads(payload)

    def frame(self) -> tuple[int, bytes]:
        """Return opcode and payload of the next frame; pings are answered on the way."""
        while True:
            head = self._take(2)
            size = head[1] & 0x7F
            if size == 126:
                (size,) = struct.unpack(">H", self._take(2))
            elif size == 127:
                (size,) = struct.unpack(">Q", self._take(8))
            payload = self._take(size)
            if head[0] & 15 != 9:
                return head[0] & 15, payload
            with contextlib.suppress(ConnectionError):
                self.send(payload, 10)

    def closed_with(self) -> int:
        """Read until the server closes; return the code it gave, 1006 where it gave none."""
        try:
            while True:
                opcode, payload = self.frame()
                if opcode == 8:
                    return struct.unpack(">H", payload[:2])[0]
        except ConnectionError:
            return 1006

    def _take(self, size: int) -> bytes:
        while len(self.rest) < size:
            self.rest += self._more(size - len(self.rest))
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken

    def _more(self, size: int) -> bytes:
        data = self.socket.recv(size)  # no more than is needed now: what is not read yet stays with the kernel
        if not data:
            raise ConnectionResetError("the server hung up")
        return data


def frame(payload: bytes, opcode: int = 1, *, final: bool = True, masked: bool = True, reserved: int = 0) -> bytes:
    """Return a frame, proper unless asked to be otherwise."""
    size = len(payload)
    mask_bit = 0x80 if masked else 0
    if size < 126:
        length = struct.pack(">B", mask_bit | size)
    elif size < 65536:
        length = struct.pack(">BH", mask_bit | 126, size)
    else:
        length = struct.pack(">BQ", mask_bit | 127, size)
    head = bytes([(0x80 if final else 0) | reserved << 4 | opcode]) + length
    return head + (MASK + bytes(b ^ MASK[i % 4] for i, b in enumerate(payload)) if masked else payload)
