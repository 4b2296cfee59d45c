"""Events as OSC: the addresses of DESIGN.md 5, and frames packed into bundles that fit one Ethernet or Wi-Fi packet."""

from __future__ import annotations

import math
import re
import struct
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..engine.body import JOINT_COUNT, JOINT_NAMES
from ..engine.clock import NS_PER_S
from ..engine.errors import OscError
from ..engine.events import EmotionEvent, Event, MotionEvent, PoseEvent, QualitiesEvent, SignatureEvent, StatusEvent
from ..engine.osc_codec import BUNDLE, BUNDLE_HEAD, IMMEDIATELY, encode_message, encode_string

ROOT: Final = "/emotus"
MAX_BUNDLE_BYTES: Final = 1400  # more would be fragmented on the way, and Wi-Fi loses whole frames then
MAX_NAME: Final = 48
MAX_TEXT: Final = 400
MAX_PERFORMERS: Final = 256  # streams whose addresses are remembered
HEAD: Final = BUNDLE_HEAD.pack(BUNDLE, IMMEDIATELY)

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]+")
_JOINT_TAGS: Final = "," + 7 * "f"
_JOINT_BYTES: Final = 7 * 4


class Addresses:
    """Know the beginnings of the messages of one stream: size, address and type tags, encoded once.

    They are as many as the model has labels and the engine has qualities, joints and references of a signature.
    """

    def __init__(self, name: str) -> None:
        self.prefix = f"{ROOT}/{name}"
        self._heads: dict[str, bytes] = {}

    def head(self, path: str, tags: str = ",f", payload: int = 4) -> bytes:
        """Return size, address and tags of the message at prefix/path with so many bytes of arguments."""
        head = self._heads.get(path)
        if head is None:
            body = encode_string(f"{self.prefix}/{path}") + encode_string(tags)
            head = self._heads[path] = struct.pack(">i", len(body) + payload) + body
        return head


class FrameEncoder:
    """Encode events as elements of bundles; streams keep their addresses for as long as they are spoken of."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget the streams, and the moment from which /frame counts its seconds."""
        self._streams: dict[str, Addresses] = {}
        self._taken: set[str] = set()
        self._origin_ns: int | None = None

    def frame(self, event: Event) -> bytes:
        """Return the element /frame: seq (its lower 31 bits), and seconds since the first frame of all.

        Counted from there because a float32 of the seconds since the machine started would be off by milliseconds.
        """
        if self._origin_ns is None:
            self._origin_ns = event.t_ns
        seconds = (event.t_ns - self._origin_ns) / NS_PER_S
        head = self._addresses(event.stream).head("frame", ",if", 8)
        return head + struct.pack(">if", event.seq & 0x7FFFFFFF, seconds)

    def elements(self, event: Event) -> list[bytes]:
        """Return the event's messages, each with its size in front; raise OscError where a number is not finite."""
        return ELEMENTS[type(event)](self._addresses(event.stream), event)

    def _addresses(self, stream: str) -> Addresses:
        known = self._streams.get(stream)
        return self._enter(stream) if known is None else known

    def _enter(self, stream: str) -> Addresses:
        """Give a new stream its name; one that would look like another's gets a number after it."""
        if len(self._streams) >= MAX_PERFORMERS:
            self._streams.clear()
            self._taken.clear()
        base = name = safe_name(stream)
        number = 2
        while name in self._taken:
            name, number = f"{base}_{number}", number + 1
        self._taken.add(name)
        self._streams[stream] = Addresses(name)
        return self._streams[stream]


def pack(frame: bytes, elements: Iterable[bytes]) -> list[bytes]:
    """Pack elements into as few bundles of at most MAX_BUNDLE_BYTES as keep their order, each opened by `frame`."""
    bundles: list[list[bytes]] = []
    room = -1
    for element in elements:
        if len(element) > room:
            bundles.append([HEAD, frame])
            room = MAX_BUNDLE_BYTES - len(HEAD) - len(frame)
        bundles[-1].append(element)
        room -= len(element)
    return [b"".join(bundle) for bundle in bundles]


@lru_cache(maxsize=1024)
def safe_name(text: str) -> str:
    """Return text as a part of an OSC address: at most MAX_NAME ASCII letters, digits, - and _, accents left off."""
    plain = unicodedata.normalize("NFKD", text[: 4 * MAX_NAME]).encode("ascii", "ignore").decode("ascii")
    return _UNSAFE.sub("_", plain)[:MAX_NAME] or "_"


