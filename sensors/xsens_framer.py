"""Cut the byte stream of MVN's TCP variant into datagrams: they stand back to back, with nothing between them."""

from __future__ import annotations

from typing import Final

from .xsens_layout import HEADER, ITEMS, LAST, MAGIC, MOST_ITEMS, MOST_PARTS

_MOST: Final = 65_536 + HEADER.size  # bytes held: the longest datagram that a header can announce
_SIZE_AT: Final = 22
_ITEMS_AT: Final = 11


class XsensFramer:
    """Find MXTP headers and cut where each says; what begins no packet is passed over and counted.

    A header that announces no size (older MVN) is measured by its items, where its type has any. At most the longest
    datagram there is is held.
    """

    def __init__(self) -> None:
        self.skipped = 0
        self._held = bytearray()

    def reset(self) -> None:
        """Forget a packet that has only begun."""
        self._held.clear()

    def feed(self, data: bytes) -> list[bytes]:
        """Return the datagrams that these bytes complete."""
        held = self._held
        held += data
        packets: list[bytes] = []
        at = 0
        while True:
            found = held.find(MAGIC, at)
            if found < 0:
                found = max(at, len(held) - len(MAGIC) + 1)  # its first letters may be there
                self._skip(at, found)
                at = found
                break
            self._skip(at, found)
            at = found
            if len(held) - at < HEADER.size:
                break
            size = self._size(at)
            if size is None:
                self._skip(at, at + 1)
                at += 1
                continue
            if len(held) - at < size:
                break
            packets.append(bytes(held[at : at + size]))
            at += size
        del held[:at]
        return packets

    def _skip(self, start: int, end: int) -> None:
        self.skipped += end - start

    def _size(self, at: int) -> int | None:
        """Return the length of the datagram at a header, None for a header that is none."""
        held = self._held
        digits, part, items = held[at + 4 : at + 6], held[at + 10], held[at + _ITEMS_AT]
        if not digits.isdigit() or part & ~LAST >= MOST_PARTS or items > MOST_ITEMS:
            return None
        size = int.from_bytes(held[at + _SIZE_AT : at + HEADER.size], "big")
        if size == 0:
            layouts = ITEMS.get(int(digits), ())
            size = items * layouts[-1].itemsize if layouts else 0
        return HEADER.size + size if HEADER.size + size <= _MOST else None
