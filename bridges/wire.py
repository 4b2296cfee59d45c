"""Wire version 1: every event as one JSON object or one MessagePack map (DESIGN.md 5), and what clients may ask.

JSON is rounded: lengths to 0.1 mm, latency to 1 us, every other number to 5 decimals, so probabilities add up to one
within 5e-6 for each label. MessagePack has the same numbers, with arrays as raw little-endian float32 in `bin`, not
rounded. Nothing that is not finite ever leaves: JSON has no word for it, and no receiver expects it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal

import msgspec
import numpy as np

from ..engine.body import JOINT_COUNT
from ..engine.control import Command, parse
from ..engine.errors import ControlError, WireError
from ..engine.events import (
    Disclosure,
    EmotionEvent,
    Event,
    MotionEvent,
    PoseEvent,
    QualitiesEvent,
    SignatureEvent,
    StatusEvent,
)
from ..engine.skeleton import Float32
from ..engine.streams import STREAMS

VERSION: Final = 1
MAX_CONTROL_BYTES: Final = 4096  # a subscription that names 64 streams fits; nothing longer is worth parsing
MAX_RESUME_BYTES: Final = 16384  # so does what was heard last of 64 streams
MAX_STREAMS: Final = 64
MAX_NAME: Final = 128
MAX_HZ: Final = 1000.0
LENGTH_DIGITS: Final = 4
NUMBER_DIGITS: Final = 5
LATENCY_DIGITS: Final = 3
EFFECTIVE_DIGITS: Final = 1
FORMATS: Final = ("json", "msgpack")
PRECISIONS: Final = ("float32", "mm")

Wire = dict[str, Any]
Pack = Callable[[Float32, int], object]  # an array and the decimals that are worth keeping -> what stands on the wire


def to_json(event: Event) -> bytes:
    """Encode an event as one JSON object, UTF-8, no line end; raise WireError where a number is not finite."""
    return _json.encode(to_dict(event))


def to_msgpack(event: Event) -> bytes:
    """Encode an event as one MessagePack map, arrays as raw float32; raise WireError where a number is not finite."""
    return _msgpack.encode(to_dict(event, _raw))


def to_dict(event: Event, pack: Pack | None = None) -> Wire:
    """Return the event's fields in wire order; arrays as rounded nested lists unless another `pack` is given."""
    base: Wire = {"v": VERSION, "type": event.type, "stream": event.stream, "seq": event.seq, "t_ns": event.t_ns}
    return base | FIELDS[type(event)](event, pack or _rounded)


def _emotion(event: EmotionEvent, pack: Pack) -> Wire:
    fields: Wire = {
        "label": event.label,
        "probs": _numbers(event.probs),
        "valence": _number(event.valence),
        "arousal": _number(event.arousal),
        "confidence": _number(event.confidence),
        "abstain": event.abstain,
        "latency_ms": _number(event.latency_ms, LATENCY_DIGITS),
        "disclosure": _disclosure(event.disclosure),
    }
    return fields if event.joints is None else fields | {"joints": pack(event.joints, NUMBER_DIGITS)}


def _disclosure(told: Disclosure) -> Wire:
    return {
        "inferred": told.inferred,
        "kind": told.kind,
        "model": told.model,
        "sha256": told.sha256,
        "notice": told.notice,
        "schema": told.schema,
    }


def _qualities(event: QualitiesEvent, pack: Pack) -> Wire:  # noqa: ARG001 - one shape for every encoder
    return {name: value for name, value in _numbers(event.values).items() if name not in RESERVED}


def _signature(event: SignatureEvent, pack: Pack) -> Wire:  # noqa: ARG001 - one shape for every encoder
    return {
        "distances": _numbers(event.distances),
        "nearest": event.nearest,
        "label": event.label,
        "cluster": event.cluster,
        "xy": [_number(value) for value in event.xy],
        "drift": _number(event.drift),
        "confidence": _number(event.confidence),
        "effective": _number(event.effective, EFFECTIVE_DIGITS),
        "window_s": _number(event.window_s),
        "windows": {seconds: _numbers(distances) for seconds, distances in event.windows.items()},
    }


def _pose(event: PoseEvent, pack: Pack) -> Wire:
    fields: Wire = {"joints": pack(event.joints, LENGTH_DIGITS), "confidence": pack(event.confidence, NUMBER_DIGITS)}
    return fields | {"interpolated": True} if event.interpolated else fields


def _motion(event: MotionEvent, pack: Pack) -> Wire:
    return {
        "joints": pack(event.joints, LENGTH_DIGITS),
        "confidence": pack(_CERTAIN, NUMBER_DIGITS),
        "rotations": pack(event.rotations, NUMBER_DIGITS),
        "root": pack(event.root, LENGTH_DIGITS),
        "emotion": event.emotion,
        "intensity": _number(event.intensity),
        "valence": _number(event.valence),
        "arousal": _number(event.arousal),
        "synthetic": event.synthetic,
        "seed": event.seed,
        "model": event.model,
        "sha256": event.sha256,
    }


def _status(event: StatusEvent, pack: Pack) -> Wire:  # noqa: ARG001 - one shape for every encoder
    return {"level": event.level, "code": event.code, "message": event.message, "counters": dict(event.counters)}


RESERVED: Final = frozenset(("v", "type", "stream", "seq", "t_ns"))

# The one table of what each event says; a new type of event is one line here.
FIELDS: Final[Mapping[type, Callable[[Any, Pack], Wire]]] = {
    EmotionEvent: _emotion,
    QualitiesEvent: _qualities,
    SignatureEvent: _signature,
    PoseEvent: _pose,
    MotionEvent: _motion,
    StatusEvent: _status,
}
_CERTAIN: Final = np.ones(JOINT_COUNT, dtype=np.float32)  # every joint of a generated body is known

