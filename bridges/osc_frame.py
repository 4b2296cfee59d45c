"""Events as OSC: the addresses of DESIGN.md 5, and frames packed into bundles that fit one Ethernet or Wi-Fi packet."""

from __future__ import annotations

import math
import re
import struct
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..engine.body import JOINT_COUNT, JOINT_NAMES
from ..engine.clock import NS_PER_S
from ..engine.errors import OscError
from ..engine.events import EmotionEvent, Event, MotionEvent, PoseEvent, QualitiesEvent, SignatureEvent, StatusEvent
from ..engine.osc_codec import BUNDLE, BUNDLE_HEAD, IMMEDIATELY, encode_message, encode_string
from .coordinates import AXES, HOUSE
from .osc_template import DEFAULT, POSITION_AXES, ROTATION_AXES, Template, fill

MAX_BUNDLE_BYTES: Final = 1400  # more would be fragmented on the way, and Wi-Fi loses whole frames then
MAX_NAME: Final = 48
MAX_TEXT: Final = 400
MAX_PERFORMERS: Final = 256  # streams whose addresses are remembered
HEAD: Final = BUNDLE_HEAD.pack(BUNDLE, IMMEDIATELY)

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]+")
_PLACED: Final = {  # which of a joint's seven numbers a kind says, and how they are called one by one
    "joint": (0, 7, POSITION_AXES + ROTATION_AXES),
    "position": (0, 3, POSITION_AXES),
    "rotation": (3, 7, ROTATION_AXES),
}
_OWN_NAMES: Final = frozenset(("value", "text"))
_MOST_KINDS: Final = 1024  # sets of names whose addresses a stream keeps; a show has a handful
_pack_float: Final = struct.Struct(">f").pack


class Addresses:
    """Know the beginnings of the messages of one stream: size, address and type tags, encoded once.

    They are as many as the model has labels and the engine has qualities, joints and references of a signature.
    """

    def __init__(self, name: str, person: int = 1, template: Template = DEFAULT) -> None:
        self.name = name
        self.axes = None if template.axes == HOUSE else AXES[template.axes]
        self._addresses = template.addresses
        self._person = str(person)
        self._heads: dict[tuple[str, tuple[str, ...]], tuple[bytes, ...]] = {}

    def heads(self, kind: str, names: tuple[str, ...], hole: str = "name") -> tuple[bytes, ...]:
        """Return size, address and tags of the messages of one float each of a kind; () where it is not said."""
        heads = self._heads.get((kind, names))
        if heads is None:
            if len(self._heads) >= _MOST_KINDS:
                self._heads.clear()
            heads = tuple(self._head(kind, ",f", 4, **{hole: each}) for each in names) if self.says(kind) else ()
            self._heads[kind, names] = heads
        return heads

    def says(self, kind: str) -> bool:
        """Tell whether the template has an address for a kind."""
        return kind in self._addresses

    def whole(self, kind: str, tags: str, payload: int) -> bytes:
        """Return size, address and tags of a kind that is one message."""
        heads = self._heads.get((kind, (tags,)))
        if heads is None:
            heads = self._heads[kind, (tags,)] = (self._head(kind, tags, payload),)
        return heads[0]

    def joints(self, kind: str) -> tuple[bytes, ...]:
        """Return the beginnings of a kind of the joints, one a joint or one a number; () where it is not said."""
        heads = self._heads.get((kind, ()))
        if heads is None:
            heads = self._heads[kind, ()] = tuple(self._joints(kind)) if self.says(kind) else ()
        return heads

    def text(self, kind: str, *texts: str, name: str = "") -> list[bytes]:
        """Return an element with texts, or nothing where the kind is not said."""
        if not self.says(kind):
            return []
        message = encode_message(self._address(kind, name=name), *texts)
        return [struct.pack(">i", len(message)) + message]

    def _joints(self, kind: str) -> Iterator[bytes]:
        first, last, axes = _PLACED[kind]
        for joint in JOINT_NAMES:
            if "{axis}" in self._addresses[kind]:
                yield from (self._head(kind, ",f", 4, joint=joint, axis=axis) for axis in axes)
            else:
                yield self._head(kind, "," + (last - first) * "f", 4 * (last - first), joint=joint)

    def _head(self, kind: str, tags: str, payload: int, **values: str) -> bytes:
        body = encode_string(self._address(kind, **values)) + encode_string(tags)
        return struct.pack(">i", len(body) + payload) + body

    def _address(self, kind: str, **values: str) -> str:
        """Return the address of something, its name made safe; what emotus itself names may have several parts."""
        safe = {hole: value if kind in _OWN_NAMES else safe_name(value) for hole, value in values.items()}
        return fill(self._addresses[kind], stream=self.name, person=self._person, **safe)


