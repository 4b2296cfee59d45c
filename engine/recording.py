"""A recorded pose as bytes: the JSON object of the wire with every digit that counts, and back.

What is recorded is the pose that was analysed, at the model's rate: played again it passes the engine one to one, so
that the same events come out. Pure: files are written by `bridges/`, read by `sensors/`.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
import numpy as np

from .body import JOINT_COUNT
from .errors import PacketError
from .events import PoseEvent
from .pose import Pose
from .skeleton import Float32

DIGITS: Final = 8  # decimals: a float32 within a metre of the origin comes back to the last bit, farther off to 1e-7
ENCODING, SCHEMA_ENCODING = "json", "jsonschema"

Row3 = Annotated[list[float], msgspec.Meta(min_length=3, max_length=3)]
Row4 = Annotated[list[float], msgspec.Meta(min_length=4, max_length=4)]


class RecordedPose(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a recorded pose; joints and rotations as in `engine.pose.Pose`."""

    v: int
    type: str
    stream: str
    seq: int
    t_ns: int
    joints: Annotated[list[Row3], msgspec.Meta(min_length=JOINT_COUNT, max_length=JOINT_COUNT)]
    confidence: Annotated[list[float], msgspec.Meta(min_length=JOINT_COUNT, max_length=JOINT_COUNT)]
    rotations: Annotated[list[Row4], msgspec.Meta(min_length=JOINT_COUNT, max_length=JOINT_COUNT)] | None = None
    travels: bool = True
    interpolated: bool = False


_decoder = msgspec.json.Decoder(RecordedPose)
_encoder = msgspec.json.Encoder()


def encode_pose(event: PoseEvent) -> bytes:
    """Return the JSON of a pose that was analysed; raise PacketError where a number is not finite."""
    rotations = None if event.rotations is None else _digits(event.rotations)
    return _encoder.encode(
        RecordedPose(
            v=1,
            type=event.type,
            stream=event.stream,
            seq=event.seq,
            t_ns=event.t_ns,
            joints=_digits(event.joints),
            confidence=_digits(event.confidence),
            rotations=rotations,
            travels=event.travels,
            interpolated=event.interpolated,
        )
    )


def decode_pose(data: bytes) -> Pose:
    """Return the pose of a recorded message; raise PacketError for anything else."""
    try:
        told = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise PacketError(f"no recorded pose: {str(error)[:100]}") from None
    positions, confidence = _array(told.joints), _array(told.confidence)
    rotations = None if told.rotations is None else _array(told.rotations)
    if not 0 <= told.seq < 2**32 or not 0 <= told.t_ns < 2**63:
        raise PacketError(f"a recorded pose numbered {told.seq} at {told.t_ns} ns")
    return Pose(told.stream, told.seq, told.t_ns, positions, confidence, rotations, told.travels, told.interpolated)


def pose_schema() -> dict[str, Any]:
    """Return the JSON Schema of a recorded pose, without references, as viewers of recordings want it."""
    numbers = {"type": "array", "items": {"type": "number"}}
    rows = {"type": "array", "items": numbers}
    return {
        "title": "emotus.pose",
        "type": "object",
        "properties": {
            **base_properties(),
            "joints": {**rows, "description": "21 joints, metres, Y up, +Z forward, names in the file's metadata"},
            "confidence": {**numbers, "description": "0 to 1 for each joint"},
            "rotations": {**rows, "description": "local quaternions w, x, y, z, where the source has any"},
            "travels": {"type": "boolean", "description": "whether the source knows where the root goes"},
            "interpolated": {"type": "boolean", "description": "made between two received poses"},
        },
    }


def base_properties() -> dict[str, Any]:
    """Return what every event of the wire has (DESIGN.md 5)."""
    words = {"v": "integer", "type": "string", "stream": "string", "seq": "integer", "t_ns": "integer"}
    return {name: {"type": kind} for name, kind in words.items()}


def _digits(array: Float32) -> Any:
    if not np.isfinite(array).all():
        raise PacketError("a pose with numbers that are not finite is not recorded")
    return array.astype(np.float64).round(DIGITS).tolist()


def _array(rows: Any) -> Float32:
    array = np.array(rows, dtype=np.float32)
    if not np.isfinite(array).all():
        raise PacketError("a recorded pose with numbers that are not finite")
    return array
