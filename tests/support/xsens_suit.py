"""An Xsens suit for tests: performances as the datagrams that MVN would send, one of each type where it matters."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import numpy as np

from emotus.engine.pose import Pose
from emotus.sensors import xsens_layout as layout
from emotus.sensors.xsens_decoder import XsensDecoder
from emotus.sensors.xsens_writer import (
    XsensWriter,
    euler_items,
    pose_items,
    segments_of,
    write_items,
    write_metadata,
    write_null_pose,
    write_time_code,
)

NAN = float("nan")


def worn(poses: Iterable[Pose], **options) -> list[tuple[int, bytes]]:
    """Return (time, datagram) of everything that a suit sends of some poses."""
    writer = XsensWriter(**options)
    return [(pose.t_ns, datagram) for pose in poses for datagram in writer.write(pose)]


def heard(decoder: XsensDecoder, datagrams: Iterable[tuple[int, bytes]]) -> list[Pose]:
    """Return the poses that a decoder makes of datagrams, none of which is malformed."""
    return [pose for t_ns, datagram in datagrams for pose in decoder.feed(datagram, t_ns)]


def sample_of(pose: Pose, kind: int, *, time_ms: int = 0, sample: int | None = None, **options) -> list[bytes]:
    """Return the datagrams of one type for one pose; of the kinematics only what a body is made of is true."""
    positions, rotations = segments_of(pose)
    count = len(positions)
    if kind == layout.EULER:
        items = euler_items(positions, np.zeros_like(positions))
    elif kind == layout.QUATERNION:
        items = pose_items(positions, rotations)
    else:
        items = np.zeros({20: 22, 24: 1}.get(kind, count), dtype=layout.ITEMS[kind][0])
        if "id" in (items.dtype.names or ()):
            items["id"] = np.arange(1, count + 1)
        if kind == layout.LINEAR:
            items["position"] = positions
        if kind == layout.ANGULAR:
            items["rotation"] = rotations
    return write_items(kind, items, pose.seq if sample is None else sample, time_ms, **options)


def one_of_each(pose: Pose) -> dict[str, bytes]:
    """Return a good datagram of every type there is, split ones too."""
    first, last = sample_of(pose, layout.QUATERNION, longest=500)[:2]
    names = {f"MXTP{kind:02d}": sample_of(pose, kind)[0] for kind in layout.ITEMS}
    return names | {
        "MXTP02 part 0": first,
        "MXTP02 part 1": last,
        "MXTP12": write_metadata({"name": "Anna", "color": "ff0000"}),
        "MXTP13": write_null_pose({"Pelvis": (0, 0, 1), "L5": (0, 0, 1.1)}, {(1, 13): ("pSacrum", (0, 0, 0.02))}),
        "MXTP25": write_time_code("12:34:56.789"),
    }


def with_byte(datagram: bytes, at: int, value: int) -> bytes:
    """Return a datagram with one byte changed."""
    return datagram[:at] + bytes((value,)) + datagram[at + 1 :]


def with_id(datagram: bytes, item: int, value: int) -> bytes:
    """Return an MXTP02 datagram with the segment id of one item changed."""
    at = layout.HEADER.size + item * layout.POSE_ITEM.itemsize
    return datagram[:at] + struct.pack(">I", value) + datagram[at + 4 :]