def safe_text(text: str) -> str:
    """Return text as OSC 1.0 allows it in a string: one line of ASCII, at most MAX_TEXT long."""
    return " ".join(text.encode("ascii", "replace").decode("ascii").replace("\0", " ").split())[:MAX_TEXT]


def _emotion(at: Addresses, event: EmotionEvent) -> list[bytes]:
    scores = {f"emotion/{safe_name(label)}": p for label, p in event.probs.items()}
    values = scores | {"valence": event.valence, "arousal": event.arousal, "confidence": event.confidence}
    return [*_scalars(at, values), _element(at, "label", safe_name(event.label))]


def _qualities(at: Addresses, event: QualitiesEvent) -> list[bytes]:
    return _scalars(at, {f"quality/{safe_name(name)}": value for name, value in event.values.items()})


def _signature(at: Addresses, event: SignatureEvent) -> list[bytes]:
    distances = {f"signature/{safe_name(name)}": value for name, value in event.distances.items()}
    x, y = event.xy
    place = {"signature_x": x, "signature_y": y, "signature_drift": event.drift}
    values = distances | place | {"signature_confidence": event.confidence}
    return [*_scalars(at, values), _element(at, "signature_nearest", safe_name(event.nearest))]


def _motion(at: Addresses, event: MotionEvent) -> list[bytes]:
    """Say first that the body is synthetic and what was asked for, then where its joints are."""
    asked = {"synthetic": 1.0, "generated/intensity": event.intensity}
    return [*_scalars(at, asked), _element(at, "generated/emotion", safe_name(event.emotion)), *_pose(at, event)]


def _pose(at: Addresses, event: PoseEvent | MotionEvent) -> list[bytes]:
    raw = _joint_rows(event).tobytes()
    heads = [at.head(path, _JOINT_TAGS, _JOINT_BYTES) for path in _JOINT_PATHS]
    return [head + raw[i * _JOINT_BYTES : (i + 1) * _JOINT_BYTES] for i, head in enumerate(heads)]


def _joint_rows(event: PoseEvent | MotionEvent) -> NDArray[np.float32]:
    """Return (21, 7) big-endian px py pz qx qy qz qw; the identity where rotations are unknown."""
    rows = np.zeros((JOINT_COUNT, 7), dtype=">f4")  # (21, 7)
    rows[:, :3] = event.joints
    if event.rotations is None:
        rows[:, 6] = 1.0
    else:
        rows[:, 3:6] = event.rotations[:, 1:]  # ours are w x y z
        rows[:, 6] = event.rotations[:, 0]
    if not np.isfinite(rows).all():
        raise OscError("a joint is not finite: only finite numbers go on the wire")
    return rows


def _status(at: Addresses, event: StatusEvent) -> list[bytes]:
    return [_element(at, "status", safe_text(event.code), safe_text(event.message))]


def _scalars(at: Addresses, values: Mapping[str, float]) -> list[bytes]:
    if not all(map(math.isfinite, values.values())):
        raise OscError(f"not finite: {[path for path, value in values.items() if not math.isfinite(value)][:3]}")
    try:
        return [at.head(path) + struct.pack(">f", value) for path, value in values.items()]
    except OverflowError as error:
        raise OscError("a number does not fit into an OSC float") from error


def _element(at: Addresses, path: str, *texts: str) -> bytes:
    message = encode_message(f"{at.prefix}/{path}", *texts)
    return struct.pack(">i", len(message)) + message


_JOINT_PATHS: Final = tuple(f"joint/{name}" for name in JOINT_NAMES)

# The one table of what each event becomes; a new type of event is one line here.
ELEMENTS: Final[Mapping[type, Callable[[Addresses, Any], list[bytes]]]] = {
    EmotionEvent: _emotion,
    QualitiesEvent: _qualities,
    SignatureEvent: _signature,
    PoseEvent: _pose,
    MotionEvent: _motion,
    StatusEvent: _status,
}


def frames(events: Sequence[Event]) -> list[list[Event]]:
    """Group consecutive events of the same stream, seq and time: those that belong into one frame's bundles."""
    groups: list[list[Event]] = []
    key = None
    for event in events:
        if (event.stream, event.seq, event.t_ns) != key:
            groups.append([])
            key = (event.stream, event.seq, event.t_ns)
        groups[-1].append(event)
    return groups
