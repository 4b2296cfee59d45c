"""Cut Axis's byte stream into frames, and join those that came in two datagrams."""

from __future__ import annotations

from typing import Final

from ..engine.errors import PacketError
from .axis_frames import HEADER_BYTES, MAX_BYTES, START, TEXT_END, binary_size

_DIGITS: Final = b"0123456789"  # a frame of text begins with the avatar's number


class AxisFramer:
    """Give whole frames, text and binary; what begins none is passed over and counted.

    datagrams: bytes come in datagrams, of which each begins a frame or goes on with the one before: one that begins
    like a frame ends what was never finished. At most MAX_BYTES are held.
    """

    def __init__(self, *, datagrams: bool = False) -> None:
        self._datagrams = datagrams
        self.skipped = 0
        self.reset()

    def reset(self) -> None:
        """Forget a frame that has only begun."""
        self._held = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the frames that these bytes complete."""
        if self._datagrams and self._held and data.startswith(START):
            self._skip(len(self._held))
        self._held += data
        packets: list[bytes] = []
        while (size := self._size()) is not None:
            packets.append(self._held[:size])
            self._held = self._held[size:].lstrip(b" \r\n\t")
        return packets

    def _size(self) -> int | None:
        """Return the bytes of the frame at the front, None while it is not whole; pass over what begins none."""
        while self._held:
            if self._held.startswith(START):
                if len(self._held) < HEADER_BYTES:
                    return None
                try:
                    size = binary_size(self._held[:HEADER_BYTES])
                except PacketError:
                    self._skip(len(START))
                    continue
                return size if size <= len(self._held) else None
            text, binary = self._held.find(TEXT_END), self._held.find(START)
            before = text >= 0 and (binary < 0 or text < binary)
            if before and self._held[0] in _DIGITS:
                return text + len(TEXT_END)
            if before or binary > 0:  # the rest of a frame whose beginning nobody heard
                self._skip(text + len(TEXT_END) if before else binary)
                continue
            if len(self._held) > MAX_BYTES or self._held[0] not in _DIGITS + START:
                self._skip(len(self._held))
            return None
        return None

    def _skip(self, count: int) -> None:
        self.skipped += count
        self._held = self._held[count:]