class FrameEncoder:
    """Encode events as elements of bundles; streams keep their addresses for as long as they are spoken of."""

    def __init__(self, template: Template = DEFAULT) -> None:
        self._template = template
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
        at = self._at(event.stream)
        if self._origin_ns is None:
            self._origin_ns = event.t_ns
        if not at.says("frame"):
            return b""
        seconds = (event.t_ns - self._origin_ns) / NS_PER_S
        return at.whole("frame", ",if", 8) + struct.pack(">if", event.seq & 0x7FFFFFFF, seconds)

    def elements(self, event: Event) -> list[bytes]:
        """Return the event's messages, each with its size in front; raise OscError where a number is not finite."""
        return ELEMENTS[type(event)](self._at(event.stream), event)

    def _at(self, stream: str) -> Addresses:
        known = self._streams.get(stream)
        return self._enter(stream) if known is None else known

    def _enter(self, stream: str) -> Addresses:
        """Give a new stream its name and number; one that would look like another's gets a number after it."""
        if len(self._streams) >= MAX_PERFORMERS:
            self._streams.clear()
            self._taken.clear()
        base = name = safe_name(stream)
        number = 2
        while name in self._taken:
            name, number = f"{base}_{number}", number + 1
        self._taken.add(name)
        self._streams[stream] = Addresses(name, len(self._streams) + 1, self._template)
        return self._streams[stream]


def pack(frame: bytes, elements: Iterable[bytes], head: bytes = HEAD) -> list[bytes]:
    """Pack elements into as few bundles of at most MAX_BUNDLE_BYTES as keep their order, each opened by `frame`."""
    bundles: list[bytes] = []
    opening = head + frame
    inside: list[bytes] = []
    room = most = MAX_BUNDLE_BYTES - len(opening)
    for element in elements:
        room -= len(element)
        if room < 0 and inside:
            bundles.append(opening + b"".join(inside))
            inside = []
            room = most - len(element)
        inside.append(element)
    return [*bundles, opening + b"".join(inside)] if inside else bundles


def packed(elements: Sequence[bytes], *, bundle: bool) -> list[bytes]:
    """Return elements that belong to no frame of ours as datagrams, in bundles or each by itself."""
    return pack(b"", elements) if bundle else unpacked(b"", elements)


def unpacked(frame: bytes, elements: Sequence[bytes]) -> list[bytes]:
    """Return each element as a datagram of its own, for receivers that read no bundles."""
    return [element[4:] for element in (frame, *elements) if element and elements]


@lru_cache(maxsize=1024)
def safe_name(text: str) -> str:
    """Return text as a part of an OSC address: at most MAX_NAME ASCII letters, digits, - and _, accents left off."""
    plain = unicodedata.normalize("NFKD", text[: 4 * MAX_NAME]).encode("ascii", "ignore").decode("ascii")
    return _UNSAFE.sub("_", plain)[:MAX_NAME] or "_"