_json = msgspec.json.Encoder()
_msgpack = msgspec.msgpack.Encoder()


def _number(value: float, digits: int = NUMBER_DIGITS) -> float:
    if not math.isfinite(value):
        raise WireError(f"{value} cannot go on the wire: only finite numbers can")
    return round(float(value), digits)


def _numbers(values: Mapping[str, float]) -> dict[str, float]:
    return {name: _number(value) for name, value in values.items()}


def _rounded(array: Float32, digits: int) -> object:
    # Rounding in float64: a float32 rounded to four decimals would be printed with nine.
    return _finite(array).astype(np.float64).round(digits).tolist()


def _raw(array: Float32, digits: int) -> object:  # noqa: ARG001 - one shape for both packers
    return _finite(array).astype("<f4", copy=False).tobytes()


def _finite(array: Float32) -> Float32:
    if not np.isfinite(array).all():
        raise WireError(f"{np.count_nonzero(~np.isfinite(array))} numbers of an array are not finite")
    return array


Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME)]


class Subscribe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask for events: of these streams and types (None: all), in this format, at most max_hz of each a second."""

    type: Literal["subscribe"]
    v: Literal[1] = VERSION
    streams: Annotated[tuple[Name, ...], msgspec.Meta(max_length=MAX_STREAMS)] | None = None
    types: Annotated[tuple[Name, ...], msgspec.Meta(max_length=MAX_STREAMS)] | None = None
    format: Literal["json", "msgpack"] = "json"
    max_hz: Annotated[float, msgspec.Meta(gt=0.0, le=MAX_HZ)] | None = None
    precision: Literal["float32", "mm"] = "float32"

    @property
    def form(self) -> str:
        """Return how events are encoded for who asks this: "json", "msgpack" or "msgpack-mm"."""
        return self.format if self.precision == "float32" else f"{self.format}-{self.precision}"

    def wants(self, stream: str, kind: str) -> bool:
        """Tell whether a stream and type is asked for."""
        return (self.streams is None or stream in self.streams) and (self.types is None or kind in self.types)


class Resume(Subscribe, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Subscribe again after a gap: the session of the lost connection, and of each stream and type the last seq."""

    type: Literal["resume"]  # pyright: ignore[reportIncompatibleVariableOverride]
    session: Name
    seen: Annotated[dict[Name, dict[Name, int]], msgspec.Meta(max_length=MAX_STREAMS)] = {}


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tell the show something: a word of `engine.control.WORDS` and its arguments, those left out as they are there."""

    type: Literal["control"]
    command: Name
    v: Literal[1] = VERSION
    stream: Name | None = None
    label: Name | None = None
    subject: Name | None = None
    purposes: Annotated[tuple[Name, ...], msgspec.Meta(max_length=16)] | None = None
    seconds: float | None = None

    def arguments(self) -> dict[str, object]:
        """Return the arguments that were given."""
        given = {name: getattr(self, name) for name in ("stream", "label", "subject", "purposes", "seconds")}
        return {name: value for name, value in given.items() if value is not None}


class _Kind(msgspec.Struct):
    type: str = ""


_kind_json = msgspec.json.Decoder(_Kind)
_kind_msgpack = msgspec.msgpack.Decoder(_Kind)
_decoders: Final[dict[bool, tuple[msgspec.json.Decoder[Subscribe], msgspec.msgpack.Decoder[Subscribe]]]] = {
    False: (msgspec.json.Decoder(Subscribe), msgspec.msgpack.Decoder(Subscribe)),
    True: (msgspec.json.Decoder(Resume), msgspec.msgpack.Decoder(Resume)),
}
_order_json = msgspec.json.Decoder(Order)
_order_msgpack = msgspec.msgpack.Decoder(Order)


def decode_order(data: str | bytes) -> Command | None:
    """Decode a command of a client: None where the message is no order at all. Raise WireError and nothing else."""
    if not _is_order(data):
        return None  # `decode_control` says what is wrong with it, if anything
    try:
        order = _order_json.decode(data) if isinstance(data, str) else _order_msgpack.decode(data)
        return parse(order.command, order.arguments())
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise WireError(f"no control message of wire version {VERSION}: {error}") from error
    except ControlError as error:
        raise WireError(str(error)) from error


def _is_order(data: str | bytes) -> bool:
    return len(data) <= MAX_CONTROL_BYTES and _kind(data) == "control"


def _kind(data: str | bytes) -> str:
    """Return the type that a message says it has, "" where it says none."""
    try:
        return (_kind_json.decode(data) if isinstance(data, str) else _kind_msgpack.decode(data)).type
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return ""


def decode_control(data: str | bytes) -> Subscribe:
    """Decode what a client asks for: text is JSON, bytes are MessagePack. Raise WireError and nothing else."""
    if len(data) > MAX_RESUME_BYTES:
        raise WireError(f"a control message of {len(data)} bytes: at most {MAX_RESUME_BYTES} are read")
    is_resume = _kind(data) == "resume"
    if len(data) > MAX_CONTROL_BYTES and not is_resume:
        raise WireError(f"a control message of {len(data)} bytes: at most {MAX_CONTROL_BYTES} are read")
    as_json, as_msgpack = _decoders[is_resume]
    try:
        asked = as_json.decode(data) if isinstance(data, str) else as_msgpack.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise WireError(f"no control message of wire version {VERSION}: {error}") from error
    unknown = set(asked.types or ()) - STREAMS.keys()
    if unknown:
        raise WireError(f"no such type: {', '.join(sorted(unknown))} (there are {', '.join(STREAMS)})")
    if asked.format == "json" and asked.precision != "float32":
        raise WireError(f"precision {asked.precision} is of format msgpack; JSON has tenths of a millimetre anyway")
    return asked
