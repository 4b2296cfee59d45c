"""Connections as the WebSocket bridge wants them: small buffers, known from the first moment, quiet in the log."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import Callable
from typing import Final

from websockets.asyncio.server import ServerConnection
from websockets.frames import Frame, Opcode
from websockets.protocol import State

SEND_BUFFER_BYTES: Final = 32 * 1024  # of the kernel, for each client: what waits there grows old
UNSENT_BYTES: Final = 16 * 1024


class SmallConnection(ServerConnection):
    """Know whether the kernel has taken all that was written, and write frames that are made already."""

    is_full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket's buffers small."""
        super().connection_made(transport)
        keep_little(transport.get_extra_info("socket"))

    def pause_writing(self) -> None:
        """Note that bytes wait: with a write limit of 0 asyncio calls this as soon as one does."""
        super().pause_writing()
        self.is_full = True

    def resume_writing(self) -> None:
        """Note that none waits."""
        super().resume_writing()
        self.is_full = False

    def write(self, frame: bytes) -> None:
        """Write a whole frame; nothing where the connection is closing.

        Without compression and fragments a server's frames are the same for all clients: making them once instead of
        once for each (as the library's broadcast() does) saves a third of the time.
        """
        if self.state is State.OPEN:
            self.transport.write(frame)


def connection_type(known: set[SmallConnection], limit: int) -> type[ServerConnection]:
    """Return a connection that is in `known` as long as it lives, and that ends at once where there are too many."""

    class KnownConnection(SmallConnection):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            known.add(self)
            if len(known) > limit:
                self.transport.abort()

        def connection_lost(self, exc: Exception | None) -> None:
            known.discard(self)
            super().connection_lost(exc)

    return KnownConnection


def to_frame(payload: bytes, form: str) -> bytes:
    """Return a message as a server's frame: text for JSON, binary for MessagePack."""
    return Frame(Opcode.TEXT if form == "json" else Opcode.BINARY, payload).serialize(mask=False)


def keep_little(sock: socket.socket) -> None:
    """Let the kernel keep little for a client, and nothing back: what waits there is older than what comes."""
    # asyncio does this only where the socket says that it is TCP, and one accepted from ours does not.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    if sys.platform == "linux":
        sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, "TCP_NOTSENT_LOWAT", 25), UNSENT_BYTES)


def counting_logger(count: Callable[[], None]) -> logging.Logger:
    """Return a logger that counts what the library calls errors, failed handshakes above all, and prints nothing."""
    logger = logging.Logger("emotus.websocket", logging.ERROR)
    logger.addHandler(_Tally(count))
    return logger


class _Tally(logging.Handler):
    def __init__(self, count: Callable[[], None]) -> None:
        super().__init__()
        self._count = count

    def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002 - that there is one is all we need
        self._count()
