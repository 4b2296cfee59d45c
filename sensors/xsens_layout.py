"""The bytes of an Xsens MVN datagram: header and items of each type, big-endian, as reader and writer share them.

After Movella's MVN real-time network streaming protocol and PROTOCOLS.md 1.
"""

from __future__ import annotations

import struct
from typing import Final

import numpy as np

MAGIC: Final = b"MXTP"
DEFAULT_PORT: Final = 9763
HEADER: Final = struct.Struct(">6sIBBIBBBB2sH")  # 24 bytes
LAST: Final = 0x80  # bit of the datagram counter: the last part of this sample

EULER, QUATERNION, UNITY, METADATA, NULL_POSE = 1, 2, 5, 12, 13
JOINT_ANGLES, LINEAR, ANGULAR, TRACKERS, CENTRE_OF_MASS, TIME_CODE = 20, 21, 22, 23, 24, 25

SEGMENTS: Final = 23  # of the body; ids on the wire count from 1
MOST_ITEMS: Final = 128  # 23 segments, 4 props and 40 fingers are the most there is
MOST_PARTS: Final = 16  # datagrams of one sample; the longest pose needs three

_ID: Final = ("id", ">u4")
_AGAIN: Final = (">f4", (3,))
EULER_ITEM: Final = np.dtype([_ID, ("position", *_AGAIN), ("degrees", *_AGAIN)])
POSE_ITEM: Final = np.dtype([_ID, ("position", *_AGAIN), ("rotation", ">f4", (4,))])
ANGLE_ITEM: Final = np.dtype([("parent", ">u4"), ("child", ">u4"), ("degrees", *_AGAIN)])
LINEAR_ITEM: Final = np.dtype([_ID, ("position", *_AGAIN), ("velocity", *_AGAIN), ("acceleration", *_AGAIN)])
ANGULAR_ITEM: Final = np.dtype([_ID, ("rotation", ">f4", (4,)), ("velocity", *_AGAIN), ("acceleration", *_AGAIN)])
TRACKER_ITEM: Final = np.dtype(
    [_ID, ("rotation", ">f4", (4,)), ("free_acceleration", *_AGAIN), ("acceleration", *_AGAIN), ("gyro", *_AGAIN),
     ("magnetic", *_AGAIN)]
)  # fmt: skip
OLD_TRACKER_ITEM: Final = np.dtype(
    [_ID, ("rotation", ">f4", (4,)), ("free_acceleration", *_AGAIN), ("magnetic", *_AGAIN)]
)
MASS_ITEM: Final = np.dtype([("position", *_AGAIN), ("velocity", *_AGAIN), ("acceleration", *_AGAIN)])
OLD_MASS_ITEM: Final = np.dtype([("position", *_AGAIN)])

# The variants of each type that is made of items: told apart by their size, never by the version of MVN.
ITEMS: Final[dict[int, tuple[np.dtype[np.void], ...]]] = {
    EULER: (EULER_ITEM,),
    QUATERNION: (POSE_ITEM,),
    UNITY: (POSE_ITEM,),
    JOINT_ANGLES: (ANGLE_ITEM,),
    LINEAR: (LINEAR_ITEM,),
    ANGULAR: (ANGULAR_ITEM,),
    TRACKERS: (TRACKER_ITEM, OLD_TRACKER_ITEM),
    CENTRE_OF_MASS: (MASS_ITEM, OLD_MASS_ITEM),
}