def safe_text(text: str) -> str:
    """Return text as OSC 1.0 allows it in a string: one line of ASCII, at most MAX_TEXT long."""
    return " ".join(text.encode("ascii", "replace").decode("ascii").replace("\0", " ").split())[:MAX_TEXT]


def _emotion(at: Addresses, event: EmotionEvent) -> list[bytes]:
    values = {"valence": event.valence, "arousal": event.arousal, "confidence": event.confidence}
    elements = _scalars(at, "emotion", event.probs, "label") + _scalars(at, "value", values)
    elements += at.text("text", safe_name(event.label), name="label")
    return elements + _list(at, "vector", (*values.values(), *event.probs.values())) if at.says("vector") else elements


def _qualities(at: Addresses, event: QualitiesEvent) -> list[bytes]:
    return _scalars(at, "quality", event.values)


def _signature(at: Addresses, event: SignatureEvent) -> list[bytes]:
    x, y = event.xy
    place = {"signature_x": x, "signature_y": y, "signature_drift": event.drift}
    values = place | {"signature_confidence": event.confidence}
    elements = _scalars(at, "signature", event.distances) + _scalars(at, "value", values)
    return elements + at.text("text", safe_name(event.nearest), name="signature_nearest")


def _motion(at: Addresses, event: MotionEvent) -> list[bytes]:
    """Say first that the body is synthetic and what was asked for, then where its joints are."""
    asked = {"synthetic": 1.0, "generated/intensity": event.intensity}
    told = _scalars(at, "value", asked) + at.text("text", safe_name(event.emotion), name="generated/emotion")
    return told + _pose(at, event)


def _pose(at: Addresses, event: PoseEvent | MotionEvent) -> list[bytes]:
    rows = _joint_rows(at, event)
    elements: list[bytes] = []
    for kind, (first, last, _) in _PLACED.items():
        heads = at.joints(kind)
        if heads:
            raw = rows[:, first:last].tobytes()
            size = len(raw) // len(heads)
            elements += [head + raw[i * size : (i + 1) * size] for i, head in enumerate(heads)]
    if at.says("joints"):
        elements += _list(at, "joints", (rows[:, :3] - rows[0, :3]).ravel().tolist())
    return elements


def _joint_rows(at: Addresses, event: PoseEvent | MotionEvent) -> NDArray[np.float32]:
    """Return (21, 7) big-endian px py pz qx qy qz qw in the template's axes; unknown rotations are the identity."""
    rows = np.zeros((JOINT_COUNT, 7), dtype=">f4")  # (21, 7)
    rows[:, :3] = event.joints
    if event.rotations is None:
        rows[:, 6] = 1.0
    else:
        rows[:, 3:6] = event.rotations[:, 1:]  # ours are w x y z
        rows[:, 6] = event.rotations[:, 0]
    if not np.isfinite(rows).all():
        raise OscError("a joint is not finite: only finite numbers go on the wire")
    return rows if at.axes is None else at.axes.of(rows).astype(">f4")


def _status(at: Addresses, event: StatusEvent) -> list[bytes]:
    return at.text("status", safe_text(event.code), safe_text(event.message))


def _scalars(at: Addresses, kind: str, values: Mapping[str, float], hole: str = "name") -> list[bytes]:
    heads = at.heads(kind, tuple(values), hole)
    if not all(map(math.isfinite, values.values())):
        raise OscError(f"not finite: {[name for name, value in values.items() if not math.isfinite(value)][:3]}")
    try:
        return [head + _pack_float(value) for head, value in zip(heads, values.values(), strict=False)]
    except OverflowError as error:
        raise OscError("a number does not fit into an OSC float") from error


def _list(at: Addresses, kind: str, values: Sequence[float]) -> list[bytes]:
    try:
        return [at.whole(kind, "," + len(values) * "f", 4 * len(values)) + struct.pack(f">{len(values)}f", *values)]
    except OverflowError as error:
        raise OscError("a number does not fit into an OSC float") from error


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
