"""What lamps hear: Art-Net 4 and sACN (ANSI E1.31-2018), one universe of 512 channels a datagram."""

from __future__ import annotations

import struct
import uuid
from typing import Any, Final, Protocol

from ..engine.errors import MissingPackageError

CHANNELS: Final = 512
ARTNET_PORT: Final = 6454
SACN_PORT: Final = 5568
SOURCE: Final = "emotus"
_ART_DMX: Final = struct.Struct("<8sH")  # the operation code alone stands low byte first
_ART_VERSION: Final = 14


class LampWire(Protocol):
    """Make datagrams of a universe."""

    def packet(self, channels: bytes, *, over: bool = False) -> bytes:
        """Return the next datagram with up to 512 channels; over: the last one of the show."""
        ...


class ArtnetWire:
    """Make ArtDmx packets. universe: 0..32767, net, sub-net and universe in one number as consoles count them."""

    def __init__(self, universe: int) -> None:
        self._universe = universe
        self._seq = 0

    def packet(self, channels: bytes, *, over: bool = False) -> bytes:  # noqa: ARG002 - Art-Net has no word for it
        """Return the next ArtDmx packet: an even number of channels, counted from 1 to 255."""
        self._seq = self._seq % 255 + 1
        data = channels + b"\0" * (len(channels) % 2)
        head = _ART_DMX.pack(b"Art-Net\0", 0x5000) + struct.pack(">HBB", _ART_VERSION, self._seq, 0)
        return head + struct.pack("<H", self._universe) + struct.pack(">H", len(data)) + data


class SacnWire:
    """Make E1.31 data packets by the package sacn. universe: 1..63999. priority: 0..200, 100 is usual.

    Raises MissingPackageError without it.
    """

    def __init__(self, universe: int, priority: int = 100) -> None:
        try:
            from sacn.messages.data_packet import DataPacket
        except ImportError as error:
            raise MissingPackageError("sacn", "lights") from error
        cid = tuple(uuid.uuid4().bytes)  # of this show: two sources with one identity would fight
        self._packet: Any = DataPacket(cid, SOURCE, universe, priority=priority)

    def packet(self, channels: bytes, *, over: bool = False) -> bytes:
        """Return the next data packet."""
        self._packet.sequence_increase()
        self._packet.dmxData = tuple(channels)
        self._packet.option_StreamTerminated = over
        return bytes(self._packet.getBytes())


def multicast_address(universe: int) -> str:
    """Return where receivers of an sACN universe listen (E1.31, 9.3.1)."""
    return f"239.255.{universe >> 8}.{universe & 255}"
