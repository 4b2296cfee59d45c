"""Decode the packets of inertial sensors, as lines of text or as OSC, into poses of their wearer."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from ..engine.errors import PacketError
from ..engine.pose import Pose
from .imu_lines import samples_of_osc, samples_of_text
from .imu_mapping import ImuMapping
from .imu_performer import ImuPerformer
from .imu_sample import Field, Sample, samples_of
from .lsl_layout import Channel

READERS: Final[dict[str, Callable[[bytes, ImuMapping], list[Sample]]]] = {
    "udp": samples_of_text,
    "osc": samples_of_osc,
}


class ImuDecoder:
    """Turn packets of one transport, a key of READERS, into poses; bounded, and reset() forgets the wearer."""

    def __init__(self, performer: ImuPerformer, transport: str) -> None:
        self._performer = performer
        self._read = READERS[transport]
        self.rate_hz = performer.rate_hz

    @property
    def counters(self) -> Mapping[str, int]:
        """Return the samples dropped, by reason."""
        return self._performer.counters

    @property
    def notes(self) -> Sequence[str]:
        """Say how the calibration stands."""
        return self._performer.notes

    def feed(self, data: bytes, t_ns: int) -> Iterable[Pose]:
        """Return the poses that a packet completes; raise PacketError, and nothing else."""
        samples = self._read(data, self._performer.mapping)
        poses = tuple(self._performer.take(samples, t_ns))
        self.rate_hz = self._performer.rate_hz
        return poses

    def reset(self) -> None:
        """Forget everything that was heard."""
        self._performer.reset()


class ImuRowDecoder:
    """Decode rows of little-endian float32, one a channel, as LSL has them; `learn` tells what the channels are."""

    def __init__(self, performer: ImuPerformer) -> None:
        self._performer = performer
        self._labels: tuple[str, ...] = ()
        self.rate_hz = performer.rate_hz

    @property
    def counters(self) -> Mapping[str, int]:
        """Return the samples dropped, by reason."""
        return self._performer.counters

    @property
    def notes(self) -> Sequence[str]:
        """Say how the calibration stands."""
        return self._performer.notes

    def labels_of(self, channels: Sequence[Channel]) -> tuple[str, ...]:
        """Return the fields that channels are: their labels, else the mapping's columns beside the sensor."""
        labels = tuple(channel.label for channel in channels)
        columns = tuple(
            name for name in self._performer.mapping.columns if name != self._performer.mapping.sensor_field
        )
        if all(labels) or len(columns) != len(labels):
            return labels
        return columns

    def learn(self, labels: Sequence[str], rate_hz: float) -> None:
        """Take the fields of the rows to come, and the rate that the stream states, 0 where it states none."""
        self._labels = tuple(labels)
        self.rate_hz = rate_hz if rate_hz >= 1.0 else self._performer.rate_hz

    def feed(self, data: bytes, t_ns: int) -> Iterable[Pose]:
        """Return the poses that a row completes; raise PacketError for one of another width or without its fields."""
        if len(data) != 4 * len(self._labels):
            raise PacketError(f"a row of {len(data)} bytes, expected {len(self._labels)} numbers")
        values = struct.unpack(f"<{len(self._labels)}f", data)
        fields: dict[str, Field] = dict(zip(self._labels, values, strict=True))
        return tuple(self._performer.take(samples_of(fields, self._performer.mapping), t_ns))

    def reset(self) -> None:
        """Forget the wearer and the channels."""
        self._performer.reset()
        self._labels = ()
